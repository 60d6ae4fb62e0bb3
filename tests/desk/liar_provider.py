"""A provider of OpenID Connect that checks PKCE and that a test can make lie about one thing."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask import Flask, Response, jsonify, redirect, request
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server
from werkzeug.wrappers import Response as AnyResponse

CLIENT, SECRET = "usual-desk", "a secret of the provider, 32 bytes long"  # pragma: allowlist secret


@dataclass
class Liar:
    """`claims` replace those of the token, `header` that of its signature, `description` that of the provider."""

    address: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    description: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    signs_with: Any = None
    algorithm: str = "RS256"
    moved_token: bool = False
    asked: list[str] = field(default_factory=list)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def authorize(self, address: str, subject: str = "ana-at-the-house") -> str:
        """What a person does at the provider: the code for this address."""
        given = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert given["code_challenge_method"] == "S256"
        code = f"code-{len(self._codes)}"
        self._codes[code] = given | {"sub": subject}
        return code

    def token(self) -> AnyResponse:
        """The token endpoint."""
        if self.moved_token:
            return redirect("http://localhost:9/elsewhere", 307)
        given = self._codes.pop(request.form.get("code", ""), None)
        verifier = request.form.get("code_verifier", "")
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        if (
            given is None
            or digest != given["code_challenge"]
            or request.form["redirect_uri"] != given["redirect_uri"]
        ):
            return Response('{"error": "invalid_grant"}', 400, mimetype="application/json")
        now = int(time.time())
        claims = {"iss": self.address, "aud": CLIENT, "sub": given["sub"], "iat": now, "exp": now + 300}
        claims |= {"nonce": given["nonce"], "email": "ana@grill.example", "email_verified": True} | self.claims
        claims = {name: value for name, value in claims.items() if value is not None}
        id_token = self._signed(claims)
        return jsonify({"access_token": "x", "token_type": "Bearer", "expires_in": 60, "id_token": id_token})

    def _signed(self, claims: dict[str, Any]) -> str:
        if self.algorithm == "none":
            parts = (json.dumps(part).encode() for part in ({"alg": "none"}, claims))
            return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."
        header = {"alg": self.algorithm, "kid": "one"}
        return jwt.encode(header, claims, self.signs_with or self.key, algorithms=[self.algorithm])


@contextmanager
def liar() -> Iterator[Liar]:
    """The provider on a port of this machine."""
    made = Liar()
    app = Flask("liar")

    @app.before_request
    def note() -> None:
        made.asked.append(request.path)

    @app.get("/.well-known/openid-configuration")
    def description() -> AnyResponse:
        paths = {
            "authorization_endpoint": "/authorize",
            "token_endpoint": "/token",
            "jwks_uri": "/keys",
        }
        said = {name: made.address + path for name, path in paths.items()}
        return jsonify({"issuer": made.address} | said | made.description)

    @app.get("/keys")
    def keys() -> AnyResponse:
        return jsonify({"keys": [made.key.as_dict(private=False)]})

    app.post("/token")(made.token)
    server = make_server("localhost", 0, app, threaded=True)
    made.address = f"http://localhost:{server.server_port}"
    thread = threading.Thread(target=lambda: server.serve_forever(0.02))
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
