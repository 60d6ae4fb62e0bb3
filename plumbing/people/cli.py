"""`usual people`: who may sign in at the desk."""

from __future__ import annotations

from pathlib import Path

import click

from plumbing.access import access as access_module
from plumbing.access.roles import ROLES
from plumbing.address import address_of, url_option
from plumbing.cli import LazyGroup, errors_as_one_line, home_option, state_of, tenant_option
from plumbing.clock import SECOND, system_clock
from plumbing.people.people import People, User, migrations
from plumbing.problem import Problem
from plumbing.security.log import SecurityLog
from plumbing.settings import Config

people_url_option = url_option("Where people reach the server.")
IN_WORDS = {
    "viewer": "reads the figures, changes nothing",
    "marketer": "reads the figures; changes offers, scenes and trainings; invites viewers and marketers",
    "privacy_officer": "reads the figures; sees whether the promises to customers are kept; erases on request",
    "operator": "reads the figures; sees devices, disk and metrics; changes keys and settings",
}
"""What each role may do, as the desk's page of people says it."""

role_option = click.option(
    "--role", "roles", multiple=True, type=click.Choice(list(ROLES)), help="What they may do; repeat for several."
)
site_option = click.option(
    "--site", "sites", multiple=True, help="The only sites that they see; repeat for several. None: all sites."
)


@click.group(cls=LazyGroup)
def people() -> None:
    """Say who may sign in at the desk, and what they may do there.

    \b
    The first person of a house:
      usual people invite ana@example.org --role operator --role marketer
    Send them the link that is printed. They choose a password and are signed in;
    on the page People they invite the others.

    \b
    Somebody forgot the password:         usual people reset ana@example.org
    ... and has lost the phone as well:   usual people reset ana@example.org --without-code
    Somebody leaves:                      usual people remove ana@example.org
    """


@people.command()
@home_option
@tenant_option
@role_option
@site_option
@click.option("--display", default="", help="The name that colleagues see; the sign-in name when left out.")
@people_url_option
@click.argument("name")
def invite(
    home: Path,
    tenant: str,
    roles: tuple[str, ...],
    sites: tuple[str, ...],
    display: str,
    url: str | None,
    name: str,
) -> None:
    """Invite NAME, such as an e-mail address, and print a one-time link. It is good for a week.

    `usual people roles` says what each role may do. Left out, it is viewer.
    """
    with errors_as_one_line(Problem):
        secret = open_people(home).invite(tenant, name, roles or ("viewer",), display=display, sites=sites)
    click.echo(link(url or address_of(home), secret))
    if not roles:
        click.echo(
            "They can look and change nothing (viewer); --role gives them more: usual people roles", err=True
        )
    click.echo("Send this link to them alone: whoever opens it first chooses the password.", err=True)


@people.command(name="list")
@home_option
@tenant_option
def list_people(home: Path, tenant: str) -> None:
    """Show who may sign in: name, state, roles, sites."""
    found = open_people(home).users(tenant)
    for user in found:
        may, where = ", ".join(user.roles), ", ".join(user.sites) or "all sites"
        click.echo(f"{user.name:<30} {_state(user):<18} {may:<30} {where}")
    if not found:
        click.echo(f"Nobody of {tenant!r} can sign in yet: usual people invite NAME --role operator", err=True)


@people.command()
@home_option
@tenant_option
@click.option("--without-code", is_flag=True, help="Forget their code app, too: the phone is lost.")
@people_url_option
@click.argument("name")
def reset(home: Path, tenant: str, without_code: bool, url: str | None, name: str) -> None:
    """Print a one-time link with which NAME chooses a new password. Their sessions end now.

    Somebody with a code app needs its code, or a recovery code, to use the link, unless --without-code is given.
    Make sure that it is them who ask.
    """
    with errors_as_one_line(Problem):
        staff = open_people(home)
        secret = staff.reset(tenant, staff.named(tenant, name).user_id, without_code=without_code)
    click.echo(link(url or address_of(home), secret))
    click.echo("The earlier password is good until this link is used.", err=True)


@people.command()
@home_option
@tenant_option
@click.argument("name")
def remove(home: Path, tenant: str, name: str) -> None:
    """Remove NAME: their sessions end at once and nobody signs in as them any more.

    The record of changes shows their name for 30 more days, then only an id.
    """
    with errors_as_one_line(Problem):
        staff = open_people(home)
        user = staff.named(tenant, name)
        staff.remove(tenant, user.user_id)
    click.echo(f"{user.name} is removed; in the record of changes it is user:{user.user_id}.")


@people.command()
@home_option
@tenant_option
@role_option
@site_option
@click.option("--all-sites", is_flag=True, help="They see all sites again.")
@click.argument("name", required=False)
def roles(
    home: Path, tenant: str, roles: tuple[str, ...], sites: tuple[str, ...], all_sites: bool, name: str | None
) -> None:
    """Give NAME these roles, or these sites, in place of those they have; without NAME, say what each role may do.

    They are signed out, and have the new rights when they sign in again.
    """
    if sites and all_sites:
        raise click.UsageError("Choose --site or --all-sites.")
    if name is None:
        for role, words in IN_WORDS.items():
            click.echo(f"{role:<16} {words}")
        return
    with errors_as_one_line(Problem):
        staff = open_people(home)
        user = staff.named(tenant, name)
        if roles or sites or all_sites:
            places = () if all_sites else sites or user.sites
            user = staff.change(tenant, user.user_id, roles or user.roles, sites=places)
    click.echo(f"{user.name}: {', '.join(user.roles)}; {', '.join(user.sites) or 'all sites'}")


def open_people(home: Path) -> People:
    """The people of the state folder `home`."""
    log = SecurityLog.of(home, system_clock, Config.from_environment().security_log)
    database = state_of(home).database("access", access_module.migrations, migrations)
    return People(database, system_clock, log)


def first_steps(home: Path) -> str | None:
    """How to invite the first person; None when there is somebody."""
    staff = open_people(home)
    try:
        if staff.any():
            return None
    finally:
        staff.close()
    return (
        "Nobody can sign in at the desk yet. Invite the first person, who invites the others:"
        f" usual people invite NAME --role operator --role marketer --home {home}"
    )


def link(url: str, secret: str) -> str:
    """The address that somebody who is invited opens; no server sees what stands behind the #."""
    return f"{url.rstrip('/')}/desk/sign-in#invitation={secret}"


def _state(user: User) -> str:
    if user.state == "active":
        return "active, code app" if user.second_step else "active"
    return "invited" if user.link_until_us > system_clock() // SECOND * SECOND else "link has ended"
