"""Documents and folders of the home that replicas share."""

from __future__ import annotations

import gc
from dataclasses import replace
from pathlib import Path

import pytest

from plumbing.storage.database import DatabaseAway
from plumbing.storage.documents import Documents, SharedDocument
from plumbing.storage.state import State


@pytest.fixture
def other(state: State, tmp_path_factory: pytest.TempPathFactory) -> State:
    """Another replica; on SQLite another process with the same home."""
    return replace(state, home=tmp_path_factory.mktemp("other")) if state.is_shared else state


def documents(state: State) -> Documents:
    """As a process of its own would open them."""
    return Documents(state.files("identity-files", listening=False))


def test_a_document_is_the_same_for_all(state: State, other: State) -> None:
    one, two = documents(state).document("note.json"), documents(other).document("note.json")
    assert one.read() is None

    with one.locked():
        one.replace(b"first, and a long one" * 100)
    with two.locked():
        assert two.read() == b"first, and a long one" * 100
        two.replace(b"second")

    with one.locked():
        assert one.read() == b"second"


def test_what_the_home_had_before_is_taken_over(state: State, other: State) -> None:
    (state.home / "note.json").write_bytes(b"from before")

    assert documents(state).document("note.json").read() == b"from before"
    assert documents(other).document("note.json").read() == b"from before"


def test_a_folder_is_the_same_on_all_replicas(state: State, other: State) -> None:
    mine = documents(state).folder(state.home / "texts", whole=lambda: False)
    theirs = documents(other).folder(other.home / "texts", whole=lambda: False)
    if mine is None or theirs is None:
        assert not state.is_shared
        return
    with mine.changing():
        (state.home / "texts" / "1").mkdir(parents=True)
        (state.home / "texts" / "1" / "en.md").write_text("hello")
        (state.home / "texts" / "list.json").write_text("{}")

    theirs.document._file._copy = None  # type: ignore[attr-defined]  # as a moment later
    theirs.fetch()

    assert (other.home / "texts" / "1" / "en.md").read_text() == "hello"


def test_while_the_database_is_away_the_last_content_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    class File:
        content = b"kept"

        def size(self) -> int:
            if not self.content:
                raise DatabaseAway
            return len(self.content)

        def read(self, size: int, at: int) -> bytes:
            return self.content

    file = File()
    document = SharedDocument(file)  # type: ignore[arg-type]  # what is asked for here
    assert document.read() == b"kept"
    file.content = b""
    assert document.read() == b"kept"
    with pytest.raises(DatabaseAway):
        SharedDocument(file).read()  # type: ignore[arg-type]


def test_documents_are_opened_once_in_a_process(tmp_path: Path) -> None:
    state = State(tmp_path)
    first = Documents.of(state, "identity-files")
    assert Documents.of(state, "identity-files") is first


def test_a_document_keeps_its_part_open(state: State) -> None:
    document = Documents.of(state, "identity-files").document("note.json")
    if isinstance(document, SharedDocument):
        gc.collect()
        assert Documents.of(state, "identity-files").document("note.json") is document
