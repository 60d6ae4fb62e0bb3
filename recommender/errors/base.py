"""What every error of the recommender is."""

from __future__ import annotations

from plumbing.problem_json import Problem


class RecommenderError(Problem):
    """An error of the recommender: the base of its family."""

    code = "recommender_error"
    what_to_do = "Do as the reply says."
