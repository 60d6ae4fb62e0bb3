"""Every language has every message of the desk, with the same variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbing.words import LANGUAGES, Message, Words
from tests.conftest import ROOT

FOLDERS = sorted(path for path in ROOT.glob("*/**/words") if (path / "en").is_dir() and ".venv" not in path.parts)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: str(path.relative_to(ROOT)))
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_message(folder: Path, language: str) -> None:
    words = Words(folder)

    assert words.variables("en")
    assert words.variables(language) == words.variables("en")


def test_no_two_rooms_of_the_desk_use_one_id() -> None:
    """The screens are never shown together with a room of the desk."""
    rooms = [folder for folder in FOLDERS if folder != ROOT / "screens" / "words"]
    ids = [message_id for folder in rooms for message_id in Words(folder).variables("en")]

    assert len(ids) == len(set(ids))


def test_a_message_is_stored_without_its_language() -> None:
    message = Message.of("gate-below", value=0.7, live=0.8)

    assert Message.from_json(message.to_json()) == message
    assert Message.from_json("a sentence of an older release") is None


def test_a_message_that_a_language_lacks_is_in_english(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "a.ftl").write_text("hello = Hello { $name }, { NUMBER($n) }\nplain = Hello { $name }\n")
    words = Words(tmp_path)

    assert words.text("ja", "hello", name="Ana", n=1200) == "Hello Ana, 1,200"
    assert words.patterns("ja") == {"plain": "Hello {name}"}
    with pytest.raises(KeyError):
        words.text("en", "nothing")
