"""The notice as data: complete in every language, published once, and never changed without a new version."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from identity.config import LEDGER_PURPOSES, PURPOSES, IdentityConfig
from identity.consent.notice_text import LANGUAGES, PLACES
from identity.consent.notices import Notices, shipped
from identity.consent.shelf import NoticeShelf, shipped_folder, texts_in
from identity.errors import (
    LanguageUnknown,
    NoticeAltered,
    NoticeChanged,
    NoticeError,
    NoticeIncomplete,
    NoticeUnknown,
    PlaceUnknown,
)

SHIPPED = {"en": "c3a525c242cb6f49", "de": "c97aa26b9908c2ec", "ja": "c353cbb5ec7b3cee"}
VERSION = "2026-12"


@pytest.fixture
def config(tmp_path: Path) -> IdentityConfig:
    return IdentityConfig(home=tmp_path / "home", token_keys=(b"unused",))


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    """The shipped texts as a lawyer's draft of another version."""
    folder = tmp_path / "draft"
    shutil.copytree(shipped_folder(), folder)
    change(folder, LANGUAGES, lambda text: text.replace(f"version: {VERSION}", "version: 2027-01"))
    return folder


def change(folder: Path, languages: tuple[str, ...], edit: Callable[[str], str]) -> None:
    for language in languages:
        path = folder / f"{language}.md"
        path.write_text(edit(path.read_text()))


# --- what is shipped


def test_the_shipped_text_cannot_change_without_a_new_version() -> None:
    """A change of a text needs a new version in every language, and the new hashes in this test."""
    texts = texts_in(shipped_folder())

    assert {text.version for text in texts.values()} == {VERSION} == {shipped_folder().name}
    assert {language: text.sha256[:16] for language, text in texts.items()} == SHIPPED


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_essentials_are_at_the_top(config: IdentityConfig, language: str, place: str) -> None:
    """A kiosk shows about 600 characters without scrolling: retention, withdrawal, controller and contact."""
    known = replace(config, organisation="Noodle House GmbH", contact="privacy@noodle.example")
    for settings in (config, known):
        notice = shipped(settings, language, place)

        assert notice.text.startswith(notice.essentials)
        assert len(notice.essentials) <= 600
        for said in (notice.retention, notice.withdrawal, notice.controller, notice.contact):
            assert said in notice.essentials
        assert "{" not in notice.text


def test_the_place_is_named(config: IdentityConfig) -> None:
    assert "this restaurant" in shipped(config).text
    assert "this taxi" in shipped(config, place="taxi").text
    assert "restaurant" not in shipped(config, place="taxi").text.lower()
    assert "diesem Taxi" in shipped(config, "de", "taxi").text
    assert "Restaurant" not in shipped(config, "de", "taxi").text
    assert "このタクシー" in shipped(config, "ja", "taxi").text
    assert "レストラン" not in shipped(config, "ja", "taxi").text
    assert shipped(replace(config, place="taxi")).text == shipped(config, place="taxi").text


def test_the_notice_says_what_the_configuration_says(config: IdentityConfig) -> None:
    settings = replace(config, organisation="Noodle House", contact="+49 1", retention_months=6, minimum_age=18)
    notice = shipped(settings)

    assert notice.text.count("Noodle House") >= 2
    assert notice.text.count("+49 1") >= 2
    assert "6 months after your last visit" in notice.text
    assert "18 or older" in notice.text
    assert notice.sha256 == hashlib.sha256(notice.text.encode()).hexdigest() != shipped(config).sha256
    assert "1 month after your last visit" in shipped(replace(config, retention_months=1)).text
    assert "1 Monat nach" in shipped(replace(config, retention_months=1), "de").text


def test_without_a_controller_it_speaks_of_the_operator_of_the_screen(config: IdentityConfig) -> None:
    assert shipped(config).controller == "the operator of this screen"
    assert "der Betreiber dieses Bildschirms" in shipped(config, "de").essentials
    assert "この画面の運営者" in shipped(config, "ja").essentials


def test_settings_are_put_in_as_they_are(config: IdentityConfig) -> None:
    """A name with braces or Markdown is a name."""
    notice = shipped(replace(config, organisation="{contact} {{0}} \\1 Søn & Co", contact="x"))
    assert "{contact} {{0}} \\1 Søn & Co" in notice.essentials


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_purpose_has_a_text_and_the_three_are_listed(config: IdentityConfig, language: str) -> None:
    notice = shipped(config, language)

    assert set(notice.purposes) == set(LEDGER_PURPOSES)
    assert all(f"* {notice.purposes[name]}\n" in notice.text for name in PURPOSES)


# --- published


def test_the_shipped_texts_are_published_at_the_first_look(config: IdentityConfig) -> None:
    notices = Notices.of(config)

    notice = notices.current("de", "taxi")

    folder = config.home / "notices"
    assert (notice.version, notice.language, notices.version()) == (VERSION, "de", VERSION)
    assert notice.languages == ("en", "de", "ja")
    listed = json.loads((folder / "published.json").read_text())
    assert listed["current"] == VERSION
    for language, sha256 in listed["versions"][VERSION].items():
        content = (folder / VERSION / f"{language}.md").read_bytes()
        assert hashlib.sha256(content).hexdigest() == sha256
    assert notice.template_sha256 == listed["versions"][VERSION]["de"]
    assert notices.remark() is None


def test_many_processes_may_look_first(config: IdentityConfig) -> None:
    with ThreadPoolExecutor(8) as pool:
        texts = set(pool.map(lambda _: Notices.of(config).current().sha256, range(8)))
    assert texts == {shipped(config).sha256}


@pytest.mark.parametrize("language", ["fr", "", "EN", "../../etc/passwd", "de\0", "x" * 5_000])
def test_a_language_that_does_not_exist_is_named_with_those_that_do(config: IdentityConfig, language: str) -> None:
    with pytest.raises(LanguageUnknown) as caught:
        Notices.of(config).current(language)
    assert caught.value.extra["languages"] == sorted(LANGUAGES)
    assert len(caught.value.detail) < 200


@pytest.mark.parametrize("version", ["2020-01", "..", "../..", "2026-12/../2026-12", "x" * 5_000])
def test_a_version_that_does_not_exist_is_named_with_those_that_do(config: IdentityConfig, version: str) -> None:
    with pytest.raises(NoticeUnknown) as caught:
        Notices.of(config).current("en", None, version)
    assert caught.value.extra["versions"] == [VERSION]


def test_a_place_that_does_not_exist(config: IdentityConfig) -> None:
    with pytest.raises(PlaceUnknown) as caught:
        Notices.of(config).current("en", "casino")
    assert caught.value.extra["places"] == sorted(PLACES)


def test_a_new_version_is_current_at_once_in_every_process_and_the_older_one_can_be_read(
    config: IdentityConfig, draft: Path
) -> None:
    server = Notices.of(config)
    before = server.current()
    change(draft, ("en",), lambda text: text.replace("A face never pays.", "A face never pays for anything."))

    assert NoticeShelf(config.home).publish(draft) == "2027-01"

    after = server.current()
    assert (before.version, after.version, server.version()) == (VERSION, "2027-01", "2027-01")
    assert "never pays for anything" in after.text
    assert server.current(version=VERSION) == before


def test_a_changed_text_without_a_new_version_is_refused(config: IdentityConfig, draft: Path) -> None:
    notices = Notices.of(config)
    notices.shelf.publish(draft)
    before = sorted((path, path.read_bytes()) for path in config.home.rglob("*.md"))
    change(draft, ("de",), lambda text: text.replace("jederzeit", "manchmal"))

    with pytest.raises(NoticeChanged):
        notices.shelf.publish(draft)

    assert sorted((path, path.read_bytes()) for path in config.home.rglob("*.md")) == before
    assert notices.remark() is None


def test_of_two_operators_who_publish_different_texts_at_once_one_is_refused(
    config: IdentityConfig, draft: Path, tmp_path: Path
) -> None:
    drafts = [draft, *(tmp_path / f"draft {n}" for n in range(1, 6))]
    for n, folder in enumerate(drafts[1:]):
        shutil.copytree(draft, folder)
        text = (draft / "en.md").read_text()
        (folder / "en.md").write_text(text.replace("A face never pays.", f"Never, {n} times."))

    def publish(folder: Path) -> str | None:
        try:
            return NoticeShelf(config.home).publish(folder)
        except NoticeChanged:
            return None

    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(publish, drafts))

    assert sorted(filter(None, done)) == ["2027-01"]
    assert Notices.of(config).remark() is None


def test_publishing_the_same_twice_changes_nothing(config: IdentityConfig, draft: Path) -> None:
    shelf = NoticeShelf(config.home)
    shelf.publish(draft)
    first = (config.home / "notices" / "published.json").read_bytes()
    shelf.publish(draft)
    assert (config.home / "notices" / "published.json").read_bytes() == first


def test_an_older_version_can_be_made_current_again(config: IdentityConfig, draft: Path) -> None:
    notices = Notices.of(config)
    notices.version()
    notices.shelf.publish(draft)
    notices.shelf.publish(shipped_folder())
    assert notices.version() == VERSION
    assert set(notices.shelf.published().versions) == {VERSION, "2027-01"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_published_text_that_was_changed_closes_joining(config: IdentityConfig, language: str) -> None:
    notices = Notices.of(config)
    notices.current()
    path = config.home / "notices" / VERSION / f"{language}.md"
    path.write_bytes(path.read_bytes() + b" ")

    for reader in (notices, Notices.of(config)):  # the running server, and one that starts
        assert f"{VERSION}/{language}.md was changed" in str(reader.remark())
        with pytest.raises(NoticeAltered):
            reader.current(language)


def _remove_list(folder: Path) -> None:
    (folder / "published.json").unlink()
    (folder / VERSION / "en.md").write_bytes(b"changed")


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a language is gone": lambda folder: (folder / VERSION / "ja.md").unlink(),
    "the version is gone": lambda folder: shutil.rmtree(folder / VERSION),
    "the list is gone and a text was changed": _remove_list,
    "the list is empty": lambda folder: (folder / "published.json").write_bytes(b""),
    "the list is a list": lambda folder: (folder / "published.json").write_bytes(b"[]"),
    "the list is null": lambda folder: (folder / "published.json").write_bytes(b"null"),
    "the list is of another release": lambda folder: edit_list(folder, "format", "usual-published-notices-9"),
    "the current version is none": lambda folder: edit_list(folder, "current", "2020-01"),
    "a version leads outside": lambda folder: edit_list(folder, "versions", {"../../x": {"en": "0"}}),
    "a text that was never published": lambda folder: (folder / VERSION / "fr.md").write_bytes(b"x"),
}


def edit_list(folder: Path, name: str, value: object) -> None:
    path = folder / "published.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_damage_of_any_kind_closes_joining_and_is_said_in_a_sentence(
    config: IdentityConfig, damage: Callable[[Path], object]
) -> None:
    Notices.of(config).current()
    damage(config.home / "notices")

    remark = Notices.of(config).remark()

    assert remark is not None
    assert remark.startswith("joining is closed: ")


def test_a_list_that_got_lost_beside_untouched_shipped_texts_is_made_again(config: IdentityConfig) -> None:
    """As after a power cut between the texts and the list."""
    Notices.of(config).current()
    (config.home / "notices" / "published.json").unlink()
    assert Notices.of(config).remark() is None


def test_a_folder_that_cannot_be_written_closes_joining(config: IdentityConfig) -> None:
    config.home.mkdir()
    (config.home / "notices").write_bytes(b"a file in its place")
    notices = Notices.of(config)
    assert str(notices.remark()).startswith("joining is closed")
    with pytest.raises(NoticeAltered):
        notices.current()


# --- what cannot be published

HEADER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
FAULTS: dict[str, tuple[Callable[[str], str], str]] = {
    "no header": (lambda text: HEADER.sub("", text), "header between"),
    "another format": (lambda text: text.replace("usual-notice-1", "usual-notice-2"), "format"),
    "another language": (lambda text: text.replace("language: de", "language: fr"), "language"),
    "another version": (lambda text: text.replace("2027-01", "2027-02"), "different versions"),
    "a version that is a path": (lambda text: text.replace("2027-01", "../../x"), "version"),
    "no text of a purpose": (lambda text: re.sub(r"^offers: .*\n", "", text, flags=re.MULTILINE), "offers"),
    "an empty purpose": (lambda text: re.sub(r"^face: .*", "face:", text, flags=re.MULTILINE), "face"),
    "no contact at the top": (lambda text: text.replace(" Kontakt: {contact}.", "", 1), "lack contact"),
    "no withdrawal at the top": (lambda text: text.replace("{stop}", "irgendwie"), "stop"),
    "an unknown placeholder": (lambda text: text.replace("{place}", "{town}"), "town"),
    "a placeholder less": (lambda text: text.replace("Verantwortlich: {controller}.", "", 1), "placeholders"),
    "a section less": (lambda text: re.sub(r"(?s)## Wie lange .*?\n\n(?=## )", "", text), "sections"),
    "other sections": (lambda text: text.replace("{#age}", "{#x}").replace("{#rights}", "{#age}"), "sections"),
    "a heading without a name": (lambda text: text.replace(" {#rights}", ""), "heading"),
    "long essentials": (lambda text: text.replace("Wie lange:", "Wie lange:" + " und" * 100, 1), "more than"),
    "far too long": (lambda text: text + "x" * 70_000, "no notice"),
    "nothing": (lambda text: "", "no notice"),
}


@pytest.mark.parametrize(("edit", "said"), FAULTS.values(), ids=FAULTS.keys())
def test_what_is_incomplete_or_differs_between_languages_is_refused(
    config: IdentityConfig, draft: Path, edit: Callable[[str], str], said: str
) -> None:
    change(draft, ("de",), edit)

    with pytest.raises(NoticeIncomplete, match=re.escape(said)):
        NoticeShelf(config.home).publish(draft)

    assert not (config.home / "notices" / "2027-01").exists()
    assert Notices.of(config).version() == VERSION


def test_a_missing_language_is_named(config: IdentityConfig, draft: Path, tmp_path: Path) -> None:
    (draft / "ja.md").unlink()
    with pytest.raises(NoticeIncomplete, match=r"ja\.md is missing"):
        NoticeShelf(config.home).publish(draft)
    for folder in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(NoticeIncomplete, match=r"en\.md is missing"):
            NoticeShelf(config.home).publish(folder)


def test_a_file_that_is_no_text_is_refused(config: IdentityConfig, draft: Path) -> None:
    (draft / "de.md").write_bytes(b"---\nformat: usual-notice-1\n\xff\xfe\n---\n")
    with pytest.raises(NoticeIncomplete, match="no notice"):
        NoticeShelf(config.home).publish(draft)


def test_another_language_may_be_added(config: IdentityConfig, draft: Path) -> None:
    french = (draft / "en.md").read_text().replace("language: en", "language: fr")
    (draft / "fr.md").write_text(french)
    NoticeShelf(config.home).publish(draft)
    assert Notices.of(config).current("fr").languages == ("en", "de", "ja", "fr")


def test_the_errors_are_named() -> None:
    assert {kind.code for kind in (LanguageUnknown, NoticeUnknown, NoticeAltered, NoticeChanged)} == {
        "language_unknown",
        "notice_unknown",
        "notice_altered",
        "notice_changed",
    }
    assert all(issubclass(kind, NoticeError) for kind in (LanguageUnknown, NoticeUnknown, NoticeAltered))
