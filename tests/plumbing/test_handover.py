"""Handing an erasure to another process: only its own signature, for this very question, counts."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from plumbing import handover
from plumbing.clock import SECOND, monotonic_us
from plumbing.closed import FOR_EVER, SILENCE, ClosedTokens
from plumbing.handover import (
    Forgotten,
    Heartbeat,
    HeartbeatDesk,
    IdentityUnreachable,
    Pull,
    RecommenderUnreachable,
    acknowledgement,
    answer_pull,
    erasures,
)
from plumbing.peers import new_challenge, sign
from tests.plumbing.liars import Answer, as_json, header_of, http, peer

KEYS, OTHER_KEYS = [Fernet.generate_key()], [Fernet.generate_key()]
DONE = Forgotten(3, (("recommender.db", "erased"),), (("orders", 7),))
TOKEN = "usual-t1.token-of-ann"


def honest(token: str = TOKEN, keys: list[bytes] = KEYS, done: Forgotten = DONE) -> Answer:
    def answer(request: bytes) -> bytes:
        signed = acknowledgement(keys, header_of(request, "X-Usual-Challenge"), token, done)
        return as_json({"erased": True, "acknowledgement": signed, **done.to_json()})

    return answer


def without_signature(_: bytes) -> bytes:
    return as_json({"erased": True, "acknowledgement": None, **DONE.to_json()})


def of_yesterday(_: bytes) -> bytes:
    signed = acknowledgement(KEYS, new_challenge(), TOKEN, DONE)
    return as_json({"erased": True, "acknowledgement": signed, **DONE.to_json()})


def with_more_done(request: bytes) -> bytes:
    signed = acknowledgement(KEYS, header_of(request, "X-Usual-Challenge"), TOKEN, DONE)
    return as_json({"erased": True, "acknowledgement": signed, **Forgotten(4, DONE.places, DONE.marks).to_json()})


def not_erased(request: bytes) -> bytes:
    signed = acknowledgement(KEYS, header_of(request, "X-Usual-Challenge"), TOKEN, DONE)
    return as_json({"erased": False, "acknowledgement": signed, **DONE.to_json()})


LIES: dict[str, Answer] = {
    "a page": lambda _: http(b"<html>Welcome</html>", "200 OK", "Content-Type: text/html"),
    "an empty page": lambda _: http(b""),
    "no content": lambda _: http(b"", "204 No Content"),
    "a redirect": lambda _: http(b"", "302 Found", "Location: /elsewhere"),
    "a lasting redirect": lambda _: http(b"", "308 Permanent Redirect", "Location: /elsewhere"),
    "an error": lambda _: http(b"{}", "500 Internal Server Error"),
    "nothing": lambda _: None,
    "no HTTP": lambda _: b"SSH-2.0-OpenSSH_9.2\r\n",
    "binary": lambda _: bytes(range(256)) * 4,
    "half an answer": lambda _: http(b"{}" * 50)[:90],
    "a wrong length": lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}",
    "a broken chunk": lambda _: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}",
    "a thousand headers": lambda _: b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 1_000 + b"\r\n{}",
    "JSON of another kind": lambda _: as_json([1, 2]),
    "JSON without places": lambda _: as_json({"erased": True}),
    "JSON with odd places": lambda _: as_json({"erased": True, "events": 1, "marks": {}, "places": ["x", 3]}),
    "JSON without end": lambda _: http(b"[" * 200_000),
    "no JSON": lambda _: http(b"\xff\xfe{}"),
    "a number too large": lambda _: http(b'{"events": ' + b"9" * 5_000 + b"}"),
    "no signature": without_signature,
    "a signature of yesterday": of_yesterday,
    "a signature of something else": with_more_done,
    "that it did not": not_erased,
    "another token's signature": honest(token="usual-t1.token-of-ben"),
    "another installation's signature": honest(keys=OTHER_KEYS),
}


@pytest.mark.parametrize("lie", LIES)
def test_whatever_else_is_answered_is_no_erasure_and_no_accident(lie: str) -> None:
    with peer(LIES[lie]) as (url, asked):
        with pytest.raises(RecommenderUnreachable):
            erasures(url, "key", KEYS)(TOKEN)
        assert len(asked) == 1, "a redirect was followed"


def test_the_other_halfs_signature_is_believed_under_an_older_key_too() -> None:
    with peer(honest()) as (url, asked):
        assert erasures(url + "/behind/a/proxy/", "key", [*OTHER_KEYS, *KEYS])(TOKEN) == DONE
    assert asked[0].startswith(b"POST /behind/a/proxy/recommender/v1/erasures HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "url", [None, "", "ftp://127.0.0.1/", "file:///etc/passwd", "http://", "http://[", "x:y:z"]
)
def test_an_address_that_is_none_is_a_named_error(url: str | None) -> None:
    with pytest.raises(RecommenderUnreachable):
        erasures(url, "key", KEYS)(TOKEN)


def test_nobody_waits_long_for_an_answer_that_comes_byte_by_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handover, "_patience", _Fixed(0.2))

    def slowly(_: bytes) -> bytes:
        time.sleep(0.5)
        return b""

    began = time.monotonic()
    with peer(slowly) as (url, _):
        with pytest.raises(RecommenderUnreachable):
            erasures(url, "key", KEYS)(TOKEN)
        took = time.monotonic() - began
    assert took < 0.45


class _Fixed:
    def __init__(self, value: float) -> None:
        self.value = value

    def get(self) -> float:
        return self.value


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with peer(LIES["a page"]) as (proxy, through), peer(honest()) as (url, _):
        monkeypatch.setenv("http_proxy", proxy)
        assert erasures(url, "key", KEYS)(TOKEN) == DONE
    assert through == []


class Halves:
    """Identity's list and the recommender's, and the line between them."""

    def __init__(self, folder: Path) -> None:
        self.identity = ClosedTokens(folder / "identity", KEYS)
        self.recommender = ClosedTokens(folder / "recommender", KEYS)
        self.desk = HeartbeatDesk(KEYS, self.recommender, good_us=SILENCE)
        self.bodies: list[dict[str, object]] = []

    def take(self, request: bytes) -> bytes:
        said = json.loads(request.partition(b"\r\n\r\n")[2])
        self.bodies.append(dict(said))
        answer = self.desk.take(said, said.pop("signature"))
        return http(b"", "401 Unauthorized") if answer is None else as_json(answer)


@pytest.fixture
def halves(tmp_path: Path) -> Halves:
    return Halves(tmp_path)


def test_a_beat_carries_what_is_closed_and_says_that_identity_is_there(halves: Halves) -> None:
    halves.identity.close("north", "ann")
    with peer(halves.take) as (url, _):
        heart = Heartbeat(url, KEYS, halves.identity)
        heart.beat()
        assert halves.recommender.closed_until("north", "ann") == FOR_EVER
        heard = halves.recommender.heard_us()
        assert heard is not None
        assert monotonic_us() - heard < SECOND

        halves.identity.close("north", "ben")
        sent = len(halves.bodies)
        heart.beat()

    assert halves.recommender.closed_until("north", "ben") == FOR_EVER
    assert len(halves.bodies) == sent + 1
    assert len(str(halves.bodies[-1]["entries"])) == 40  # one entry: the other is known over there


def test_a_list_that_was_lost_over_there_is_sent_whole(halves: Halves) -> None:
    halves.identity.close("north", "ann")
    with peer(halves.take) as (url, _):
        heart = Heartbeat(url, KEYS, halves.identity)
        heart.beat()
        halves.recommender.path.unlink()
        heart.beat()

    assert halves.recommender.closed_until("north", "ann") == FOR_EVER


def test_a_recorded_beat_makes_nobody_seem_alive(halves: Halves, monkeypatch: pytest.MonkeyPatch) -> None:
    with peer(halves.take) as (url, _):
        Heartbeat(url, KEYS, halves.identity).beat()
    heard, recorded = halves.recommender.heard_us(), halves.bodies[-1]

    def replayed() -> dict[str, object] | None:
        said = dict(recorded)
        return halves.desk.take(said, said.pop("signature"))

    answer = replayed()
    assert answer is not None
    assert halves.recommender.heard_us() == heard  # within its time it says what it said
    later = monotonic_us() + SILENCE + SECOND
    monkeypatch.setattr(handover, "monotonic_us", lambda: later)
    answer = replayed()
    assert answer is not None
    assert answer["accepted"] is False
    assert halves.recommender.heard_us() == heard


def test_a_beat_without_identitys_signature_changes_nothing(halves: Halves) -> None:
    halves.identity.close("north", "ann")
    with peer(halves.take) as (url, _):
        foreign = Heartbeat(url, OTHER_KEYS, halves.identity)
        with pytest.raises(RecommenderUnreachable):
            foreign.beat()

    assert halves.recommender.heard_us() is None
    assert halves.recommender.entries() == []


@pytest.mark.parametrize("lie", list(LIES)[:20])  # the others speak of erasures
def test_a_beat_believes_no_lie(halves: Halves, lie: str) -> None:
    with peer(LIES[lie]) as (url, _), pytest.raises(RecommenderUnreachable):
        Heartbeat(url, KEYS, halves.identity).beat()


class TestPull:
    def answer(self, halves: Halves, change: Callable[[dict[str, object]], object] = lambda _: None) -> Answer:
        from urllib.parse import parse_qs, urlsplit

        def answer(request: bytes) -> bytes:
            query = parse_qs(urlsplit(request.split(b" ")[1].decode()).query)
            said = answer_pull(
                KEYS, halves.identity, query["challenge"][0], query["have"][0], query["signature"][0]
            )
            if said is None:
                return http(b"", "401 Unauthorized")
            change(said)
            return as_json(said)

        return answer

    def test_it_brings_what_is_new_and_nothing_twice(self, halves: Halves) -> None:
        halves.identity.close("north", "ann")
        with peer(self.answer(halves)) as (url, _):
            pull = Pull(url, KEYS, halves.recommender)
            pull()
            assert halves.recommender.closed_until("north", "ann") == FOR_EVER
            assert halves.recommender.heard_us() is not None
        seen: list[dict[str, object]] = []
        with peer(self.answer(halves, seen.append)) as (url, _):
            pull = Pull(url, KEYS, halves.recommender)
            pull()
            pull()
            assert seen[-1]["entries"] == ""
            halves.recommender.path.unlink()
            pull()
            assert halves.recommender.closed_until("north", "ann") == FOR_EVER

    def test_an_answer_that_was_changed_or_recorded_is_not_believed(self, halves: Halves) -> None:
        halves.identity.close("north", "ann")
        recorded: list[dict[str, object]] = []
        with peer(self.answer(halves, recorded.append)) as (url, _):
            Pull(url, KEYS, ClosedTokens(halves.identity.path.parent / "x", KEYS))()
        for answer in (
            self.answer(halves, lambda said: said.update(entries="")),
            lambda _: as_json(recorded[0]),
            LIES["a page"],
            LIES["nothing"],
        ):
            with peer(answer) as (url, _), pytest.raises(IdentityUnreachable):
                Pull(url, KEYS, halves.recommender)()
        assert halves.recommender.heard_us() is None

    def test_who_is_not_the_recommender_learns_nothing(self, halves: Halves) -> None:
        halves.identity.close("north", "ann")
        asks = new_challenge()

        assert answer_pull(KEYS, halves.identity, asks, "", sign(OTHER_KEYS, "pull", asks, "")) is None
        assert answer_pull(KEYS, halves.identity, asks, "", sign(KEYS, "heartbeat", asks, "")) is None
