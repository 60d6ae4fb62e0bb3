"""`usual offers`: the list with its states, what each offer earns, its reach, and ending or restoring one."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import click

from plumbing.cli import errors_as_one_line
from plumbing.clock import system_clock
from plumbing.problem import Problem
from plumbing.words import LANGUAGES
from recommender.assembly import RecommenderStores, trainer_of
from recommender.cli.commands import common, opened
from recommender.config import RecommenderConfig
from recommender.desk.offer_list import House, offers_of
from recommender.desk.proof import proof_of
from recommender.desk.reach import ReachEstimates
from recommender.offers.portfolio import Offer

_json = click.option("--json", "as_json", is_flag=True, help="As the API answers.")
_language = click.option(
    "--language", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Of the sentences."
)


@click.group("offers")
def offers() -> None:
    """Offers: which run, what each earns, and what to do with one."""


def _listed(stores: RecommenderStores, tenant: str, language: str) -> dict[str, Any]:
    house = House.read(stores, tenant, stores.offers.sites(tenant), system_clock())
    return offers_of(stores, tenant, house, stores.offers.times_shown(tenant), language)


@offers.command("list")
@_json
@_language
@common
def list_offers(config: RecommenderConfig, tenant: str, as_json: bool, language: str) -> None:
    """Every offer with the state it is really in.

    Sites of keys are not known here: a site without an order yet may be said not to exist.
    """
    with errors_as_one_line(Problem), opened(config) as stores:
        body = _listed(stores, tenant, language)
    if as_json:
        click.echo(json.dumps(body, indent=1))
        return
    click.echo(body["answer"])
    for row in body["rows"]:
        click.echo(f"{row['state_name']:<12}{row['offer_id']:<24}{row['name']}: {row['as_shown'][language]}")
        why = [row["why"]] if row["state"] != "running" else []
        for text in filter(None, [*why, *row["warnings"], row["refused_text"]]):
            click.echo(f"{'':<36}{text}")


@offers.command("earned")
@_json
@_language
@common
def earned(config: RecommenderConfig, tenant: str, as_json: bool, language: str) -> None:
    """What offers earn against showing none, and which one earns most."""
    with errors_as_one_line(Problem), opened(config) as stores:
        body = proof_of(stores, trainer_of(stores, config, system_clock), tenant, language=language)
    if as_json:
        click.echo(json.dumps(body, indent=1))
        return
    if body["decisions"] is None:
        click.echo(body["answer"])
        return
    click.echo("\n".join([body["answer"], body["best"]["answer"], body["holdout"], ""]))
    for row in body["lifts"]:
        click.echo(f"{row['name']}: {row['answer']}")


@offers.command("reach")
@click.argument("offer_id")
@_language
@common
def reach(config: RecommenderConfig, tenant: str, offer_id: str, language: str) -> None:
    """How many customers OFFER_ID would have met in the last four weeks."""
    with errors_as_one_line(Problem), opened(config) as stores:
        offer = stores.offers.offer(tenant, offer_id)
        click.echo(ReachEstimates(stores.offers, system_clock).of(tenant, offer, language)["answer"])


@offers.command("end")
@click.argument("offer_id")
@common
def end(config: RecommenderConfig, tenant: str, offer_id: str) -> None:
    """End OFFER_ID; `usual offers restore` takes it back."""
    with errors_as_one_line(Problem), opened(config) as stores, stores.offers.transaction():
        ended = replace(stores.offers.offer(tenant, offer_id), status="ended")
        stores.offers.save_offers(tenant, [ended], system_clock())
    click.echo(f"{offer_id} has ended.")


@offers.command("restore")
@click.argument("offer_id")
@common
def restore(config: RecommenderConfig, tenant: str, offer_id: str) -> None:
    """Make an ended OFFER_ID what it was before it ended."""
    with errors_as_one_line(Problem), opened(config) as stores, stores.offers.transaction():
        restored: Offer = stores.offers.as_before_end(tenant, offer_id)
        stores.offers.save_offers(tenant, [restored], system_clock())
    click.echo(f"{offer_id} is {asdict(restored)['status']} again.")
