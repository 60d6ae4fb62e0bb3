"""Offers: whom an offer moves and which one, within budget, never nagging, and with proof of what it earned."""
