"""What every web service needs and neither half is about: databases, keys, limits, problem replies.

Plumbing knows no face, no taste and no token; both halves may import it, it imports neither.
"""
