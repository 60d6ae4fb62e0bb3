"""`usual audit pack`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import click

from plumbing.audit_pack.bill_of_materials import ModelFile, bill_of_materials
from plumbing.audit_pack.data_map import About, Table, as_markdown, tables_in_postgres, tables_of
from plumbing.audit_pack.pack import Contents, write_pack
from plumbing.audit_pack.promises import as_markdown as promises_as_markdown
from plumbing.audit_pack.promises import promises_in, results_in
from plumbing.cli import errors_as_one_line, home_option, progress_bar, state_of
from plumbing.clock import SECOND, system_clock
from plumbing.problem import Problem
from plumbing.security.line_file import KEPT
from plumbing.security.log import FILE
from plumbing.settings import Config

PROJECT = Path(__file__).resolve().parents[2]
SECRET = ("recommender_key", "database", "keys_database", "oidc_client_secret")
"""Settings whose value is not written, only that there is one."""

ACCESS_WORDS = {
    "keys": About("hashes of API keys, their scopes and names", "devices and systems", "until they are revoked"),
    "key_uses": About("the day on which a key was last used", "devices and systems", "as long as the key"),
    "devices": About("names of devices", "devices", "as long as the tenant"),
    "device_modes": About("whether a device sends pictures or vectors", "devices", "as long as the tenant"),
    "device_keys": About("public keys with which devices sign", "devices", "until paired again or revoked"),
    "device_figures": About("counts of what each device did, by day", "devices", "30 days"),
    "devices_seen": About("when each device was seen last", "devices", "as long as the tenant"),
    "device_clocks": About("by how much each device's clock is wrong", "devices", "as long as the tenant"),
    "users": About("who may sign in at the desk: name, hash of the password, roles", "staff", "until removed"),
    "sessions": About("hashes of the secrets of sessions", "staff", "12 hours"),
    "invitations": About("hashes of one-time links", "staff", "a week"),
    "code_uses": About("codes of an app that were used, so that none works twice", "staff", "minutes"),
    "recovery_codes": About("hashes of one-time recovery codes", "staff", "until used or renewed"),
    "changes": About("who changed what and when, before and after", "staff and keys", "400 days"),
    "pairings": About("hashes of codes that pair a screen", "devices", "minutes"),
    "replies": About("replies that may be asked for again, encrypted", "requests", "10 minutes"),
    "drivers": About("which taxi a driver's screen belongs to", "devices", "as long as the tenant"),
    "webhooks": About("addresses that hear what happens, with a sealed secret", "systems", "until removed"),
    "messages": About(
        "messages that are still to be sent, encrypted: a device's place, a version, or which order it is",
        "devices and systems; an order's content is read when it is sent",
        "a place an hour at most; others a day, or a week when they do not arrive",
    ),
    "news": About("which news were seen", "nobody", "2 days"),
    "rides": About(
        "a taxi's present destination, encrypted, and whether the driver is on the way; by device",
        "devices: a place, no person",
        "until the ride ends, an hour at most",
    ),
    "ride_marks": About("a number that rises with every change of a ride", "nobody", "always"),
    "windows": About("counts of requests", "keys and network addresses, hashed", "a minute"),
    "change_heads": About("number and hash of the last row of the record", "nobody", "always"),
    "four_eyes": About("which changes need a second person", "nobody", "until it is changed"),
    "dialects": About("which languages of other systems are switched on", "nobody", "until it is changed"),
    "dialect_peers": About(
        "systems that call in such a language: sealed secrets, which of their sites is which of ours",
        "systems",
        "until removed; a secret that was replaced a day",
    ),
    "proposals": About("changes that wait for a second person", "staff, by the id of their user", "a week each"),
    "secrets": About("hashes that tell whether all machines have the same secrets", "nobody", "always"),
    "probe": About("a number that is written to see whether anything can be", "nobody", "always"),
    "spare": About("free room, so that an opt-out works on a full disk", "nobody", "always"),
}


class Part(Protocol):
    """What one half adds to the pack."""

    def contents(self, home: Path) -> Contents:
        """Its files, of a state folder."""

    def words(self) -> Mapping[str, About]:
        """What each of its tables holds."""

    def models(self) -> list[ModelFile]:
        """The weights that it may run."""


@click.command("pack")
@home_option
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="The folder to write; it must not exist yet.",
)
@click.option(
    "--results",
    type=click.Path(dir_okay=False, path_type=Path),
    default=PROJECT / ".cache" / "test-results.json",
    help="How the tests ended, as `make test` left it.",
)
@click.pass_context
def pack(context: click.Context, home: Path, out: Path, results: Path) -> None:
    """Write what an outside auditor asks for into a new folder.

    Data map, settings, engine packs with hashes and licences, bill of materials (CycloneDX), promises with their
    tests and last results, the audit log with its head and how it was verified, and who administered what. No file
    of it holds a key, a template or a pseudonym. `usual audit dpia` drafts the impact assessment.

    \b
    usual audit pack --out audit-2026-11
    """
    parts = [make() for make in (context.find_object(dict) or {}).get("audit_parts", ())]
    contents = dict(files_of(home, parts, results))
    today = datetime.fromtimestamp(system_clock() / SECOND, UTC).date().isoformat()
    with (
        errors_as_one_line(Problem, ValueError, OSError),
        progress_bar("audit pack", len(contents), unit="file") as bar,
    ):
        write_pack(out, contents, today, lambda name: bar.update())
    click.echo(f"{out}: {len(contents)} files, listed with their hashes in CONTENTS.json.")


def files_of(home: Path, parts: list[Part], results: Path) -> dict[str, Callable[[], str]]:
    """The files of a pack of the state folder `home`."""
    models = [file for part in parts for file in part.models()]
    files: dict[str, Callable[[], str]] = {
        "data-map.md": lambda: as_markdown(all_tables(home, parts)),
        "settings.json": lambda: settings(home),
        "bill-of-materials.cdx.json": lambda: bill_of_materials(models),
        "promises.md": lambda: promises_as_markdown(promises_in(_promises()), results_in(results)),
        "administration.jsonl": lambda: administration(home),
    }
    for part in parts:
        files |= part.contents(home)
    return files


def all_tables(home: Path, parts: list[Part]) -> list[Table]:
    """Every table of every database in the state folder."""
    words = {name: about for part in parts for name, about in part.words().items()} | ACCESS_WORDS
    url = state_of(home).url
    there = [] if url is None else tables_in_postgres(url, words)
    return there + [table for path in sorted(home.glob("*.db")) for table in tables_of(path, words)]


def settings(home: Path) -> str:
    """The settings, of the environment and of `home`; of a secret one only whether it is set."""
    values = Config.from_environment().model_copy(update={"home": home}).model_dump(mode="json")
    shown = {name: (value is not None) if name in SECRET else value for name, value in values.items()}
    return json.dumps(shown, indent=1, sort_keys=True) + "\n"


def administration(home: Path) -> str:
    """The security log, oldest line first: who was refused, what an operator did."""
    files = [home / f"{FILE}.{number}" for number in range(KEPT, 0, -1)] + [home / FILE]
    return "".join(path.read_text("utf-8") for path in files if path.is_file())


def _promises() -> str:
    path = PROJECT / "docs" / "promises.md"
    return path.read_text("utf-8") if path.is_file() else ""
