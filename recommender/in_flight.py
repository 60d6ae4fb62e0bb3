"""Whether a token that was good when it was made still is: looked up with every token."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

from plumbing.clock import monotonic_us
from plumbing.closed import FOR_EVER, SILENCE, ClosedTokens, ClosedUnusable, visit_of
from plumbing.handover import IdentityUnreachable
from recommender.errors import Erased, IdentitySilent, TokenExpired
from recommender.tokens import Claims

FRESH_S = 0.1
"""An answer of identity is good for so long: many tokens at once ask once."""

OWN_DATA = "own_data"
"""What a customer's own page shows: it goes on when they pause or take a purpose back on it."""

AGAIN_S = 0.5
"""Identity did not answer: it is not asked again before."""

PULLED_US = 800_000
"""Where identity can be asked and does not answer, its last sign of life is good for so long only."""

log = structlog.get_logger(__name__)


class InFlight:
    """The tokens in flight, as the list in the state folder has them.

    `apart`: identity runs as another process, whose signs of life have to come in (`plumbing/handover.py`).
    Without any for `SILENCE`, nobody is known here. `pull` asks that process.
    """

    def __init__(
        self, closed: ClosedTokens, *, apart: bool = False, pull: Callable[[], None] | None = None
    ) -> None:
        self.closed = closed
        self._apart = apart
        self._pull = pull
        self._began_us = monotonic_us()
        self._lock = threading.Lock()
        self._asked: tuple[float, bool] = (0.0, False)  # until when the last answer is good; whether there was one

    def check(self, claims: Claims) -> bool:
        """Whether this token may be used now; False when identity is silent, so that nobody can say.

        Raises:
            Erased: the customer opted out.
            TokenExpired: the customer paused, or took a purpose back, after it was made; or said that
                the greeting was for somebody else.
        """
        try:
            asked = self._ask()
            until = self.closed.closed_until(claims.tenant, claims.pseudonym)
            ended = self.closed.closed_until(claims.tenant, visit_of(claims.token_id))
            known = not self._apart or self._is_heard(asked)
        except (ClosedUnusable, OSError) as error:
            log.error("closed_tokens_unusable", error=type(error).__name__)
            return False
        if until == FOR_EVER:
            raise Erased
        if ended or (claims.issued_us < until and OWN_DATA not in claims.purposes):
            raise TokenExpired
        return known

    def require(self, claims: Claims) -> None:
        """`check`, for what is stored. Raises IdentitySilent too."""
        if not self.check(claims):
            raise IdentitySilent

    def _ask(self) -> bool:
        """Ask identity, where it can be asked; whether it answered."""
        if self._pull is None:
            return False
        with self._lock:  # one asks, the others wait for its answer
            until, answered = self._asked
            if time.monotonic() >= until:
                try:
                    self._pull()
                    answered = True
                except IdentityUnreachable as error:
                    log.warning("identity_unreachable", why=error.detail)
                    answered = False
                self._asked = time.monotonic() + (FRESH_S if answered else AGAIN_S), answered
            return answered

    def _is_heard(self, asked: bool) -> bool:
        heard = self.closed.heard_us()
        if heard is None or heard < self._began_us:  # what was said while this process was not there is not known
            return False
        longest = PULLED_US if self._pull is not None and not asked else SILENCE
        return monotonic_us() - heard <= longest
