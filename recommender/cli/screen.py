"""`usual screen show|set`: how the screens look and behave."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from plumbing.cli import EXISTING_FILE
from recommender.cli.commands import common, opened

if TYPE_CHECKING:  # the rest is imported by the command that needs it: --help stays quick
    from pathlib import Path

    from recommender.config import RecommenderConfig

TYPEFACES = ("friendly", "plain", "classic", "bookish", "sturdy")
COLOURS = ("accent", "second", "accent_dark", "second_dark")


@click.command("show")
@common
def show(config: RecommenderConfig, tenant: str) -> None:
    """What is set, as JSON; of the logo its kind and length."""
    from recommender.web.desk.screen import in_short

    with opened(config) as stores:
        now = stores.screens.get(tenant)
    click.echo(json.dumps(in_short(now) | {"colours": now.colours}, ensure_ascii=False, indent=2))


@click.command("set")
@click.option("--name", help="At the top of each screen, at most 24 characters.")
@click.option("--logo", type=EXISTING_FILE, help="An SVG, PNG or WebP file of at most 32 KiB.")
@click.option("--no-logo", is_flag=True, help="The name as text instead.")
@click.option("--accent", help="#rrggbb: of what is pressed first. 'none': the screens' own.")
@click.option("--second", help="#rrggbb: of the other large buttons. 'none': the screens' own.")
@click.option("--accent-dark", help="#rrggbb: the same on a dark screen. 'none': made from --accent.")
@click.option("--second-dark", help="#rrggbb: the same on a dark screen. 'none': made from --second.")
@click.option("--typeface", type=click.Choice(TYPEFACES), help="A list of typefaces that devices have.")
@click.option("--theme", type=click.Choice(("auto", "light", "dark")), help="auto: as the device says.")
@click.option("--idle-seconds", type=float, help="After so long without a touch a visit is forgotten.")
@click.option("--call-staff/--no-call-staff", default=None, help="A button that calls somebody.")
@click.option("--sound/--no-sound", default=None, help="Off unless you say otherwise.")
@common
def set_screen(config: RecommenderConfig, tenant: str, logo: Path | None, no_logo: bool, **given: Any) -> None:
    """Change what is named, and leave the rest. A colour that is hard to read is refused with the nearest that
    is not."""
    from recommender.store.logo import LogoRefused, address_of
    from recommender.store.screen_settings import ScreenSettings, WrongScreenSettings

    said = {name: value for name, value in given.items() if value is not None}
    said |= {name: None for name in COLOURS if said.get(name) == "none"}
    with opened(config) as stores:
        try:
            if logo is not None:
                said["logo"] = address_of(logo.name, logo.read_bytes())
            elif no_logo:
                said["logo"] = None
            later = ScreenSettings.from_dict(stores.screens.get(tenant).to_dict() | said)
        except LogoRefused as error:
            raise WrongScreenSettings({"logo": str(error)}) from error
        stores.screens.save(tenant, later)
    click.echo(f"Saved for {tenant}: {', '.join(said) or 'nothing was changed'}.")
