"""The notice and the receipts' key over HTTP, and what readiness says about them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from identity.consent.receipts import ReceiptKeys, public_key, verify
from identity.consent.shelf import NoticeShelf
from identity.errors import NoticeAltered, NoticeUnknown
from plumbing.problem import Remark
from tests.identity.fakes import FAKE_PACK, FakeEngine
from tests.identity.halves import KIOSK, Kiosk, World, b64, kiosk_of, pictures


@pytest.fixture
def kiosk(world: World) -> Kiosk:
    return kiosk_of(world)


@pytest.mark.parametrize("language", ["en", "de", "ja"])
@pytest.mark.parametrize("place", ["restaurant", "taxi"])
def test_the_notice_is_read_in_the_readers_language_and_names_the_place(
    kiosk: Kiosk, language: str, place: str
) -> None:
    notice = kiosk.send("GET", f"/notice?language={language}&place={place}").get_json()

    assert (notice["language"], notice["languages"]) == (language, ["en", "de", "ja"])
    assert notice["sha256"] == hashlib.sha256(notice["text"].encode()).hexdigest()
    assert all(f"* {purpose['text']}" in notice["text"] for purpose in notice["purposes"])
    essentials = "\n\n".join(notice["text"].split("\n\n")[:2])
    assert notice["controller"] in essentials
    assert notice["contact"] in essentials
    assert str(notice["retention_months"]) in essentials
    words = {"en": "this taxi", "de": "diesem Taxi", "ja": "このタクシー"}
    assert (words[language] in notice["text"]) == (place == "taxi")


def test_left_out_it_is_english_and_the_place_of_the_settings(tmp_path: Path) -> None:
    world = World(
        tmp_path, settings={"place": "taxi", "organisation": "North Cabs", "contact": "dpo@cabs.example"}
    )
    notice = kiosk_of(world).send("GET", "/notice").get_json()
    world.close()

    assert notice["language"] == "en"
    assert "May North Cabs recognise your face in this taxi" in notice["text"]
    assert (notice["controller"], notice["contact"]) == ("North Cabs", "dpo@cabs.example")


@pytest.mark.parametrize(
    ("query", "status", "code", "listed"),
    [
        ("language=fr", 404, "language_unknown", {"languages": ["de", "en", "ja"]}),
        ("language=", 404, "language_unknown", {"languages": ["de", "en", "ja"]}),
        ("language=../../de", 404, "language_unknown", {"languages": ["de", "en", "ja"]}),
        ("version=2020-01", 404, "notice_unknown", {"versions": ["2026-12"]}),
        ("version=2020-01&language=fr", 404, "notice_unknown", {"versions": ["2026-12"]}),
        ("version=..", 404, "notice_unknown", {"versions": ["2026-12"]}),
        ("place=casino", 422, "place_unknown", {"places": ["restaurant", "taxi"]}),
    ],
)
def test_what_does_not_exist_is_named_with_what_does(
    kiosk: Kiosk, query: str, status: int, code: str, listed: dict[str, list[str]]
) -> None:
    reply = kiosk.send("GET", f"/notice?{query}")

    assert (reply.status_code, reply.get_json()["code"]) == (status, code)
    assert listed.items() <= reply.get_json().items()


def test_a_changed_text_closes_joining_and_nothing_else(world: World, kiosk: Kiosk) -> None:
    world.enrol(1)
    kiosk.send("GET", "/notice")
    path = world.home / "notices" / "2026-12" / "de.md"
    path.write_text(path.read_text().replace("12", "99") + "Noch etwas.\n")

    said = world.half.check()

    assert isinstance(said, Remark), "everybody is served: amber, not red"
    assert "joining is closed: 2026-12/de.md was changed after it was published" in said
    reply = kiosk.send("GET", "/notice?language=de")
    assert (reply.status_code, reply.get_json()["code"]) == (503, "notice_altered")
    assert world.recognise(1).decision == "matched"


def test_nobody_joins_under_an_altered_notice_and_a_process_that_starts_serves_everybody_else(
    world: World,
) -> None:
    code = world.enrol(1, pin="2580").receipt
    version = world.service.notice.version
    (world.home / "notices" / version / "en.md").write_text("changed")
    later = world.other()
    kiosk = kiosk_of(later)
    agreed = {"purposes": {"orders": True}, "notice_version": version, "age_confirmed": True}

    reply = kiosk.send(
        "POST", "/enrolments", {"nonce": kiosk.press(), "frames": b64(pictures(2)), "consent": agreed}
    )

    assert (reply.status_code, reply.get_json()["code"]) == (503, "notice_altered")
    assert "joining is closed" in str(later.half.check())
    assert later.recognise(1).decision == "matched"
    assert later.service.recognise_by_code(KIOSK, code, "2580").decision == "matched"
    assert later.service.forget(KIOSK, code)
    later.close()


@pytest.mark.parametrize("version", ["2020-01", "", "../x", "2026-12 "])
def test_consent_to_a_notice_that_does_not_exist_is_refused(kiosk: Kiosk, version: str) -> None:
    agreed = {"purposes": {"orders": True}, "notice_version": version, "age_confirmed": True}
    reply = kiosk.enrol(pictures(1), agreed)
    assert (reply.status_code, reply.get_json()["code"]) == (409, "notice_outdated")
    assert (reply.get_json()["version"], reply.get_json()["languages"]) == ("2026-12", ["en", "de", "ja"])


def test_consent_in_a_language_that_does_not_exist_is_refused(kiosk: Kiosk, world: World) -> None:
    version = world.service.notice.version
    agreed = {"purposes": {"orders": True}, "notice_version": version, "age_confirmed": True, "language": "fr"}
    reply = kiosk.enrol(pictures(1), agreed)
    assert (reply.status_code, reply.get_json()["code"]) == (404, "language_unknown")
    assert reply.get_json()["languages"] == ["de", "en", "ja"]


def test_with_a_pack_for_production_readiness_asks_who_is_responsible(tmp_path: Path) -> None:
    engine = FakeEngine()
    engine.pack = replace(FAKE_PACK, grade="production")
    world = World(tmp_path, engine=engine)
    said = world.half.check()
    world.close()

    assert isinstance(said, Remark)
    assert "USUAL_ORGANISATION and USUAL_CONTACT" in said


def test_the_receipts_key_verifies_what_was_signed_before_and_after_a_rotation(world: World, kiosk: Kiosk) -> None:
    keys = ReceiptKeys(world.home)
    before = kiosk.send("GET", "/receipt-key").get_json()
    older = keys.sign("north", {"a": 1})
    keys.rotate("north")

    now = kiosk.send("GET", "/receipt-key").get_json()

    assert before["earlier"] == []
    assert now["earlier"] == [{"id": before["id"], "public_key": before["public_key"]}]
    assert verify(older, public_key(now["earlier"][0]["public_key"]))["key"] == before["id"]
    assert now["public_key"] == keys.public("north") != before["public_key"]


def test_what_was_shown_can_be_read_again_by_the_hash_of_the_record(world: World, kiosk: Kiosk) -> None:
    """Also when a setting has changed since: the record names what the customer read."""
    notice = kiosk.send("GET", "/notice?language=de").get_json()
    shelf = NoticeShelf(world.home)

    assert shelf.shown(notice["sha256"]) == notice["text"]
    (world.home / "notices" / "published.json").unlink()
    assert world.half.check() is None, "the shown texts are no published ones"
    with pytest.raises(NoticeUnknown):
        shelf.shown("../2026-12/en")
    path = world.home / "notices" / "shown" / f"{notice['sha256']}.md"
    path.write_text("another text")
    with pytest.raises(NoticeAltered):
        shelf.shown(notice["sha256"])
