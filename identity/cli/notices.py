"""`usual notices`: the texts that customers read before they decide, and the sign at the door."""

from __future__ import annotations

from pathlib import Path

import click

from identity.cli.live import config_at
from identity.consent.notice_text import LANGUAGES
from identity.consent.notices import Notices, in_order
from identity.consent.shelf import shipped_folder, texts_in
from identity.errors import NoticeError
from identity.web.pages import sign_page
from plumbing.address import ADDRESS, address_of
from plumbing.cli import errors_as_one_line, home_option
from plumbing.problem import Problem
from plumbing.storage.files import write_atomic

LOCAL = ("http://127.", "http://[::1]", "http://localhost")
FOLDER = click.Path(file_okay=False, path_type=Path)


@click.group()
def notices() -> None:
    """What customers read before they decide: check it, publish it, and print the sign for a site."""


@notices.command("list")
@home_option
def list_notices(home: Path) -> None:
    """List the published versions with their languages and the hashes of their files; `*` marks the current one.

    A record of consent names another hash: that of the text as it was shown, with the settings filled in.
    """
    with errors_as_one_line(Problem, OSError):
        shelf = Notices.of(config_at(home)).shelf
        published = shelf.published()
        for version, hashes in sorted(published.versions.items()):
            click.echo(f"{'*' if version == published.current else ' '} {version}")
            for language in in_order(hashes):
                click.echo(f"    {language:<6} sha256 {hashes[language]}")
            for fault in shelf.faults(version):
                click.echo(f"    {fault}")
        ours = shipped_folder().name
        if ours not in published.versions:
            click.echo(f"Shipped with this release and not published: {ours} (`usual notices publish --shipped`).")


@notices.command()
@home_option
@click.argument("folder", required=False, type=FOLDER)
def check(home: Path, folder: Path | None) -> None:
    """Check a draft in FOLDER, or every published version: complete in every language, and not changed since.

    Exit status 1 when anything is wrong.
    """
    faults = []
    if folder is not None:
        try:
            version = texts_in(folder)["en"].version
            click.echo(f"{version} is complete: `usual notices publish {folder}` publishes it.")
        except NoticeError as error:
            faults = error.extra["faults"]
    else:
        faults = _published_faults(Notices.of(config_at(home)))
    for fault in faults:
        click.echo(fault)
    if faults:
        raise SystemExit(1)


def _published_faults(notices: Notices) -> list[str]:
    with errors_as_one_line(OSError):
        try:
            published = notices.shelf.published()
        except NoticeError as error:
            return [error.detail]
        faults = []
        for version in sorted(published.versions):
            found = notices.shelf.faults(version)
            faults += found
            now = ", the current one" if version == published.current else ""
            languages = ", ".join(in_order(published.versions[version]))
            click.echo(f"{version}{now}: {'NOT whole' if found else 'whole'} in {languages}")
    for remark in notices.remarks("production"):
        click.echo(f"{remark[0].upper()}{remark[1:]}.", err=True)
    return faults


@notices.command()
@home_option
@click.argument("sha256")
def show(home: Path, sha256: str) -> None:
    """Show the text that a record of consent names by its SHA256: word for word what the customer read.

    The record's `privacy_notice` has the hash; it is not the one of `usual notices list`.
    """
    with errors_as_one_line(Problem, OSError):
        click.echo(Notices.of(config_at(home)).shelf.shown(sha256.strip().lower()), nl=False)


@notices.command()
@home_option
@click.argument("folder", required=False, type=FOLDER)
@click.option("--shipped", is_flag=True, help="Publish the texts that come with this release.")
def publish(home: Path, folder: Path | None, shipped: bool) -> None:
    """Publish the texts in FOLDER (en.md, de.md, ja.md and so on) and make their version the current one.

    A running server shows them at once; customers who agreed to another version hear of it on their next visit. A
    version is never published with another text.
    """
    if (folder is None) is not shipped:
        raise click.UsageError("Say which texts: FOLDER or --shipped.")
    with errors_as_one_line(Problem, OSError):
        version = Notices.of(config_at(home)).shelf.publish(folder or shipped_folder())
    click.echo(f"Version {version} is published and is the current one.")


@notices.command()
@home_option
@click.option("--site", required=True, help='The name of the site, such as "Market Street".')
@click.option("--language", default="all", show_default=True, help="One language, or all of them.")
@click.option("--place", type=click.Choice(["restaurant", "taxi"]), help="As USUAL_PLACE when left out.")
@click.option(
    "--address",
    type=ADDRESS,
    help="Where customers' phones reach the server.  [default: where the server of this home answers]",
)
@click.option("--out", required=True, type=FOLDER, help="The folder for the pages.")
def sign(home: Path, site: str, language: str, place: str | None, address: str | None, out: Path) -> None:
    """Make the sign to print for a site, one A4 page for each language.

    It says that there is a camera and when it runs, who is responsible, and has a QR code to the policy page.
    """
    with errors_as_one_line(Problem, OSError, ValueError):
        config, address = config_at(home), address or address_of(home)
        pages = {
            one: sign_page(config, site=site, language=one, place=place, address=address)
            for one in (LANGUAGES if language == "all" else (language,))
        }
        for one, page in pages.items():
            path = out / f"sign-{one}.html"
            write_atomic(path, page.encode(), mode=0o600)
            click.echo(f"{path}")
    if address.startswith(LOCAL):
        click.echo(
            f"No phone reaches {address}, the link of the QR code: say --address https://YOUR-HOST.", err=True
        )
    if not (config.organisation and config.contact):
        click.echo("The sign does not name who is responsible: set USUAL_ORGANISATION, USUAL_CONTACT.", err=True)
