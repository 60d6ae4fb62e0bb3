"""Whose rows the work of this thread is about: PostgreSQL's row-level security shows no others.

A second wall behind the first: every statement names its tenant. Should one forget to, it finds the rows of the
request's tenant only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

ALL = "*"
"""Commands and what runs in the background: the rows of all tenants. No tenant has this name."""

_tenant: ContextVar[str] = ContextVar("tenant", default=ALL)


def tenant_now() -> str:
    """The tenant of the request that this thread carries out; ALL outside of one."""
    return _tenant.get()


@contextmanager
def of_tenant(tenant: str) -> Iterator[None]:
    """Inside, this thread works for one tenant."""
    token = _tenant.set(tenant)
    try:
        yield
    finally:
        _tenant.reset(token)
