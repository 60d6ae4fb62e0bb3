"""A stand-in for object storage of the kind of S3: moto's server on 127.0.0.1, in this process.

It is a mock and no store: it keeps everything in memory, knows no users, and its times say nothing about a real
one. What it shows is that the requests are right, and that a write that comes too late is refused. Names of
buckets ask for what it does not do by itself: `denied-...` refuses all, `forgetful-...` knows no conditions.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

VARIABLES = {
    "AWS_ACCESS_KEY_ID": "stand-in",
    "AWS_SECRET_ACCESS_KEY": "not-a-secret",  # pragma: allowlist secret - the stand-in asks for any
    "AWS_REGION": "eu-central-1",
    "AWS_ALLOW_HTTP": "true",
}
DENIED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
BUSY = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate</Message></Error>"


@dataclass
class StandIn:
    """The running stand-in. `silent` lets every request fail; `wait_s` is how long each takes at least; `seen` are
    the requests so far, `before` is called with each one before it is carried out."""

    port: int = 0
    silent: bool = False
    wait_s: float = 0.0
    seen: list[str] = field(default_factory=list)
    before: Callable[[str], None] = lambda request: None

    def bucket(self, kind: str = "plain", *, versioning: bool = False) -> str:
        """A new bucket as `USUAL_VERSIONS` names it."""
        from boto3 import client  # what moto itself uses

        name = f"{kind}-{secrets.token_hex(6)}"
        asked = client("s3", endpoint_url=self.address, region_name=VARIABLES["AWS_REGION"])
        asked.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": VARIABLES["AWS_REGION"]})
        if versioning:
            asked.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        asked.close()
        return f"s3://{name}/usual"

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def variables(self) -> dict[str, str]:
        """The environment in which obstore finds it."""
        return {**VARIABLES, "AWS_ENDPOINT_URL": self.address}

    def around(self, inner: Application) -> Application:
        """What the stand-in does besides what moto does."""

        def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
            request = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
            self.seen.append(request)
            self.before(request)
            time.sleep(self.wait_s)
            if self.silent or (environ["PATH_INFO"].startswith("/denied-") and "Boto3" not in _agent(environ)):
                environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
                start("503 Slow Down" if self.silent else "403 Forbidden", [("Content-Type", "application/xml")])
                return [BUSY if self.silent else DENIED]
            if environ["PATH_INFO"].startswith("/forgetful-"):
                environ.pop("HTTP_IF_MATCH", None)
                environ.pop("HTTP_IF_NONE_MATCH", None)
            return inner(environ, start)

        return application


@contextmanager
def stand_in() -> Iterator[StandIn]:
    """Start one, with the environment of this process set to it. Importing moto takes three seconds."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    class Quiet(MotoRequestHandler):
        def log_request(self, *given: object) -> None:
            return None

    made = StandIn()
    application = made.around(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
    made.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, name="stand-in", daemon=True)
    thread.start()
    earlier = {name: os.environ.get(name) for name in made.variables()}
    os.environ.update(made.variables())
    try:
        yield made
    finally:
        for name, value in earlier.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
        server.shutdown()
        thread.join()
        server.server_close()


def _agent(environ: dict[str, Any]) -> str:
    return str(environ.get("HTTP_USER_AGENT", ""))
