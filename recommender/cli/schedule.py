"""`usual schedule show|set|pause|resume` and `usual runs`: what the page of trainings does, as commands."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import click

from plumbing.clock import system_clock
from plumbing.words import LANGUAGES
from recommender.cli.commands import TRAINED, common, opened
from recommender.cli.who import who_commands
from recommender.config import RecommenderConfig

language_option = click.option(
    "--language", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Of the answer."
)
scene_option = click.option("--scene", type=click.Choice(TRAINED), help="One scene; left out, all of them.")


@click.command()
@language_option
@click.option("--json", "as_json", is_flag=True, help="As the API answers it.")
@common
def show(config: RecommenderConfig, tenant: str, language: str, as_json: bool) -> None:
    """When training happens by itself, what was understood, and the next three times of each scene."""
    _print(config, tenant, language, as_json=as_json)


@click.command("set")
@click.argument("scene", type=click.Choice(TRAINED))
@click.argument("when")
@click.option("--timezone", default="", help="As in Europe/Berlin; left out, the tenant's.")
@language_option
@common
def set_command(
    config: RecommenderConfig, tenant: str, scene: str, when: str, timezone: str, language: str
) -> None:
    """Train SCENE by itself WHEN: "every night at 03:30", "Mondays 04:00", "weekdays at 5", "every 6 hours",
    "on the 1st at 02:00", a cron line with day names ("30 3 * * mon-fri"), or "never".

    English, German and Japanese are understood.
    """
    from recommender.training.schedule import entry_of
    from recommender.training.timetable.problems import NotUnderstood

    try:
        new = [] if when.strip().lower() == "never" else [entry_of(scene, when, timezone)]
    except NotUnderstood as error:
        raise click.ClickException(error.say(language)) from error
    with opened(config) as stores:
        others = [one for one in stores.models.schedules.entries(tenant) if one.scene != scene]
        stores.models.schedules.replace(tenant, [*others, *new], system_clock())
    _print(config, tenant, language)


@click.command()
@scene_option
@click.option("--until", help="As in 2026-12-24T06:00+01:00; left out, until somebody resumes it.")
@language_option
@common
def pause(config: RecommenderConfig, tenant: str, scene: str | None, until: str | None, language: str) -> None:
    """Let the schedule rest. What is missed meanwhile is made up for once."""
    from recommender.store.schedules import UNTIL_RESUMED
    from recommender.times import aware, to_us
    from recommender.training.timetable.problems import wrong

    until_us = UNTIL_RESUMED if until is None else to_us(aware(until, "--until"))
    if until is not None and until_us <= system_clock():
        raise click.ClickException(wrong("until", until).say(language))
    with opened(config) as stores:
        stores.models.schedules.pause(tenant, scene, until_us, who_commands())
    _print(config, tenant, language)


@click.command()
@scene_option
@language_option
@common
def resume(config: RecommenderConfig, tenant: str, scene: str | None, language: str) -> None:
    """End the pause of the schedule."""
    with opened(config) as stores:
        stores.models.schedules.pause(tenant, scene, 0, "")
    _print(config, tenant, language)


def _print(config: RecommenderConfig, tenant: str, language: str, *, as_json: bool = False) -> None:
    from recommender.assembly import zones_of
    from recommender.desk.schedule import schedule_page

    with opened(config) as stores:
        page = schedule_page(tenant, stores.models, zones_of(stores), system_clock(), language)
    if as_json:
        click.echo(json.dumps(page, ensure_ascii=False, indent=2))
        return
    click.echo(page["sentence"])
    for row in page["rows"]:
        click.echo(f"{row['scene']}: {row['understood']} ({row['zone']})  {row['paused_text']}".rstrip())
        for one in row["next"]:
            click.echo(f"  {one['text']}")


@click.command()
@click.argument("run_id", required=False)
@scene_option
@click.option("--state", help="Only these: " + "published, refused, failed, cancelled ...")
@click.option("-n", "n", default=20, show_default=True, help="So many.")
@click.option("--cancel", is_flag=True, help="End the running training RUN_ID; it publishes nothing.")
@click.option("--json", "as_json", is_flag=True, help="As the API answers it.")
@language_option
@common
def runs(
    config: RecommenderConfig,
    tenant: str,
    run_id: str | None,
    scene: str | None,
    state: str | None,
    n: int,
    cancel: bool,
    as_json: bool,
    language: str,
) -> None:
    """Trainings, newest first; with RUN_ID all that is kept of one, its log among it."""
    from recommender.desk.runs import run_row
    from recommender.store.runs import STATES

    states = [one.strip() for one in state.split(",")] if state else []
    if unknown := set(states) - set(STATES):
        raise click.ClickException(f"There is no state {sorted(unknown)[0]!r}; there are {', '.join(STATES)}.")
    if run_id is not None:
        _one(config, tenant, run_id, cancel=cancel, language=language)
        return
    with opened(config) as stores:
        found = stores.models.page(tenant, scenes=[scene] if scene else [], states=states, n=n)
    rows = [run_row(run, tenant, language) for run in found]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        click.echo(f"{_time(row)}  {row['run_id']}  {row['scene_text']}  {row['state_text']}  {row['why']}")
    if not rows:
        click.echo("No training yet: usual train orders")


def _one(config: RecommenderConfig, tenant: str, run_id: str, *, cancel: bool, language: str) -> None:
    from recommender.desk.runs import run_details
    from recommender.errors import NoSuchRun

    with opened(config) as stores:
        run = next((one for one in stores.models.page(tenant, n=100_000) if one.run_id == run_id), None)
        if run is None:
            raise NoSuchRun
        if cancel:
            stores.models.cancel(tenant, run.scene, run_id, who_commands())
            run = stores.models.run(tenant, run.scene, run_id)
        details = run_details(run, stores.models.log(tenant, run_id), tenant, language)
    click.echo(json.dumps(details, ensure_ascii=False, indent=2))


def _time(row: dict[str, Any]) -> str:
    return datetime.fromisoformat(row["started_at"]).strftime("%Y-%m-%d %H:%M")
