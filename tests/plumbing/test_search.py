"""The search for bytes of somebody who was erased finds each encoding in each kind of file, and nothing else."""

from __future__ import annotations

import base64
import gzip
import json
import os
import secrets
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from plumbing.storage.search import Fingerprints, search, windows_of_secret, windows_of_vector

RAW = secrets.token_bytes(16)
NAME = base64.urlsafe_b64encode(RAW).rstrip(b"=").decode()
_drawn = np.random.default_rng(5).normal(size=128)
VECTOR: NDArray[np.float32] = (_drawn / np.linalg.norm(_drawn)).astype(np.float32)
PRINTS = Fingerprints.of([*windows_of_vector(VECTOR), *windows_of_secret(NAME, RAW)])
HALF, SMALL = VECTOR.astype(np.float16), np.round(VECTOR * 127).astype(np.int8)

ENCODED: dict[str, bytes] = {
    "float32": VECTOR.tobytes(),
    "float32, big endian": VECTOR.astype(">f4").tobytes(),
    "float64": VECTOR.astype(np.float64).tobytes(),
    "float16": HALF.tobytes(),
    "int8": SMALL.tobytes(),
    "int8 of the largest": np.round(VECTOR / np.abs(VECTOR).max() * 127).astype(np.int8).tobytes(),
    "half of it": VECTOR.tobytes()[256:],
    "hex": VECTOR.tobytes().hex().encode(),
    "HEX": VECTOR.tobytes().hex().upper().encode(),
    "hex of float16": HALF.tobytes().hex().encode(),
    "base64": base64.b64encode(VECTOR.tobytes()),
    "base64, one byte later": base64.b64encode(b"x" + VECTOR.tobytes()),
    "base64, two bytes later": base64.b64encode(b"xy" + VECTOR.tobytes()),
    "urlsafe base64": base64.urlsafe_b64encode(VECTOR.tobytes()),
    "base64 of float16": base64.b64encode(b"x" + HALF.tobytes()),
    "base64 of int8": base64.b64encode(SMALL.tobytes()),
    "JSON": json.dumps(VECTOR.tolist()).encode(),
    "JSON without spaces": json.dumps(VECTOR.tolist(), separators=(",", ":")).encode(),
    "JSON, indented": json.dumps(VECTOR.tolist(), indent=2).encode(),
    "JSON of six digits": json.dumps([round(float(x), 6) for x in VECTOR]).encode(),
    "JSON of float16": json.dumps(HALF.tolist()).encode(),
    "JSON of int8": json.dumps(SMALL.tolist()).encode(),
    "text": ",".join(f"{x:.8f}" for x in VECTOR).encode(),
    "name": NAME.encode(),
    "name in UTF-16": NAME.encode("utf-16-le"),
    "name's bytes": RAW,
    "name's bytes in hex": RAW.hex().encode(),
    "name's bytes in HEX": RAW.hex().upper().encode(),
    "name in hex": NAME.encode().hex().encode(),
    "name in base64": base64.b64encode(b'{"p":"' + NAME.encode() + b'"}'),
    "name in base64, one byte later": base64.b64encode(b'{"pp":"' + NAME.encode() + b'"}'),
    "name's bytes in base64, two bytes later": base64.b64encode(b"xy" + RAW + b"z"),
}


def in_plain(folder: Path, content: bytes) -> None:
    (folder / "server.log").write_bytes(os.urandom(131_071 - 40) + content + os.urandom(999))


def in_database(folder: Path, content: bytes) -> None:
    database = sqlite3.connect(folder / "x.db")
    database.execute("CREATE TABLE t (content BLOB)")
    database.execute("INSERT INTO t VALUES (?)", (content,))
    database.commit()
    database.close()


def in_wal(folder: Path, content: bytes) -> None:
    database = sqlite3.connect(folder / "w.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("CREATE TABLE t (content BLOB)")
    database.execute("INSERT INTO t VALUES (?)", (content,))
    kept = (folder / "w.db-wal").read_bytes()
    database.close()
    (folder / "w.db").unlink()
    (folder / "w.db-wal").write_bytes(kept)


def in_model(folder: Path, content: bytes) -> None:
    np.savez_compressed(folder / "arrays.npz", rows=np.frombuffer(content, np.uint8))


def in_export(folder: Path, content: bytes) -> None:
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "events.csv.gz").write_bytes(gzip.compress(content))


@pytest.mark.parametrize("name", ENCODED)
def test_every_encoding_is_found_in_a_file(tmp_path: Path, name: str) -> None:
    in_plain(tmp_path, ENCODED[name])

    assert [hit.file for hit in search(tmp_path, PRINTS)][:1] == ["server.log"]


@pytest.mark.parametrize("kind", [in_database, in_wal, in_model, in_export], ids=lambda kind: kind.__name__)
def test_it_is_found_in_every_kind_of_file(tmp_path: Path, kind: Callable[[Path, bytes], None]) -> None:
    for number, name in enumerate(("float32", "JSON", "name")):
        folder = tmp_path / str(number)
        folder.mkdir()
        kind(folder, ENCODED[name])

        assert search(folder, PRINTS), name


def test_a_hit_names_file_place_and_form(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(bytes(1_000) + ENCODED["float32"])

    (hit,) = search(tmp_path, PRINTS)

    assert (hit.file, hit.offset, hit.form) == ("a.bin", 1_000, "float32")


def test_others_are_not_found_and_a_link_leads_nowhere(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine").write_bytes(ENCODED["float32"])
    home = tmp_path / "home"
    home.mkdir()
    (home / "link").symlink_to(elsewhere / "mine")
    other = np.random.default_rng(6).normal(size=128).astype(np.float32)
    (home / "others").write_bytes(other.tobytes() + json.dumps(other.tolist()).encode() + bytes(100_000))
    (home / "odd.zip").write_bytes(b"PK\x03\x04 no archive")
    (home / "odd.gz").write_bytes(b"\x1f\x8b no archive")

    assert search(home, PRINTS) == []


def test_fingerprints_come_back_from_their_text_and_a_damaged_one_is_refused() -> None:
    text = PRINTS.to_text()

    assert Fingerprints.of_text(text).digests == PRINTS.digests
    for wrong in ("", "AQ==", text[:-4], "x" + text[1:], base64.b64encode(b"\1" + bytes(20 + 12)).decode()):
        with pytest.raises(ValueError):
            Fingerprints.of_text(wrong)


def test_fingerprints_hold_nothing_of_the_person(tmp_path: Path) -> None:
    """The receipt itself is searched with the rest of the folder, and finds nothing of what it stands for."""
    (tmp_path / "receipt.json").write_text(PRINTS.to_text())

    assert search(tmp_path, PRINTS) == []
    assert (
        Fingerprints.of(windows_of_secret(NAME, RAW)).to_text()
        != Fingerprints.of(windows_of_secret(NAME, RAW)).to_text()
    )


def test_ten_megabytes_take_a_second_or_so(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(os.urandom(10 * 2**20))
    began = time.process_time()

    assert search(tmp_path, PRINTS) == []

    assert time.process_time() - began < 4
