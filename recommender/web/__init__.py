"""The routes of the recommender."""
