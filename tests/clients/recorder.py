"""A server that notes every request of a client, and answers as it is told."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Response, json, request

from screens.web import build
from tests.clients.requests import Sent

Answer = tuple[int, Any, dict[str, str]]


@dataclass
class Recorder:
    """`heard` are the requests; `answers` the next replies (status, body, headers), afterwards an empty page."""

    heard: list[Sent] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answers: deque[Answer] = field(default_factory=deque)
    address: str = ""

    def app(self) -> Flask:
        """The files of the screens, a page to run a script in, and every route that a client may call."""
        app = Flask("recorder")
        app.register_blueprint(build())
        app.add_url_rule("/blank", view_func=lambda: "<!doctype html><title>blank</title>", endpoint="blank")
        app.add_url_rule("/<path:path>", view_func=self._note, methods=["GET", "POST", "PUT", "DELETE"])
        return app

    def _note(self, path: str) -> Response:
        query, body = request.args.to_dict(flat=False), request.get_json(silent=True)
        key = request.headers.get("Idempotency-Key", "")
        self.heard.append(Sent(request.method, f"/{path}", query, body, key))
        self.headers.append(dict(request.headers))
        status, answer, headers = self.answers.popleft() if self.answers else (200, {"rows": []}, {})
        content = answer if isinstance(answer, str) else json.dumps(answer)
        return Response(content, status=status, headers=headers, content_type="application/json")
