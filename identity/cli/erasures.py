"""`usual erasures`: the receipts of who was erased, and the search for anything that is left of them."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from identity.cli.commands import open_half
from identity.customers.leaving.erasure_receipts import ErasureReceipt, ErasureReceipts
from identity.vault.keyfile import KeyFile
from plumbing.backup.contents import BEFORE
from plumbing.cli import home_option, state_of
from plumbing.clock import system_clock
from plumbing.problem import Problem
from plumbing.storage.database import DatabaseBusy
from plumbing.storage.free_space import owed_in
from plumbing.storage.search import Fingerprints, Hit, search
from plumbing.storage.sqlite import SQLiteDatabase

KINDS = (
    ("databases", (".db",)),
    ("journals of databases", ("-wal", "-shm", "-journal")),
    ("keys", (".key", "identity-keys", ".pem", "receipt-key", "vector-keys")),
    ("models", (".npz", "texts.json", "manifest.json")),
    ("exports", (".csv", ".jsonl", ".json", ".gz", ".zip")),
    ("logs", (".log",)),
)
"""What the table counts together, by how a file's name ends; the rest are other files."""

FREE_SPACE_S = 20.0
"""For how long readers that are in the way are waited for."""


@click.group()
def erasures() -> None:
    """Receipts of customers who were erased; `verify` searches everything for what was theirs."""


@contextmanager
def receipts_of(home: Path) -> Iterator[ErasureReceipts]:
    """The receipts of a state folder."""
    keys = KeyFile.in_home(home)
    receipts = ErasureReceipts(state_of(home), keys, system_clock)
    try:
        yield receipts
    finally:
        receipts.close()
        keys.close()


def _follow_trainings(home: Path) -> None:
    """Ask which versions were trained since; without an answer the receipts say what was known last."""
    half = open_half(home, "dlib")  # any pack will do: no picture is processed
    try:
        half.service.erasures.close_receipts()
    except (Problem, OSError) as error:
        click.echo(f"Which versions were trained since is not known now: {error}", err=True)
    finally:
        half.close()


@erasures.command("list")
@home_option
def list_(home: Path) -> None:
    """Every erasure: its number, day and tenant, and what it waits for."""
    _follow_trainings(home)
    with receipts_of(home) as receipts:
        found = receipts.all()
    for receipt in found:
        click.echo(f"{receipt.id}  {receipt.day}  {receipt.tenant}  {_in_words(receipt)}")
    if not found:
        click.echo("Nobody was erased, or their receipts are older than they are kept.")


@erasures.command()
@home_option
@click.argument("number", metavar="ID")
def show(home: Path, number: str) -> None:
    """The receipt with the number ID, or in the file ID, place by place, as JSON."""
    _follow_trainings(home)
    with receipts_of(home) as receipts:
        click.echo(json.dumps(receipts.given(receipts.named(number)), indent=2))


@erasures.command()
@home_option
@click.option(
    "--also",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Another folder to search: exports, logs, copies; no sealed backup, its content is hidden. Repeatable.",
)
@click.argument("receipt", metavar="RECEIPT")
def verify(home: Path, also: tuple[Path, ...], receipt: str) -> None:
    """Search all that the house keeps for what RECEIPT stands for: a file, or the number of an erasure.

    Template and pseudonym are looked for byte by byte in every encoding, also in what is packed. Exit status 1
    when anything is found. What a server has not overwritten yet in free space of the databases is, before.
    """
    with receipts_of(home) as receipts:
        named = receipts.named(receipt)
    click.echo(f"Erasure {named.id} of {named.day}: {_in_words(named)}")
    if not named.fingerprints:
        raise click.ClickException("This receipt has no fingerprints: what was theirs could not be read any more.")
    prints, began = Fingerprints.of_text(named.fingerprints), time.monotonic()
    files: Counter[str] = Counter()
    sizes: Counter[str] = Counter()

    def count(place: Path, size: int) -> None:
        files[kind_of(place.name)] += 1
        sizes[kind_of(place.name)] += size

    _overwrite_free_space(home)
    with _with_what_lies_elsewhere(home):
        hits = [hit for folder in (home, *also) for hit in _found(folder, prints, count)]
    hits += _found_in_postgres(home, prints, count)
    found = Counter(kind_of(hit.file.rpartition("/")[2].partition("!")[0]) for hit in hits)
    click.echo(f"{'':24}{'files':>8}{'MB':>10}{'found':>8}")
    for kind, _ in (*KINDS, ("other files", ())):
        click.echo(f"{kind:24}{files[kind]:8}{sizes[kind] / 1e6:10.1f}{found[kind]:8}")
    total = f"{sum(files.values())} files, {sum(sizes.values()) / 1e6:.1f} MB, {time.monotonic() - began:.1f} s"
    for hit in hits:
        click.echo(f"FOUND  {hit.file}, byte {hit.offset}: {hit.form}")
    click.echo(f"{total}: {'nothing of them was found' if not hits else f'found in {len(hits)} places'}.")
    if hits:
        raise SystemExit(1)


def _overwrite_free_space(home: Path) -> None:
    """Do what a running server would do within minutes, and say so."""
    for path in sorted((*home.glob("*.db"), *home.glob(f"{BEFORE}/*.db"))):
        if not owed_in(path):
            continue
        ends = time.monotonic() + FREE_SPACE_S
        with closing(SQLiteDatabase(path)) as database:
            while database.unclean() and time.monotonic() < ends:
                with suppress(DatabaseBusy):
                    database.clean()
                time.sleep(0.02)  # a server may be at it
            done = not database.unclean()
        said = "was to be overwritten, and is now" if done else "is not overwritten yet: somebody reads from it"
        click.echo(f"Free space of {path.relative_to(home)} {said}.")


@contextmanager
def _with_what_lies_elsewhere(home: Path) -> Iterator[None]:
    """Inside, files of the house that lie in object storage are below the state folder too."""
    elsewhere = (click.get_current_context().find_object(dict) or {}).get("elsewhere")
    try:
        with elsewhere(home) if elsewhere else nullcontext():
            yield
    except OSError as error:
        raise click.ClickException(f"Not everything could be read, so nothing is proved: {error}") from error


def _found(folder: Path, prints: Fingerprints, count: Callable[[Path, int], None]) -> list[Hit]:
    try:
        return search(folder, prints, seen=count)
    except OSError as error:
        raise click.ClickException(f"Not everything could be read, so nothing is proved: {error}") from error


def _found_in_postgres(home: Path, prints: Fingerprints, count: Callable[[Path, int], None]) -> list[Hit]:
    """The same for the rows of the databases at a server, copied into a folder that is gone afterwards."""
    state = state_of(home)
    urls = [url for url in (state.url, state.keys_url) if url is not None]
    if not urls:
        return []
    from plumbing.storage.postgres_check import copy_rows

    hits = []
    for url in urls:
        with TemporaryDirectory(prefix=".search-", dir=home) as folder:
            copy_rows(url, Path(folder))
            hits += _found(Path(folder), prints, count)
    click.echo(
        "Of PostgreSQL the rows were searched. What the server keeps beside them (deleted rows until"
        " `usual database vacuum`, its WAL, its archives and backups) cannot be looked into from here."
    )
    return hits


def kind_of(name: str) -> str:
    """Which kind of file has such a name."""
    return next((kind for kind, ends in KINDS if name.endswith(ends)), "other files")


def _in_words(receipt: ErasureReceipt) -> str:
    if receipt.closed:
        return "closed"
    waits = [store for store, state in receipt.stores if state.startswith("waits")]
    return f"waits for {', '.join(waits)}"
