"""What a customer hears on their next visit."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from identity.consent.ledger import Standing
from identity.consent.notices import Notices
from identity.consent.shelf import shipped_folder
from identity.customers.visits.news import news_for
from tests.identity.halves import KIOSK, World, kiosk_of, pictures

STANDING = Standing(
    purposes=("orders",),
    given=("face", "orders"),
    confirmed=True,
    paused_until_us=0,
    notice_version="2026-12",
    has_face=True,
    needs_second_factor=0,
    expires_day=21_000,
)


def test_who_agreed_to_an_older_notice_hears_of_it(world: World, tmp_path: Path) -> None:
    notices = Notices.of(world.half.config)
    assert news_for(STANDING, notices) == ()
    assert news_for(replace(STANDING, notice_version="2026-11"), notices) == ("notice_changed",)

    publish(world, tmp_path)

    assert news_for(STANDING, notices) == ("notice_changed",)
    assert news_for(replace(STANDING, notice_version="2027-01"), notices) == ()
    assert news_for(replace(STANDING, given=()), notices) == (), "who agreed to nothing has nothing to read"


def test_who_is_about_to_be_forgotten_hears_of_it(world: World) -> None:
    assert news_for(replace(STANDING, reminder=True), Notices.of(world.half.config)) == ("consent_ends_soon",)


def test_a_damaged_notice_is_no_news(world: World) -> None:
    notices = Notices.of(world.half.config)
    notices.version()
    (world.home / "notices" / "published.json").write_text("[]")
    assert news_for(STANDING, notices) == ()


def test_a_customer_is_told_on_the_next_visit_by_face_code_and_pin(world: World, tmp_path: Path) -> None:
    code = world.enrol(1, pin="2580").receipt
    assert world.recognise(1).news == ()
    publish(world, tmp_path)

    seen = world.recognise(1)

    assert (seen.decision, seen.news) == ("matched", ("notice_changed",))
    assert seen.token is not None
    assert world.service.raise_level(KIOSK, seen.token, "2580").news == ("notice_changed",)
    assert world.service.recognise_by_code(KIOSK, code, "2580").news == ("notice_changed",)
    assert world.recognise(2).news == ()


def test_a_visit_shortly_before_the_end_says_so_once(world: World) -> None:
    world.enrol(1)
    world.days_pass(350)

    assert world.recognise(1).news == ("consent_ends_soon",)
    assert world.recognise(1).news == (), "the visit keeps them for another year"


def test_a_reply_has_the_same_size_with_news_and_for_a_stranger(world: World, tmp_path: Path) -> None:
    kiosk = kiosk_of(world)
    world.enrol(1, purposes=("orders", "offers", "destinations"), pin="2580")
    world.days_pass(350)
    publish(world, tmp_path)

    known, stranger = kiosk.recognise(pictures(1)), kiosk.recognise(pictures(2))

    assert known.get_json()["news"] == ["notice_changed", "consent_ends_soon"]
    assert stranger.get_json()["news"] == []
    assert len(known.data) == len(stranger.data)


def publish(world: World, tmp_path: Path) -> None:
    """Another version of the notice."""
    draft = tmp_path / "draft"
    shutil.copytree(shipped_folder(), draft)
    for path in draft.iterdir():
        path.write_text(path.read_text().replace("version: 2026-12", "version: 2027-01"))
    Notices.of(world.half.config).shelf.publish(draft)
