"""A jump of the clock, as an operator sees it."""

from __future__ import annotations

from pathlib import Path

from app import create_app
from plumbing.clock import DAY
from plumbing.settings import Config
from plumbing.steady import SteadyClock


def test_a_jump_is_named_and_counted_while_guests_are_served(tmp_path: Path) -> None:
    times = {"wall": 20_000 * DAY, "passed": DAY}
    clock = SteadyClock(lambda: times["wall"], monotonic=lambda: times["passed"])
    app = create_app(Config(home=tmp_path, only="recommender"), now_us=clock)
    client = app.test_client()
    key = app.extensions["usual"]["access"].create_key("mill", ["admin", "suggest"], days=4_000)
    assert client.get("/health/ready").get_json()["parts"] == {"recommender": "ok"}

    times["wall"] += 380 * DAY
    reply = client.get("/health/ready")

    assert (reply.status_code, reply.get_json()["status"]) == (200, "ok")
    assert "380 days ahead" in reply.get_json()["parts"]["clock"]
    headers = {"X-API-Key": key}
    assert client.get("/recommender/v1/suggestions/orders", headers=headers).status_code == 200
    assert '"event":"clock_jump"' in (tmp_path / "security.log").read_text().replace(" ", "")
    assert 'usual_clock_jumps_total{way="ahead"} 1.0' in client.get("/metrics", headers=headers).text
    code = app.extensions["usual"]["access"].create_pairing("mill", "kiosk", device="k")
    times["wall"] -= 380 * DAY
    assert client.post("/v1/pairings", json={"code": code}).get_json()["code"] == "pairing_refused"
    for part in app.extensions["usual_open"]:
        part.close()
