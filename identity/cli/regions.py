"""`usual identity regions`: which sites belong together, so that a press looks through its region before all."""

from __future__ import annotations

from pathlib import Path

import click

from identity.cli.commands import open_half
from identity.config import LONGEST_NAME
from plumbing.cli import errors_as_one_line, home_option, tenant_option
from plumbing.problem import Problem


@click.command()
@home_option
@tenant_option
@click.argument("pairs", nargs=-1, metavar="[SITE=REGION ...]")
def regions(home: Path, tenant: str, pairs: tuple[str, ...]) -> None:
    """The region of each site: show them, or set those that are given as SITE=REGION; SITE= takes it away.

    A press looks for the customers who enrolled at its own site first, then for those of its region, then for all.
    A site without a region has its own customers and all. It counts at once, in every process.
    """
    wanted = dict(_pair(text) for text in pairs)
    half = open_half(home, "dlib")  # any pack will do: no picture is processed
    try:
        with errors_as_one_line(Problem):
            if wanted:
                half.stores.regions.put(tenant, wanted)
            found = half.stores.regions.of_tenant(tenant)
    finally:
        half.close()
    for site, region in found.items():
        click.echo(f"{site}: {region}")
    if not found:
        click.echo("No site has a region.")


def _pair(text: str) -> tuple[str, str]:
    site, sign, region = (part.strip() for part in text.partition("="))
    if not sign or not site:
        raise click.UsageError(f"{text!r} is no SITE=REGION: write it as in market=north.")
    for name in (site, region):
        if len(name.encode()) > LONGEST_NAME or (name and not name.isprintable()):
            raise click.UsageError(f"{name[:20]!r}: a site and a region have {LONGEST_NAME} letters at most.")
    return site, region
