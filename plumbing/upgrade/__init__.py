"""A state folder of an older release: a copy of what changes, before it changes, and the way back."""
