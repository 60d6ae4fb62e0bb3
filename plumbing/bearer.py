"""The token of a customer in the Authorization header, on routes that need no API key.

A page holds it in memory and sends it itself: no other site can make a browser send it, so nothing can be forged.
"""

from __future__ import annotations

from flask import Request

from plumbing.problem_json import Problem

LONGEST_TOKEN = 2_000


class SignInNeeded(Problem):
    """No token came with the request, or something that is none."""

    code = "sign_in_needed"
    status = 401
    title = "Sign in first"
    says = "Sign in with your code and PIN (POST /identity/v1/me/sessions) and send the token as a Bearer token."


def bearer_of(request: Request) -> str:
    """The token of a request.

    Raises:
        SignInNeeded: there is none.
    """
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip()
    if kind.lower() != "bearer" or not token or len(token) > LONGEST_TOKEN:
        raise SignInNeeded
    return token
