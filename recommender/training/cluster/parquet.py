"""A part of a log as a Parquet file, encrypted with a key that lives in memory only.

Columns are those of `Interactions`; customer, item, site, region, origin and person are dictionaries of text. The
schema's metadata holds the version of the format.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray
from pyarrow.parquet import encryption

from recommender.errors import PartUnreadable
from recommender.ranking.interactions import Interactions, codes_in
from recommender.ranking.partitions import Vocabularies

FORMAT = 1
VERSION = b"usual_format"
TEXTS = {"customer": "customers", "item": "items", "site": "sites", "region": "regions", "origin": "items"}
"""Columns of codes, and the vocabulary of each; `person` has one that is not kept in memory."""

NUMBERS = {"order": "i4", "quantity": "f4", "time_us": "i8", "hour": "f4", "weekday": "i1"}
COLUMNS = (
    "customer",
    "order",
    "item",
    "quantity",
    "time_us",
    "hour",
    "weekday",
    "site",
    "region",
    "origin",
    "person",
)


@dataclass(frozen=True)
class Sealed:
    """Where the bytes of a file are, and the key to them, which is never on a disk."""

    name: str
    source: Path | bytes
    key: bytes = field(repr=False)  # of the whole run

    def opened(self, columns: Sequence[str] = COLUMNS) -> pa.Table:
        """Some columns of the file.

        Raises:
            PartUnreadable: it is gone, altered, or of another version.
        """
        try:
            file = pq.ParquetFile(
                self.source if isinstance(self.source, Path) else BytesIO(self.source),
                decryption_properties=encryption.create_decryption_properties(_key_of(self.key, self.name)),
            )
            with file:
                if (file.schema_arrow.metadata or {}).get(VERSION) != str(FORMAT).encode():
                    raise PartUnreadable(f"{self.name} has another format than {FORMAT}.")
                return file.read(list(columns), use_threads=False).unify_dictionaries().combine_chunks()
        except (OSError, pa.ArrowException) as error:
            raise PartUnreadable(f"{self.name} cannot be read: {type(error).__name__}.") from error

    def carried(self) -> Sealed:
        """The same with the bytes of the file in it: for a process that does not see the folder. Raises
        OSError."""
        return self if isinstance(self.source, bytes) else replace(self, source=self.source.read_bytes())


@dataclass(frozen=True)
class FilePart:
    """A part of a log in a file (`recommender.ranking.partitions.Part`)."""

    file: Sealed

    def load(self, vocabularies: Vocabularies) -> Interactions:
        """See `Part`."""
        table = self.file.opened()
        names: dict[str, NDArray[np.str_]] = {}
        codes: dict[str, Any] = {}
        for column in (*TEXTS, "person"):
            codes[column], names[column] = coded(table, column)
        wanted = {"item": vocabularies.items, "site": vocabularies.sites, "region": vocabularies.regions}
        for column, words in (*wanted.items(), ("origin", vocabularies.items)):
            codes[column] = np.append(codes_in(words, names[column]), -1).astype(np.int32)[codes[column]]
        numbers: dict[str, Any] = {name: table[name].to_numpy().astype(kind) for name, kind in NUMBERS.items()}
        return Interactions(
            **codes,
            **numbers,
            customers=names["customer"],
            items=vocabularies.items,
            sites=vocabularies.sites,
            regions=vocabularies.regions,
        )

    def names(self) -> NDArray[np.str_]:
        """See `Part`."""
        return coded(self.file.opened(["customer"]), "customer")[1]

    def carried(self) -> FilePart:
        """See `Sealed.carried`."""
        return replace(self, file=self.file.carried())


def coded(table: pa.Table, column: str) -> tuple[NDArray[np.int32], NDArray[np.str_]]:
    """A column of text as codes, -1 where there is none, and what they stand for."""
    chunked = table[column]
    if not chunked.num_chunks:
        return np.zeros(0, np.int32), np.zeros(0, np.str_)
    array = chunked.chunk(0)
    codes = array.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
    return codes, np.array(array.dictionary.to_pylist(), np.str_)


class Writer:
    """Writes one file, part by part: rows under vocabularies of their own."""

    def __init__(self, path: Path, key: bytes) -> None:
        self.part = FilePart(Sealed(path.name, path, key))
        self._stream = pa.OSFile(str(path), "wb")
        path.chmod(0o600)
        self._writer: pq.ParquetWriter | None = None
        self._properties = encryption.create_encryption_properties(_key_of(key, path.name))

    def write(self, rows: Interactions, people: NDArray[np.str_]) -> None:
        """Raises OSError: the disk is full."""
        table = _table(rows, people)
        if self._writer is None:
            self._writer = pq.ParquetWriter(
                self._stream, table.schema, compression="zstd", encryption_properties=self._properties
            )
        self._writer.write_table(table)

    @property
    def written(self) -> bool:
        """Whether there is a row in it."""
        return self._writer is not None

    def close(self) -> None:
        """End the file; a second time nothing happens. Raises OSError."""
        try:
            if self._writer is not None and self._writer.is_open:
                self._writer.close()
        finally:
            self._stream.close()


def _table(rows: Interactions, people: NDArray[np.str_]) -> pa.Table:
    words = {column: getattr(rows, vocabulary) for column, vocabulary in TEXTS.items()} | {"person": people}
    columns: dict[str, Any] = {}
    for name in COLUMNS:
        values = getattr(rows, name)
        if name in words:
            codes = pa.array(values, pa.int32(), mask=values < 0)
            columns[name] = pa.DictionaryArray.from_arrays(codes, pa.array(words[name].tolist(), pa.string()))
        else:
            columns[name] = pa.array(values)
    return pa.table(columns).replace_schema_metadata({VERSION: str(FORMAT)})


def _key_of(key: bytes, name: str) -> bytes:
    """Each file has a key of its own, so that no two use the same numbers with one key."""
    return HKDF(SHA256(), 32, None, f"usual training part {name}".encode()).derive(key)
