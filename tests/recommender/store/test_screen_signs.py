"""Each kiosk of a site has a sign of its own; a call for somebody stays until somebody has been there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from plumbing.clock import DAY, MINUTE
from recommender.store.screen_settings import ScreenSettings
from recommender.store.screen_signs import KEPT_DAYS, SIGNS, ScreenSigns
from recommender.store.staff_calls import LASTS_US
from tests.recommender.service_fixtures import NOON, World

CALLS = "/v1/screen/calls"
DESK_CALLS = "/desk/calls"


def test_forty_devices_of_a_site_have_forty_signs(still: World) -> None:
    """Also when they ask at the same moment; each keeps its own, another site begins again."""
    signs = still.half.service.stores.signs
    names = [f"kiosk-{k:02d}" for k in range(40)]
    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(lambda name: signs.sign_of("grill", "market", name, NOON), names))
    if None in given:  # one that had to wait too long draws its own, and asks again
        given = [signs.sign_of("grill", "market", name, NOON) for name in names]

    assert len(set(given)) == 40
    assert all(sign in SIGNS for sign in given)
    assert [signs.sign_of("grill", "market", name, NOON + 5 * DAY) for name in names] == given
    assert signs.sign_of("grill", "station", "kiosk-99", NOON) == SIGNS[0]
    assert signs.sign_of("other", "market", "kiosk-99", NOON) == SIGNS[0]


def test_a_sign_that_nobody_uses_any_more_goes_to_another_device(still: World) -> None:
    signs = ScreenSigns(still.half.service.stores.database)
    assert signs.sign_of("later", "market", "old", NOON) == "A"
    assert signs.sign_of("later", "market", "new", NOON) == "B"
    late = NOON + (KEPT_DAYS + 1) * DAY
    assert signs.sign_of("later", "market", "newest", late) == "A"
    assert signs.sign_of("later", "market", "old", late) not in {"A", None}


def test_no_sign_is_given_twice_when_there_are_no_more(still: World) -> None:
    signs = still.half.service.stores.signs
    given = [signs.sign_of("full", "market", f"k{k}", NOON) for k in range(len(SIGNS) + 2)]
    assert len(set(given[: len(SIGNS)])) == len(SIGNS)
    assert given[len(SIGNS) :] == [None, None]
    assert all(len(sign) < 3 for sign in SIGNS)  # three are what a screen draws by itself


def key_of(still: World, scopes: list[str], *, device: str = "", site: str = "") -> dict[str, str]:
    return {"X-API-Key": still.access.create_key("grill", scopes, device=device, site=site)}


def test_a_screen_is_told_its_sign_and_a_program_has_none(still: World) -> None:
    told: list[Any] = []
    for name in ("harbour-1", "harbour-2"):
        key = key_of(still, ["suggest"], device=name, site="harbour")
        told.append(still.client.get("/v1/screen", headers=key).json)
    assert [one["sign"] for one in told] == ["A", "B"]
    program: Any = still.client.get("/v1/screen", headers=key_of(still, ["suggest"])).json
    assert program["sign"] is None


def test_a_call_is_seen_answered_and_ends_by_itself(still: World) -> None:
    kiosk = key_of(still, ["suggest"], device="caller-1", site="market")
    desk = key_of(still, ["operate"])
    path = f"/recommender/v1{DESK_CALLS}"

    def calls() -> list[dict[str, Any]]:
        reply: Any = still.client.get(path, headers=desk).json
        found: list[dict[str, Any]] = reply["calls"]
        return found

    assert still.client.post(CALLS, headers=kiosk).json == {"ends_in_s": 900}
    still.time_us += 4 * MINUTE
    assert still.client.post(CALLS, headers=kiosk).status_code == 201
    assert calls() == [{"device": "caller-1", "site": "market", "since_s": 240}]
    assert still.client.delete(f"{path}/caller-1", headers=desk).status_code == 204
    assert calls() == []
    gone: Any = still.client.delete(f"{path}/caller-1", headers=desk).json
    assert gone["code"] == "no_such_call"

    still.client.post(CALLS, headers=kiosk)
    still.time_us += LASTS_US - 1
    assert len(calls()) == 1
    still.time_us += 1
    assert calls() == []


def test_calls_are_limited_and_can_be_switched_off(still: World) -> None:
    kiosk = key_of(still, ["suggest"], device="caller-2", site="market")
    statuses = [still.client.post(CALLS, headers=kiosk).status_code for _ in range(8)]
    assert statuses == [201] * 6 + [429] * 2
    assert still.client.post(CALLS).status_code == 401
    assert still.client.get(f"/recommender/v1{DESK_CALLS}", headers=kiosk).status_code == 403

    still.time_us += 2 * MINUTE
    still.half.service.stores.screens.save("grill", ScreenSettings(call_staff=False))
    off: Any = still.client.post(CALLS, headers=kiosk).json
    still.half.service.stores.screens.save("grill", ScreenSettings())
    assert off["code"] == "calls_are_off"
