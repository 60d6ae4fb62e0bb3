"""The base class of all errors of the identity half."""

from __future__ import annotations

from plumbing.problem import Problem


class IdentityError(Problem):
    """An error of the identity half: the base of its family."""

    code = "identity_error"
    what_to_do = "Do as the reply says."
