"""Keys of boxes and of the centre."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbing.outbox.errors import SealRefused
from plumbing.outbox.seals import MAGIC, PrivateKeys, PublicKeys


@pytest.fixture
def keys(tmp_path: Path) -> PrivateKeys:
    return PrivateKeys.load(tmp_path / "box.key")


def test_what_is_sealed_opens_with_its_own_keys_and_for_its_own_use(keys: PrivateKeys, tmp_path: Path) -> None:
    sealed = keys.public.seal(b"a copy", "sync")
    assert keys.open(sealed, "sync") == b"a copy"
    assert sealed != keys.public.seal(b"a copy", "sync")
    for other, use, content in (
        (PrivateKeys.load(tmp_path / "other.key"), "sync", sealed),
        (keys, "events", sealed),
        (keys, "sync", sealed[:-1] + bytes([sealed[-1] ^ 1])),
        (keys, "sync", b""),
    ):
        with pytest.raises(SealRefused):
            other.open(content, use)


def test_a_signature_is_of_these_parts_and_this_use(keys: PrivateKeys) -> None:
    signature = keys.sign("answer", "box", 7)
    keys.public.check(signature, "answer", "box", 7)
    for text, use, number in ((signature, "answer", 8), (signature, "sync", 7), ("no hex", "answer", 7)):
        with pytest.raises(SealRefused):
            keys.public.check(text, use, "box", number)


def test_the_file_is_its_owners_alone_and_a_damaged_one_is_refused(keys: PrivateKeys, tmp_path: Path) -> None:
    path = tmp_path / "box.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert PrivateKeys.load(path).public == keys.public
    for content in (b"", MAGIC, MAGIC + bytes(12), b"another file"):
        path.write_bytes(content)
        with pytest.raises(SealRefused):
            PrivateKeys.load(path)
    with pytest.raises(SealRefused):
        PublicKeys(bytes(12))


def test_what_is_derived_differs_for_each_use_and_name(keys: PrivateKeys) -> None:
    made = {
        keys.derive(*words) for words in (("copies", "a"), ("copies", "b"), ("line", "a"), ("copies", "a", ""))
    }
    assert len(made) == 4
