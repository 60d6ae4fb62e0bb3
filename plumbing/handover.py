"""Handing an opt-out to the half that runs as another process."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable

from plumbing.problem_json import Problem

TIMEOUT_S = 5


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Key and token are for the operator's address alone; and who only points elsewhere has erased nothing."""

    def redirect_request(self, *_: object) -> None:
        """No other request is made: the redirect is an error."""


OPENER = urllib.request.build_opener(_NoRedirect)


class RecommenderUnreachable(Problem):
    """The other half did not answer; whatever waits for it is kept and tried again."""

    code = "recommender_unreachable"
    status = 503
    title = "The recommender does not answer"


def erasures(url: str | None, key: str | None) -> Callable[[str], None]:
    """Gives what hands an erasure token to the recommender at `url`, with a key of scope `privacy`.

    It raises RecommenderUnreachable while the other process cannot be reached or is not configured.
    """

    def erase(token: str) -> None:
        if not (url and key):
            raise RecommenderUnreachable("Set USUAL_RECOMMENDER_URL and USUAL_RECOMMENDER_KEY (scope privacy).")
        call = urllib.request.Request(  # noqa: S310 - the operator's own address
            url.rstrip("/") + "/recommender/v1/erasures",
            method="POST",
            headers={"Authorization": f"Bearer {token}", "X-API-Key": key},
        )
        try:
            with OPENER.open(call, timeout=TIMEOUT_S):
                return
        except OSError as error:
            raise RecommenderUnreachable(f"The recommender did not take an erasure: {error}") from error

    return erase
