"""The server: granian, and waitress where granian does not run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog

from plumbing import memory

log = structlog.get_logger(__name__)


def run(
    target: str, make: Callable[[], Any], *, host: str, port: int, workers: int, threads: int, plain: bool = False
) -> None:
    """Serve until stopped. `target` names a factory ("module:function") that each worker process calls.

    granian measured three to four times waitress or gunicorn; waitress is pure Python, one process, and stays as
    the fallback (`plain`) for machines without a wheel of granian. `make` is the factory itself, for waitress.
    """
    memory.share_pool()
    if not plain:
        try:
            from granian import Granian
            from granian.constants import Interfaces
            from granian.log import LogLevels
        except ImportError:
            log.warning("granian is not installed; serving with waitress")
            plain = True
    if plain:
        import waitress

        waitress.serve(make(), host=host, port=port, threads=threads)
        return
    Granian(
        target,
        factory=True,
        interface=Interfaces.WSGI,
        address=host,
        port=port,
        workers=workers,
        blocking_threads=threads,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
        log_level=LogLevels.warning,
    ).serve()
