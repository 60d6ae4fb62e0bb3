"""The recommender: an opaque token in, suggestions out, events back, models retrained.

It never sees a face and never imports the half that does.
"""
