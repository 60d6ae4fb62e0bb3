"""Whose rows the work of this thread is about: PostgreSQL's row-level security shows no others.

A second wall behind the first: every statement names its tenant. Should one forget to, it finds the rows of the
request's tenant only. Rows of no tenant ("") are seen by all.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from plumbing.problem import Problem

ALL = "*"
"""Commands and what runs in the background: the rows of all tenants. No tenant has this name."""

NONE = ""
"""Rows of no tenant, such as the counters of network addresses. No tenant has this name either."""

_tenant: ContextVar[str] = ContextVar("tenant", default=ALL)
_in_request: ContextVar[bool] = ContextVar("in_request", default=False)


class TenantNameRefused(Problem, ValueError):
    """A name that no tenant may have."""

    code = "tenant_name_refused"
    status = 400
    title = "No tenant can be called that"
    says = 'Choose another name: "*" and the empty one stand for all tenants and for none.'


def check_name(tenant: str) -> None:
    """Raises TenantNameRefused."""
    if tenant in (ALL, NONE) or "\0" in tenant:
        raise TenantNameRefused


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


@contextmanager
def of_all() -> Iterator[None]:
    """Inside, this thread works for all tenants, also in a request of one: for what is not the request's own work,
    such as a training that nobody carries out any more."""
    with of_tenant(ALL):
        yield


@contextmanager
def of_request(tenant: str | None = None) -> Iterator[None]:
    """Inside, this thread carries out a request: of `tenant`, or of one that is known later (`narrow`).

    Raises TenantNameRefused.
    """
    if tenant is not None:
        check_name(tenant)
    inside = _in_request.set(True)
    try:
        with of_tenant(ALL if tenant is None else tenant):
            yield
    finally:
        _in_request.reset(inside)


def narrow(tenant: str) -> None:
    """The rest of this request is about `tenant`: its token says so. Outside of a request it changes nothing."""
    if _in_request.get():
        check_name(tenant)
        _tenant.set(tenant)
