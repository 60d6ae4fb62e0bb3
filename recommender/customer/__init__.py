"""What a customer can ask for about themselves: see it, correct it, tie an account, be forgotten by the models."""
