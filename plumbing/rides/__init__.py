"""Rides: what a taxi's tablet hands to the screen of its driver, for an hour at most."""
