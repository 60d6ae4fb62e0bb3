"""Offers: which one to show to whom, learned from randomised decisions, and what the offers earn."""
