"""`usual backup` and `usual restore`."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import click

from plumbing.backup.restore import Restored
from plumbing.backup.restore import restore as put_back
from plumbing.backup.sealed import passphrase_in
from plumbing.backup.take import take
from plumbing.cli import EXISTING_FILE, errors_as_one_line, home_option, new_home_option, progress_bar
from plumbing.problem import Problem
from plumbing.settings import Config

passphrase_option = click.option(
    "--passphrase-file",
    "--key-file",
    "passphrase",
    required=True,
    type=EXISTING_FILE,
    help="A file with the passphrase, or with random bytes. Without it nobody opens the backup, you neither.",
)


IN_POSTGRES = (
    "The state is in PostgreSQL and not in this file: an administrator of the server backs it up with"
    " pg_dump -N 'usual_keys*'. This file has what is in the home: models, the audit, lists of erasures, settings."
)


@click.command()
@home_option
@passphrase_option
@click.option(
    "--keys",
    type=click.Path(path_type=Path),
    help="Write the keys into this file, on another disk; the one of the last time is replaced.",
)
@click.argument("target", type=click.Path(path_type=Path))
def backup(home: Path, passphrase: Path, keys: Path | None, target: Path) -> None:
    """Copy the state folder into TARGET, sealed, while it is in use.

    TARGET is a new file, or a folder, in which the file gets the day and time as its name. Keys are never in it.
    """
    path = target / time.strftime("usual-%Y-%m-%d-%H%M%S.backup") if target.is_dir() else target
    with errors_as_one_line(Problem, OSError), progress_bar("Backing up", _size(home), unit="B") as bar:
        names = take(
            home,
            path,
            passphrase_in(passphrase),
            keys=keys,
            tombstones=Config.from_environment().tombstones,
            day=time.strftime("%Y-%m-%d", time.gmtime()),
            progress=bar.update,
        )
    click.echo(f"{path}: {len(names)} files, {path.stat().st_size:,} bytes, sealed.")
    if Config.from_environment().versions is not None:
        click.echo(
            "The versions of the models are not in it: they lie in object storage (USUAL_VERSIONS). Without them"
            " train again: usual train orders."
        )
    if Config.from_environment().database is not None:
        click.echo(IN_POSTGRES)
    if keys is None:
        click.echo(
            "The keys are not in it. Without them no customer can be recognised: --keys FILE, on another disk."
        )
    else:
        click.echo(f"{keys}: the keys. Keep this file apart from the other one, and only the newest of it.")


@click.command()
@new_home_option
@passphrase_option
@click.option("--keys", type=EXISTING_FILE, help="The file with the keys; those that are here stay.")
@click.argument("source", type=EXISTING_FILE)
@click.pass_context
def restore(context: click.Context, home: Path, passphrase: Path, keys: Path | None, source: Path) -> None:
    """Put SOURCE, a backup, back into the state folder. No server may run on it.

    Databases go back to the time of the backup; lists of erasures are merged; other files that are there stay.
    """
    tombstones = Config.from_environment().tombstones
    size = source.stat().st_size + (keys.stat().st_size if keys else 0)
    with errors_as_one_line(Problem, OSError), progress_bar("Putting back", size, unit="B") as bar:
        done = put_back(
            home, source, passphrase_in(passphrase), keys=keys, tombstones=tombstones, progress=bar.update
        )
        for sentence in in_words(done):
            click.echo(sentence)
        count: Callable[[Path, Path | None], str] | None = (context.find_object(dict) or {}).get("customers")
        if count is not None:
            click.echo(count(home, tombstones))


def in_words(done: Restored) -> list[str]:
    """What was done, a sentence for each part."""
    said = [f"Put back: {', '.join(sorted(done.back)) or 'nothing'}."]
    if done.stayed:
        said.append(f"Already there, and left as they are: {', '.join(sorted(done.stayed))}.")
    if done.erased_since:
        newer = f"{done.erased_since} erasures and withdrawals"
        said.append(f"{newer} are newer than the backup: they stay, and are done again.")
    if done.models_left_out:
        said.append(
            "The models were not put back: they are older than an erasure. Train again: usual train orders."
        )
    if "identity.db" in done.back or "recommender.db" in done.back:
        said.append(
            "What customers changed since the backup is as it was then, but for leaving, purposes that they took"
            " back and faces that they dropped: PINs, orders that they corrected, accounts that they untied. Tell"
            " them."
        )
    if "access.db" in done.back:
        said.append("API keys that were revoked since the backup are valid again: see usual keys list.")
    return said


def _size(home: Path) -> int:
    return sum(path.stat().st_size for path in home.glob("*.db"))
