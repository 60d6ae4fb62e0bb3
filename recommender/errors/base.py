"""What every error of the recommender is."""

from __future__ import annotations

from plumbing.problem_json import Problem


class RecommenderError(Problem):
    """The base of all of them."""

    code = "recommender_error"
