"""Whose rows a request may see on PostgreSQL: its key or its token says it."""

from __future__ import annotations

from typing import Any

import pytest

from plumbing.storage.tenants import ALL, TenantNameRefused, of_request, tenant_now
from tests.recommender.service_fixtures import World


def test_a_request_is_about_the_tenant_of_its_key_or_token(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the thread that served it is nobody's afterwards."""
    seen: list[str] = []

    def look(*_: object, **__: object) -> Any:
        seen.append(tenant_now())
        raise TenantNameRefused  # any Problem

    service = type(world.half.service)
    with monkeypatch.context() as patch:
        patch.setattr(service, "suggest", look)
        patch.setattr(service, "own_data", look)
        world.suggest()
        world.call("GET", "/suggestions/orders", key="stranger")
        token = world.token(device="me", purposes=["own_data"])
        headers = {"Authorization": f"Bearer {token}"}
        assert world.client.get("/recommender/v1/me", headers=headers).status_code == 400

    assert seen == ["grill", "other", "grill"]
    assert tenant_now() == ALL


@pytest.mark.parametrize("name", ["*", "", "a\0b"])
def test_no_tenant_is_called_all_or_none(world: World, name: str) -> None:
    with pytest.raises(TenantNameRefused):
        world.access.create_key(name, ["suggest"])
    with pytest.raises(TenantNameRefused):
        world.access.create_pairing(name, "kiosk")
    with pytest.raises(TenantNameRefused), of_request(name):
        pass
