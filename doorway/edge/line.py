"""A box's questions to the centre. Only an answer that is signed for this question is believed."""

from __future__ import annotations

import hashlib
import http.client
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from doorway.edge.folder import Pairing
from doorway.edge.routes import PAIRINGS, QUESTIONS
from plumbing.clock import Clock
from plumbing.handover import call
from plumbing.outbox.boxes import CODE
from plumbing.outbox.errors import BoxCodeRefused, CentreUnreachable, SealRefused
from plumbing.outbox.seals import PrivateKeys, PublicKeys
from plumbing.outbox.server import LEAF_PORT
from plumbing.wrong_scheme import in_words

WITHIN_S = 3.0
LONGEST_S = 20.0
"""For a bundle with customers, or a piece of a version."""
Call = Callable[..., dict[str, object]]


class Refused(Exception):
    """The centre says, with its signature, that this box gets nothing any more. `why`: "revoked" or "silent"."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def line_of(url: str) -> str:
    """The address of the outbox's server of a centre, where none is named: the same machine."""
    host = urlsplit(url).hostname or ""
    return f"nats-leaf://{f'[{host}]' if ':' in host else host}:{LEAF_PORT}"


def pair(url: str, line: str, code: str, keys: PrivateKeys, now_us: Clock, ask: Call = call) -> Pairing:
    """Pair a box. The code says by which keys the centre is known: nobody in between can take its place.

    Raises BoxCodeRefused, SealRefused, CentreUnreachable.
    """
    word, _, fingerprint = code.strip().rpartition(".")
    if not word.startswith(CODE) or not fingerprint:
        raise BoxCodeRefused("This is no pairing code: copy all of the line that `usual edge pair` shows.")
    try:
        said = ask(
            url, "POST", PAIRINGS, body={"code": code.strip(), "public": keys.public.raw.hex()}, within_s=10.0
        )
    except ValueError as error:
        if "status 403" in str(error) or "status 404" in str(error):
            raise BoxCodeRefused from error
        raise CentreUnreachable(f"The centre at {url} does not pair this box: {error}.") from error
    except (OSError, http.client.HTTPException) as error:
        why = in_words(error, urlsplit(url).scheme) or f"{error}."
        raise CentreUnreachable(f"The centre at {url} does not answer: {why}") from error
    try:
        centre = PublicKeys(bytes.fromhex(str(said["keys"])))
        if centre.fingerprint != fingerprint:
            raise SealRefused(f"What answers at {url} is not the centre that made this code.")
        signature = str(said.pop("signature"))
        centre.check(signature, "pairing", said)
        secret = json.loads(keys.open(bytes.fromhex(str(said["sealed"])), "pairing"))
        names = {name: str(said[name]) for name in ("box", "tenant", "name", "site", "pack")}
        return Pairing(
            **names,
            url=url,
            line=line,
            line_password=str(secret["line_password"]),
            centre_keys=centre.raw.hex(),
            seen_us=now_us(),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise SealRefused("The centre's answer cannot be read.") from error


class Line:
    """Asks the centre, each question with a larger number than the one before."""

    def __init__(self, pairing: Pairing, keys: PrivateKeys, now_us: Clock, ask: Call = call) -> None:
        self._pairing = pairing
        self._keys = keys
        self._now_us = now_us
        self._ask = ask
        self._counter = 0

    def ask(self, kind: str, said: Mapping[str, Any], within_s: float = WITHIN_S) -> bytes:
        """What the centre has sealed for this box. Raises CentreUnreachable; Refused; SealRefused."""
        for _ in range(2):
            self._counter = max(self._counter + 1, self._now_us())
            answer = self._signed_answer(kind, said, within_s)
            refused = str(answer["refused"])
            if refused == "stale":  # the machine's clock was ahead when it asked earlier
                self._counter = int(str(answer["counter"]))
                continue
            if refused:
                raise Refused(refused)
            return self._keys.open(bytes.fromhex(str(answer["sealed"])), kind)
        raise CentreUnreachable("The centre takes no question of this box.")

    def _signed_answer(self, kind: str, said: Mapping[str, Any], within_s: float) -> dict[str, object]:
        box, counter = self._pairing.box, self._counter
        body = {"box": box, "counter": counter, "kind": kind, "said": dict(said)}
        body["signature"] = self._keys.sign(kind, box, counter, said)
        try:
            answer = self._ask(self._pairing.url, "POST", QUESTIONS, body=body, within_s=within_s)
            signature = str(answer.pop("signature"))
        except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
            raise CentreUnreachable(f"The centre at {self._pairing.url} does not answer: {error}.") from error
        digest = hashlib.sha256(json.dumps(answer, sort_keys=True).encode()).hexdigest()
        try:
            self._pairing.centre.check(signature, "answer", box, counter, digest)
        except SealRefused as error:
            raise CentreUnreachable("What answers there did not sign what it says.") from error
        return answer
