"""Files as the tills of Square, Toast and Lightspeed write them."""
