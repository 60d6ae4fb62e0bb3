"""The engines on arrays and data frames, without a server. `recommender` exports what is public here.

An estimator (`Orders`, `Destinations`, `Offers`) wraps the scene that the server uses: same code, same models.
"""
