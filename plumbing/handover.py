"""Between the halves as two processes: erasures handed over, signs of life, the list of closed tokens.

Whoever answers at an address need not be the other half: a proxy's page, an old answer, another installation. So
nothing is believed but an answer that is signed (`plumbing/peers.py`) together with a random text that was sent
with the question. Redirects and proxies of the environment are not followed: key and token are for the operator's
address alone.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from plumbing.clock import monotonic_us
from plumbing.closed import ENTRY, ClosedTokens
from plumbing.peers import is_signed, new_challenge, sign
from plumbing.problem_json import Problem

ERASURES = "/recommender/v1/erasures"
WAITING = "/recommender/v1/erasures/waiting"
OWN_HISTORY = "/recommender/v1/me"
HEARTBEATS = "/recommender/v1/heartbeats"
OPT_OUTS = "/identity/v1/opt-outs/since"

UNSIGNED = 401  # the answer of a half that has other keys
KEYS_DIFFER = (
    "token.key of the two halves differ. Take identity's over: usual keys token export --home IDENTITY |"
    " usual keys token import --home RECOMMENDER"
)

AT_ONCE_S = 0.7
"""How long somebody who opts out waits for the other half: their token is closed anyway."""
PATIENT_S = 10.0
"""How long work in the background waits: a recommender that erases ten thousand events needs a while."""
BEAT_S = 2.0
PULL_S = 0.3
MOST_BYTES = 8 * 1024 * 1024

_patience: ContextVar[float] = ContextVar("patience", default=AT_ONCE_S)


class RecommenderUnreachable(Problem):
    """The other half did not answer, or not with its signature; whatever waits for it is kept and tried again."""

    code = "recommender_unreachable"
    status = 503
    title = "The recommender does not answer"
    what_to_do = "It is tried again by itself. If it lasts, look at the recommender's process and at its address."


class IdentityUnreachable(Problem):
    """The other half did not answer, or not with its signature."""

    code = "identity_unreachable"
    status = 503
    title = "Identity does not answer"
    what_to_do = "It is tried again by itself. If it lasts, look at the process of identity and at its address."


class Refused(ValueError):
    """The other half answered with another status than 200."""

    def __init__(self, status: int) -> None:
        super().__init__(KEYS_DIFFER if status == UNSIGNED else f"status {status}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What the recommender says about an erasure: what was done in each of its places (`places`: store and state),
    and for each scene the number of what it has forgotten so far (`marks`), by which versions are measured."""

    events: int = 0
    places: tuple[tuple[str, str], ...] = ()
    marks: tuple[tuple[str, int], ...] = ()

    def to_json(self) -> dict[str, object]:
        """As it is sent and signed."""
        places = [{"store": store, "state": state} for store, state in self.places]
        return {"events": self.events, "places": places, "marks": dict(self.marks)}

    @classmethod
    def of_json(cls, said: Mapping[str, object]) -> Forgotten:
        """The inverse of `to_json`. Raises ValueError, KeyError or TypeError."""
        events, places, marks = said["events"], said["places"], said["marks"]
        if not (isinstance(events, int) and isinstance(places, list) and isinstance(marks, dict)):
            raise ValueError("an answer of another kind")
        pairs = tuple((str(one["store"]), str(one["state"])) for one in places)
        return cls(events, pairs, tuple((str(scene), int(mark)) for scene, mark in marks.items()))


@contextmanager
def patient() -> Iterator[None]:
    """Inside, this thread waits for the other half as long as work in the background may."""
    token = _patience.set(PATIENT_S)
    try:
        yield
    finally:
        _patience.reset(token)


def digest_of(token: str) -> str:
    """What stands for an erasure token in a signature."""
    return hashlib.sha256(token.encode()).hexdigest()


def acknowledgement(token_keys: Sequence[bytes], challenge: str, token: str, done: Forgotten) -> str:
    """What the recommender signs: this very question, this very token, and what was done."""
    return sign(token_keys, "erasure", challenge, digest_of(token), done.to_json())


def erasures(url: str | None, key: str | None, token_keys: Sequence[bytes] = ()) -> Callable[[str], Forgotten]:
    """Gives what hands an erasure token to the recommender at `url`, with a key of scope `privacy`.

    It raises RecommenderUnreachable while the other process cannot be reached, is not configured, or does not show
    by its signature that it did what it was asked just now. Without `token_keys` nothing can show it.
    """

    def erase(token: str) -> Forgotten:
        if not (url and key):
            raise RecommenderUnreachable("Set USUAL_RECOMMENDER_URL and USUAL_RECOMMENDER_KEY (scope privacy).")
        challenge = new_challenge()
        headers = {"Authorization": f"Bearer {token}", "X-API-Key": key, "X-Usual-Challenge": challenge}
        if token_keys:
            headers["X-Usual-Signature"] = sign(token_keys, "erasure question", challenge, token)
        try:
            said = call(url, "POST", ERASURES, headers=headers, within_s=_patience.get())
            done = Forgotten.of_json(said)
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
            raise RecommenderUnreachable(f"The recommender did not take an erasure: {error}") from error
        signed = (challenge, digest_of(token), done.to_json())
        if said.get("erased") is not True or not is_signed(
            token_keys, said.get("acknowledgement"), "erasure", *signed
        ):
            raise RecommenderUnreachable("What answers there did not sign what it says. Nothing is erased there.")
        return done

    return erase


def waiting(url: str | None, token_keys: Sequence[bytes]) -> Callable[[str, Mapping[str, int]], Sequence[str]]:
    """Gives what asks the recommender at `url` which scenes of a tenant still serve a version from before an
    erasure (`Forgotten.marks`). It raises RecommenderUnreachable."""

    def ask(tenant: str, marks: Mapping[str, int]) -> Sequence[str]:
        if not url:
            raise RecommenderUnreachable("Set USUAL_RECOMMENDER_URL.")
        question = {"challenge": new_challenge(), "tenant": tenant, "marks": dict(marks)}
        body = question | {"signature": sign(token_keys, "waiting", question)}
        try:
            said = call(url, "POST", WAITING, body=body, within_s=BEAT_S)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise RecommenderUnreachable(f"The recommender does not say what is retrained: {error}") from error
        scenes = said.get("scenes")
        if not is_signed(token_keys, said.get("signature"), "waiting answer", question, scenes):
            raise RecommenderUnreachable("What answers there did not sign what it says.")
        return [str(scene) for scene in scenes] if isinstance(scenes, list) else []

    return ask


def own_history(url: str) -> Callable[[str], dict[str, object]]:
    """Gives what asks the recommender at `url` what it holds about the customer of a token for their own page. It
    raises RecommenderUnreachable: half an answer is none."""

    def ask(token: str) -> dict[str, object]:
        try:
            return call(url, "GET", OWN_HISTORY, headers={"Authorization": f"Bearer {token}"}, within_s=PATIENT_S)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise RecommenderUnreachable(f"The recommender does not say what it holds: {error}") from error

    return ask


class Heartbeat:
    """Tells a recommender in another process that identity is there, and which tokens are closed.

    A beat answers the random text of the one before, so that a recorded one says nothing new; see `HeartbeatDesk`.
    """

    def __init__(self, url: str, token_keys: Sequence[bytes], closed: ClosedTokens) -> None:
        self._url, self._token_keys, self._closed = url, token_keys, closed
        self._challenge = ""
        self._peer = ""  # the name of the list that the other half keeps
        self._sent: set[bytes] = set()

    def beat(self, within_s: float = BEAT_S) -> None:
        """One sign of life, with the entries that the other half has not confirmed yet.

        Raises RecommenderUnreachable.
        """
        entries = set(self._closed.entries())
        for _ in range(3):  # the first one fetches the random text; another list over there wants all entries
            reply = self._say(entries - self._sent, within_s)
            self._challenge = str(reply["challenge"])
            peer = str(reply["name"])
            if reply["accepted"] is True and peer == self._peer:
                self._sent = entries
                return
            if peer != self._peer:
                self._peer, self._sent = peer, set()
        raise RecommenderUnreachable("The recommender does not take signs of life.")

    def _say(self, entries: set[bytes], within_s: float) -> Mapping[str, object]:
        asks = new_challenge()
        said = {"challenge": self._challenge, "asks": asks, "entries": packed(entries)}
        body = said | {"signature": sign(self._token_keys, "heartbeat", said)}
        try:
            reply = call(self._url, "POST", HEARTBEATS, body=body, within_s=within_s)
            answer = {name: reply[name] for name in ("accepted", "challenge", "name")}
        except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
            raise RecommenderUnreachable(f"No answer to a sign of life: {error}") from error
        if not is_signed(self._token_keys, reply.get("signature"), "heartbeat answer", asks, answer):
            raise RecommenderUnreachable("What answers there did not sign what it says.")
        return answer


class HeartbeatDesk:
    """The recommender's side of heartbeats: believes those that answer a random text given a moment ago.

    Identity counts as heard when that text was given, not when the beat came in: neither a recorded beat nor a
    slow line makes it seem alive for longer.
    """

    def __init__(self, token_keys: Sequence[bytes], closed: ClosedTokens, *, good_us: int) -> None:
        self._token_keys, self._closed, self._good_us = token_keys, closed, good_us

    def take(self, said: Mapping[str, object], signature: object) -> dict[str, object] | None:
        """The signed answer to a beat; None when identity did not sign it. Raises ValueError on a broken list."""
        if not is_signed(self._token_keys, signature, "heartbeat", said):
            return None
        asked_us = self._asked_us(str(said["challenge"]))
        self._closed.add(unpacked(str(said["entries"])))  # an entry only closes: an old one does no harm
        if asked_us is not None:
            self._closed.note_heard(asked_us)
        answer = {
            "accepted": asked_us is not None,
            "challenge": self._new_challenge(),
            "name": self._closed.name(),
        }
        return answer | {"signature": sign(self._token_keys, "heartbeat answer", said["asks"], answer)}

    def _new_challenge(self) -> str:
        now = monotonic_us()
        text = f"{now}.{new_challenge()}"
        return f"{text}.{sign(self._token_keys, 'heartbeat challenge', self._closed.name(), text)}"

    def _asked_us(self, challenge: str) -> int | None:
        """When we gave this text, if that is a moment ago."""
        text, _, signature = challenge.rpartition(".")
        if not is_signed(self._token_keys, signature, "heartbeat challenge", self._closed.name(), text):
            return None
        asked, now = int(text.partition(".")[0]), monotonic_us()
        return asked if 0 <= now - asked <= self._good_us else None


class Pull:
    """Asks identity's process for the list of closed tokens, from the recommender's."""

    def __init__(self, url: str, token_keys: Sequence[bytes], closed: ClosedTokens) -> None:
        self._url, self._token_keys, self._closed = url, token_keys, closed
        self._have = ""

    def __call__(self, within_s: float = PULL_S) -> None:
        """Fetch what is new, and note that identity is there. Raises IdentityUnreachable."""
        began, asks, have = monotonic_us(), new_challenge(), f"{self._closed.name()} {self._have}"
        query = {"challenge": asks, "have": have, "signature": sign(self._token_keys, "pull", asks, have)}
        try:
            reply = call(self._url, "GET", f"{OPT_OUTS}?{urlencode(query)}", within_s=within_s)
            answer = {name: reply[name] for name in ("entries", "have")}
        except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
            raise IdentityUnreachable(f"Identity does not say who opted out: {error}") from error
        if not is_signed(self._token_keys, reply.get("signature"), "pull answer", asks, answer):
            raise IdentityUnreachable("What answers there did not sign what it says.")
        self._closed.add(unpacked(str(answer["entries"])))
        self._have = str(answer["have"])
        self._closed.note_heard(began)


def answer_pull(
    token_keys: Sequence[bytes], closed: ClosedTokens, challenge: str, have: str, signature: str
) -> dict[str, object] | None:
    """Identity's answer to a `Pull`; None when the recommender did not sign the question."""
    if not is_signed(token_keys, signature, "pull", challenge, have):
        return None
    theirs, _, known = have.partition(" ")
    now = f"{theirs}:{closed.name()}:{closed.generation()}"
    answer: dict[str, object] = {"entries": "" if known == now else packed(closed.entries()), "have": now}
    return answer | {"signature": sign(token_keys, "pull answer", challenge, answer)}


def packed(entries: Sequence[bytes] | set[bytes]) -> str:
    """Entries of the list of closed tokens as one text."""
    return base64.b64encode(b"".join(entries)).decode()


def unpacked(text: str) -> list[bytes]:
    """The inverse of `packed`. Raises ValueError."""
    try:
        content = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("not a list of closed tokens") from error
    return [content[at : at + ENTRY] for at in range(0, len(content), ENTRY)]


def call(
    url: str,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: Mapping[str, object] | None = None,
    within_s: float,
) -> dict[str, object]:
    """The JSON object that the operator's own address answers, all of it within `within_s` seconds.

    Raises OSError, http.client.HTTPException or ValueError: no answer, another status than 200 (`Refused`), no
    JSON object.
    """
    ends, parts = time.monotonic() + within_s, urlsplit(url)
    kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
    if parts.scheme not in kinds or not parts.hostname:
        raise ValueError(f"{url} is no address of http or https")
    connection = kinds[parts.scheme](parts.hostname, parts.port, timeout=within_s)
    # A time-out of a socket counts from byte to byte: whoever sends one now and then would hold this thread.
    ender = threading.Timer(within_s, _hang_up, [connection])
    ender.daemon = True
    ender.start()
    try:
        content = None if body is None else json.dumps(body).encode()
        kind = {} if content is None else {"Content-Type": "application/json"}
        connection.request(method, parts.path.rstrip("/") + path, content, {**kind, **(headers or {})})
        reply = connection.getresponse()
        said = reply.read(MOST_BYTES + 1)
    finally:
        ender.cancel()
        connection.close()
    if reply.status != 200:
        raise Refused(reply.status)
    if len(said) > MOST_BYTES or time.monotonic() > ends:
        raise ValueError("an answer that does not end")
    try:
        found = json.loads(said)
    except RecursionError as error:
        raise ValueError("no JSON that can be read") from error
    if not isinstance(found, dict):
        raise ValueError("no JSON object")
    return found


def _hang_up(connection: http.client.HTTPConnection) -> None:
    with suppress(OSError, AttributeError):  # it has ended meanwhile
        connection.sock.shutdown(socket.SHUT_RDWR)
