"""What the description of the API says about every operation, made from what its route declares."""
