"""`usual experiments`: list them, show one, start and stop it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from plumbing.clock import system_clock
from plumbing.words import LANGUAGES
from recommender.cli.commands import common
from recommender.config import RecommenderConfig

if TYPE_CHECKING:  # slow to import; `usual --help` need not wait
    from recommender.desk.experiments import Reader
    from recommender.service import RecommenderService

language = click.option(
    "--language", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Of the sentences."
)


@contextmanager
def _opened(config: RecommenderConfig, tenant: str, speaks: str) -> Iterator[tuple[RecommenderService, Reader]]:
    from recommender.assembly import open_stores
    from recommender.desk.experiments import Reader
    from recommender.service import service_of

    stores = open_stores(config)
    try:
        yield service_of(config, stores, system_clock), Reader(speaks, stores.tenants.get(tenant))
    finally:
        stores.close()


@click.group("experiments", help="Experiments: which variant is better. They are written at the desk.")
def experiments() -> None:
    """The group."""


@experiments.command("list")
@click.option("--json", "as_json", is_flag=True, help="All of it as JSON.")
@language
@common
def list_command(config: RecommenderConfig, tenant: str, as_json: bool, language: str) -> None:
    """All experiments, the verdict of the running one first."""
    from recommender.desk.experiments import overview

    with _opened(config, tenant, language) as (service, reader):
        found = overview(service, tenant, reader, system_clock())
    if as_json:
        click.echo(json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False))
        return
    click.echo(found["answer"])
    for row in found["experiments"]:
        click.echo(f"{row['experiment_id']}  {row['state']:<8}  {row['scene']:<12}  {row['name']}")


@experiments.command("show")
@click.argument("experiment_id")
@click.option("--json", "as_json", is_flag=True, help="All of it as JSON.")
@language
@common
def show_command(config: RecommenderConfig, tenant: str, experiment_id: str, as_json: bool, language: str) -> None:
    """One experiment: verdict, figures of each variant, whether the customers are split as planned."""
    from recommender.desk.experiments import detail

    with _opened(config, tenant, language) as (service, reader):
        found = service.stores.experiments.get(tenant, experiment_id)
        shown = detail(service, tenant, found, reader, system_clock())
    if as_json:
        click.echo(json.dumps(shown, indent=1, sort_keys=True, ensure_ascii=False))
        return
    click.echo("\n".join(lines(shown)))


def lines(shown: dict[str, Any]) -> list[str]:
    """One experiment in plain text."""
    text = [f"{shown['name']} ({shown['state']})", shown["sentence"], *shown["remarks"], ""]
    text.append(f"{'':<3}{'share':<7}{'customers':<11}{'visits':<9}{'mean':<12}{'difference to A':<30}what")
    for row in shown["variants"]:
        span = "" if row["low"] is None else f"{row['difference']:.4g} ({row['low']:.4g} to {row['high']:.4g})"
        customers = "under 10" if row["customers"] is None else row["customers"]
        visits = "" if row["visits"] is None else row["visits"]
        mean = "" if row["mean"] is None else f"{row['mean']:.4g}"
        text.append(
            f"{row['name']:<3}{row['share']:<7.0%}{customers:<11}{visits:<9}{mean:<12}{span:<30}{row['what']}"
        )
    return [*text, "", shown["ratio"], *([shown["cost"]] if shown["cost"] else []), *shown["guards"]]


@experiments.command("start")
@click.argument("experiment_id")
@language
@common
def start_command(config: RecommenderConfig, tenant: str, experiment_id: str, language: str) -> None:
    """Start a draft: customers are assigned from the next request on."""
    from recommender.desk.experiments import require_variants

    with _opened(config, tenant, language) as (service, reader):
        store = service.stores.experiments
        require_variants(service, tenant, store.get(tenant, experiment_id), reader)
        store.start(tenant, experiment_id, system_clock())
    click.echo(f"{experiment_id} runs.")


@experiments.command("stop")
@click.argument("experiment_id")
@language
@common
def stop_command(config: RecommenderConfig, tenant: str, experiment_id: str, language: str) -> None:
    """Stop one: everybody gets what is live again, and the last figures are kept."""
    from recommender.desk.experiments import sentence

    with _opened(config, tenant, language) as (service, reader):
        ended = service.stores.experiments.stop(tenant, experiment_id, system_clock())
        click.echo(sentence(ended, ended.result or {}, reader, system_clock()))
