"""Visits and orders at a steady rate against replicas, with a book of what was acknowledged."""

from __future__ import annotations

import base64
import http.client
import itertools
import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from data.faces import people

GUEST = {"scene": "orders", "context": {"site": "market"}, "n": 3}
TRIES = 40
AGAIN_S = 0.25


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that got no answer, or one of 500 and more; seconds by the monotonic clock."""

    began: float
    ended: float
    what: str


@dataclass
class Book:
    """What was asked and what was answered, by all terminals."""

    visits: int = 0
    recognised: int = 0
    events: list[str] = field(default_factory=list)  # acknowledged
    failures: list[Failure] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)  # answers of 4xx, and "too much to do"
    longest_s: float = 0.0

    def beside(self, ends: Sequence[tuple[float, float]]) -> int:
        """Failures of requests that were not on their way while a server ended, from signal to gone."""
        return sum(not any(one.began <= gone and one.ended >= at for at, gone in ends) for one in self.failures)


class Terminal:
    """One device on a connection of its own. What failed it sends again, under the same Idempotency-Key."""

    def __init__(self, url: str, key: str, book: Book) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self._line = http.client.HTTPConnection(host, int(port), timeout=15)
        self._key = key
        self._book = book

    def post(self, path: str, body: Any) -> dict[str, Any] | None:
        """The answer of a POST that was carried out; None after `TRIES`, or when it was refused."""
        headers = {"X-API-Key": self._key, "Content-Type": "application/json"}
        headers["Idempotency-Key"] = secrets.token_hex(16)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        for _ in range(TRIES):
            status, answer = self._once("POST", path, content, headers)
            if status < 300:
                return answer
            if status < 500 or answer.get("code") not in (None, "replica_away", "database_away", "database_busy"):
                self._book.refused[f"{status} {answer.get('code')}"] += 1
                return None
            time.sleep(AGAIN_S)
        return None

    def _once(self, method: str, path: str, content: bytes, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        began = time.monotonic()
        try:
            self._line.request(method, path, content, headers)
            reply = self._line.getresponse()
            status, answer = reply.status, json.loads(reply.read() or b"{}")
        except (OSError, http.client.HTTPException) as error:
            self._line.close()
            status, answer = 599, {"what": type(error).__name__}
        ended = time.monotonic()
        self._book.longest_s = max(self._book.longest_s, ended - began)
        busy = status == http.HTTPStatus.SERVICE_UNAVAILABLE and answer.get("code") == "overloaded"
        if status >= 500 and not busy:
            what = f"{path} {status} {answer.get('code', answer.get('what'))}"
            self._book.failures.append(Failure(began, ended, what))
        return status, answer

    def visit(self, frame: str | None) -> bool:
        """Press, be recognised, get suggestions; without a frame as a guest."""
        if frame is None:
            return self.post("/identity/v1/presses", {}) is not None
        pressed = self.post("/identity/v1/presses", {})
        if pressed is None:
            return False
        answer = self.post("/v1/visits", GUEST | {"nonce": pressed["nonce"], "frames": [frame]})
        self._book.recognised += answer is not None and answer["decision"] == "matched"
        return answer is not None

    def order(self, item: str) -> None:
        """One event of a guest; noted when it was acknowledged."""
        name = f"trial-{secrets.token_hex(8)}"
        event = {
            "event_id": name,
            "type": "ordered",
            "occurred_at": datetime.now(UTC).isoformat(),
            "items": [{"item_id": item}],
            "site": "market",
        }
        if self.post("/recommender/v1/events", {"events": [event]}) is not None:
            self._book.events.append(name)


def pictures_of(seeds: Sequence[int], each: int = 2) -> list[str]:
    """JPEGs of drawn people, in base64."""
    drawn = (people.draw_face(seed, 80 + moment) for moment in range(each) for seed in seeds)
    return [base64.b64encode(people.jpeg(face)).decode() for face in drawn]


def at_rate(
    url: str, keys: Sequence[str], frames: Sequence[str], item: str, book: Book, rate: float
) -> list[Callable[[threading.Event], None]]:
    """A work for each key; together they make `rate` visits a second, each with an order, while they can."""
    numbers = itertools.count()

    def work(key: str, place: int) -> Callable[[threading.Event], None]:
        def run(ended: threading.Event) -> None:
            terminal, pause = Terminal(url, key, book), len(keys) / rate
            due = time.monotonic() + pause * place / len(keys)
            while not ended.wait(max(0.0, due - time.monotonic())):
                if terminal.visit(frames[next(numbers) % len(frames)]):
                    book.visits += 1
                terminal.order(item)
                due = max(due + pause, time.monotonic() - pause)

        return run

    return [work(key, place) for place, key in enumerate(keys)]
