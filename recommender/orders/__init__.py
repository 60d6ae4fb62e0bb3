"""Favourite orders: the two-stage model, its reasons, its study, answers in bulk."""
