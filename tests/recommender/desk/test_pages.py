"""What the models route answers."""

from __future__ import annotations

from tests.recommender.service_fixtures import World


def test_the_overview_counts_what_is_there(world: World) -> None:
    """Orders, rides and the catalogue; and how many more customers are needed."""
    for visit in range(2):
        world.order("cola", token=world.token(), event_id=f"e{visit}")
    overview = world.call("GET", "/models", key="desk").json
    assert overview["events"] == {"ordered": 2}
    assert overview["catalogue"] == {"items": 4, "places": 2, "offers": 1}
    orders, rides = overview["scenes"]
    assert orders["missing"].startswith("One customer has at least two orders; 29 more are needed")
    assert rides["missing"].startswith("No customer has come back yet; 30 more are needed")
