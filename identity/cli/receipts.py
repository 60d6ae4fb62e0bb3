"""`usual receipts`: verify a customer's signed receipt, anywhere, without a network."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from identity.consent.receipts import ReceiptKeys, key_id, public_key, verify
from plumbing.cli import errors_as_one_line, home_option, no_home, state_of, tenant_option
from plumbing.problem import Problem
from plumbing.storage.files import is_home

MOST_BYTES = 100_000


@click.group()
def receipts() -> None:
    """Signed receipts of consent: verify one, show the public keys."""


@receipts.command("verify")
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("data/state"),
    show_default=True,
    envvar="USUAL_HOME",
    help="The state folder whose keys are trusted (USUAL_HOME).",
)
@click.option("--key", "given", help="The public key to trust; left out, the keys of this state folder.")
@click.argument("file", type=click.Path(allow_dash=True, path_type=Path))
def verify_receipt(home: Path, given: str | None, file: Path) -> None:
    """Check the receipt in FILE (`-`: standard input) and show what it says. Works offline.

    Exit status 1 when it is cut, forged, or signed by another company's key.
    """
    with errors_as_one_line(Problem, OSError):
        raw = sys.stdin.buffer.read(MOST_BYTES) if str(file) == "-" else _content(file)
        if given is not None:
            keys = [public_key(given)]
        else:
            if not is_home(home):
                raise click.ClickException(no_home(home))
            listed = ReceiptKeys.of(state_of(home)).all_public()
            keys = [public_key(text) for texts in listed.values() for text in texts]
        said = verify(raw.decode("utf-8", "replace"), keys)
    click.echo(f"Valid: signed with the key {said['key']}.")
    click.echo(json.dumps(said, indent=2, ensure_ascii=False))


def _content(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(MOST_BYTES)


@receipts.command()
@home_option
@tenant_option
def key(home: Path, tenant: str) -> None:
    """Show the public key that receipts are signed with now, then the earlier ones.

    Publish them: with them anybody can verify a receipt.
    """
    with errors_as_one_line(Problem, OSError):
        keys = ReceiptKeys.of(state_of(home))
        keys.public(tenant)
        for text in keys.all_public(tenant)[tenant]:
            click.echo(f"{text}  {key_id(public_key(text))}")


@click.command()
@home_option
@tenant_option
def rotate(home: Path, tenant: str) -> None:
    """Sign receipts with a new key from now on.

    The earlier public key stays listed, its private key is destroyed.
    """
    with errors_as_one_line(Problem, OSError):
        fresh = ReceiptKeys.of(state_of(home)).rotate(tenant)
    click.echo(f"{fresh}  {key_id(public_key(fresh))}")
