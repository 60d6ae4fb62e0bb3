"""`usual desk`: what the desk's pages show, in a terminal or as JSON; and summing the figures again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from plumbing.cli import progress_bar
from plumbing.clock import system_clock
from recommender.cli.commands import common

if TYPE_CHECKING:
    from recommender.assembly import RecommenderStores
    from recommender.config import RecommenderConfig
    from recommender.desk.overview import DeskTools
    from recommender.desk.period import Period
    from recommender.service import RecommenderService

LANGUAGES = ("en", "de", "ja")


def _options(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Everything, as the API answers it."),
        click.option("--from", "first", default="", help="First day, such as 2026-11-01; default: 28 days."),
        click.option("--to", "last", default="", help="Last day; default: today."),
        click.option("--site", default="", help="Only this site."),
        click.option("--daypart", default="", help="breakfast, lunch, afternoon, dinner or night."),
        click.option("--language", type=click.Choice(LANGUAGES), default="en", help="Of the sentences."),
    ):
        command = option(command)
    return command


@click.command()
@_options
@common
def overview(config: RecommenderConfig, tenant: str, **asked: Any) -> None:
    """How it is going: visits, what was taken, what it earned, and what needs attention."""
    from recommender.desk.overview import overview_of

    with _page(config, tenant, asked) as (tools, _, caller, period):
        found = overview_of(tools, caller, period, asked["language"])
    if not _as_json(found, asked):
        click.echo(found["holdout"]["text"])
        for item in found["attention"]:
            click.echo(f"- {item['text']}")


@click.command()
@_options
@common
def suggestions(config: RecommenderConfig, tenant: str, **asked: Any) -> None:
    """How good the suggestions are: measured, and on the screens."""
    from recommender.desk.suggestions import suggestions_of

    with _page(config, tenant, asked) as (tools, service, caller, period):
        found = suggestions_of(tools, service, caller, period, asked["language"])
    if not _as_json(found, asked):
        for scene in found["scenes"]:
            taken = scene["live"]["any"]
            share = "-" if taken is None else f"{taken['value']:.0%} of {taken['of']:,}"
            click.echo(
                f"{scene['scene']}: version {scene['version'] or '-'}, {scene['method_name']}; taken: {share}"
            )


@click.command()
@_options
@common
def data(config: RecommenderConfig, tenant: str, **asked: Any) -> None:
    """Whether the data are good enough, and what would help most."""
    from recommender.desk.data import data_of

    with _page(config, tenant, asked) as (tools, _, caller, period):
        found = data_of(tools, caller, period, asked["language"])
    if not _as_json(found, asked):
        for step in found["next_steps"]:
            click.echo(f"- {step}")
        for entry in found["imports"][:5]:
            click.echo(
                f"{entry['began_at']}  {entry['what']}  {entry['file']}  {entry['state']}  {entry['wrong']} wrong"
            )


@click.command()
@common
def figures(config: RecommenderConfig, tenant: str) -> None:
    """Sum all days of the log again. Visits and what was shown are in no log: they stay as they were counted."""
    from recommender.service import service_of

    with _stores(config) as stores, progress_bar("summing days") as bar:
        days = service_of(config, stores, system_clock).figures.rebuild(tenant, bar.show)
    click.echo(f"{days} days summed for {tenant}.")


@contextmanager
def _stores(config: RecommenderConfig) -> Iterator[RecommenderStores]:
    from recommender.assembly import open_stores

    stores = open_stores(config)
    try:
        yield stores
    finally:
        stores.close()


@contextmanager
def _page(
    config: RecommenderConfig, tenant: str, asked: dict[str, Any]
) -> Iterator[tuple[DeskTools, RecommenderService, Any, Period]]:
    from plumbing.access.caller import Caller
    from recommender.assembly import trainer_of
    from recommender.desk.kept import KeptReports
    from recommender.desk.overview import DeskTools
    from recommender.desk.period import Period
    from recommender.service import service_of

    with _stores(config) as stores:
        service = service_of(config, stores, system_clock)
        trainer = trainer_of(stores, config, system_clock, service.scenes)
        kept = KeptReports(stores.kept_reports, system_clock)
        tools = DeskTools(stores, trainer, service.figures, kept)
        caller = Caller(tenant, "", "", "", frozenset({"view"}))
        today = service.figures.today(tenant)
        period = Period.of(caller, today, asked["first"], asked["last"], asked["site"], asked["daypart"])
        try:
            yield tools, service, caller, period
        finally:
            kept.close()


def _as_json(found: dict[str, Any], asked: dict[str, Any]) -> bool:
    """Print JSON, or the answer alone; whether that was all."""
    if asked["as_json"]:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        click.echo(found["answer"])
    return bool(asked["as_json"])
