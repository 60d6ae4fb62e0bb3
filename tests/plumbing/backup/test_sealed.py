"""A sealed file opens with its passphrase alone, and only as the whole that was written."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from plumbing.backup import sealed
from plumbing.backup.errors import BackupDamaged, BackupNewer, PassphraseWeak, WrongPassphrase
from plumbing.backup.sealed import CHUNK, MAGIC, TAG, Header, SealedReader, SealedWriter, passphrase_in

SECRET = b"correct horse battery"
HEADER = Header("data", "1.0", "2026-11-29")


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed, "COST", {"n": 2**10, "r": 8, "p": 1})


def written(content: bytes, secret: bytes = SECRET) -> bytes:
    file = io.BytesIO()
    writer = SealedWriter(file, HEADER, secret)
    for start in range(0, len(content), 300_000):
        writer.write(content[start : start + 300_000])
    writer.seal_end()
    return file.getvalue()


def read(content: bytes, secret: bytes = SECRET) -> bytes:
    return SealedReader.of(io.BytesIO(content), secret, "data").read()


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 77])
def test_what_was_sealed_comes_out(size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)

    assert read(written(content[:size])) == content[:size]


def test_two_files_of_the_same_content_have_nothing_in_common() -> None:
    first, second = written(bytes(5000)), written(bytes(5000))
    start = first.index(b"}}") if b"}}" in first else len(MAGIC) + 4

    assert first[start + 200 :] != second[start + 200 :]
    assert bytes(64) not in first


def test_another_passphrase_is_named() -> None:
    with pytest.raises(WrongPassphrase):
        read(written(b"content"), b"wrong horse battery")


def test_each_byte_that_is_altered_is_noticed() -> None:
    content = written(b"content of a backup" * 10)

    for place in range(0, len(content), 3):
        altered = bytearray(content)
        altered[place] ^= 1
        with pytest.raises((BackupDamaged, WrongPassphrase, BackupNewer)):
            read(bytes(altered))


@pytest.mark.parametrize(
    "cut", [0, 5, len(MAGIC) + 2, len(MAGIC) + 50, -1, -TAG, -TAG - 1, -(CHUNK + TAG), -(CHUNK + TAG) - 9]
)
def test_a_file_that_was_cut_short_is_no_shorter_backup(cut: int) -> None:
    content = written(bytes(2 * CHUNK))

    with pytest.raises(BackupDamaged):
        read(content[:cut] if cut else b"")


def test_chunks_cannot_be_left_out_exchanged_or_added() -> None:
    content = written(bytes(3 * CHUNK))
    start = len(content) - 3 * (CHUNK + TAG)
    head, one, two, last = (
        content[:start],
        *(content[start + n * (CHUNK + TAG) :][: CHUNK + TAG] for n in range(3)),
    )

    for wrong in (head + two + last, head + two + one + last, head + one + last, head + one + two + last + last):
        with pytest.raises(BackupDamaged):
            read(wrong)


def test_a_later_format_and_an_expensive_header_are_refused_before_anything_is_computed() -> None:
    content = written(b"content")
    size = int.from_bytes(content[len(MAGIC) :][:4], "big")
    about = json.loads(content[len(MAGIC) + 4 :][:size])

    def with_header(changed: dict[str, object]) -> bytes:
        text = json.dumps(about | changed).encode()
        return MAGIC + len(text).to_bytes(4, "big") + text + content[len(MAGIC) + 4 + size :]

    with pytest.raises(BackupNewer):
        read(with_header({"format": 2}))
    for scrypt in (
        {"n": 2**30, "r": 8, "p": 1, "salt": "00" * 32},
        {"n": 1000, "r": 8, "p": 1, "salt": "00" * 32},
        {"n": 1024.5, "r": 8, "p": 1, "salt": "00" * 32},
        {"n": -1},
        5,
    ):
        with pytest.raises(BackupDamaged):
            read(with_header({"scrypt": scrypt}))


def test_a_passphrase_that_can_be_guessed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "passphrase"
    path.write_bytes(b"short\n")
    with pytest.raises(PassphraseWeak):
        passphrase_in(path)
    path.write_bytes(SECRET + b"\r\n")
    assert passphrase_in(path) == SECRET
