"""Versions at the command line: `usual versions`, `rollback`, `unpin`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from plumbing.access.watch import user
from plumbing.clock import system_clock
from recommender.cli.commands import TRAINED, common, opened

if TYPE_CHECKING:  # the rest is imported by the command that needs it: --help stays quick
    from recommender.assembly import RecommenderStores
    from recommender.config import RecommenderConfig
    from recommender.store.version_notes import Pin

COMPARE = "diff"


@click.command()
@click.argument("what", nargs=-1, required=True, metavar="SCENE | diff OLD NEW")
@common
def versions(config: RecommenderConfig, tenant: str, what: tuple[str, ...]) -> None:
    """The versions of SCENE that are kept, newest first; the live one has a star, and why each is there.

    \b
    usual versions orders
    usual versions diff OLD NEW    for how many customers the suggestions differ, and how

    Of differences nothing is shown that is about fewer than 10 people.
    """
    if what[0] == COMPARE and len(what) == 3:
        _compare(config, tenant, *what[1:])
    elif len(what) == 1 and what[0] in TRAINED:
        _list(config, tenant, what[0])
    else:
        raise click.UsageError(f"Name a scene ({', '.join(TRAINED)}), or `diff` and two versions of one scene.")


def _list(config: RecommenderConfig, tenant: str, scene: str) -> None:
    from recommender.desk.versions import by_id, state_of
    from recommender.training.outcomes import WORDS

    with opened(config) as stores:
        shelf = stores.rows.shelf(tenant, scene)
        names, current = shelf.names(), shelf.current()
        pin, notes = stores.notes.pin(tenant, scene), stores.notes.all(tenant, scene)
    if not names:
        click.echo(f"No version of {scene} yet: usual train {scene}")
    if pin is not None:
        click.echo(
            f"{pin.version} is pinned by {by_id(tenant, pin.who)}; trainings are held back: usual unpin {scene}"
        )
    for name in reversed(names):
        manifest = shelf.manifest(name)
        if manifest is None:
            click.echo(f"  {name}  unreadable")
            continue
        report, cut, note = manifest["report"], manifest["cut"], notes.get(name)
        star = "*" if name == current else " "
        figure = f"{report.get('metric')} {report.get('value')} (counting {report.get('baseline_value')})"
        state = state_of(name, current, pin, note).replace("_", " ")
        click.echo(f"{star} {name}  {state}  {report.get('in_force')}  {figure}  {cut['lines']} lines")
        if note is not None and note.message is not None:
            click.echo(f"    {WORDS.say('en', note.message)}")


def _compare(config: RecommenderConfig, tenant: str, old: str, new: str) -> None:
    from recommender.training.differences import answer
    from recommender.training.outcomes import WORDS

    with opened(config) as stores:
        body = _differences(config, stores, tenant, old).between(old, new)
    for message in answer(body):
        click.echo(WORDS.say("en", message))
    for group in (*body["by_length"], *body["by_daypart"]):
        click.echo(f"  {group['group']:<10} {group['customers']:>6} customers, first changed {group['first']:.0%}")
    for move in body["moves"]:
        way = f"{move['from']} -> {move['to']}" if move["from"] is not None else "others"
        click.echo(f"  {move['customers']:>6} customers: {way}")


def _differences(config: RecommenderConfig, stores: RecommenderStores, tenant: str, name: str) -> Any:
    from recommender.assembly import trainer_of
    from recommender.errors import NoSuchVersion
    from recommender.scene import TrainingInput
    from recommender.training.differences import Differences

    trainer = trainer_of(stores, config, system_clock)
    for scene, one in trainer.scenes.items():
        if one.learns_from is not None and name in trainer.shelf(tenant, scene).names():
            catalogue = trainer.catalogue.all(tenant, one.kind)
            least = trainer.least_people(tenant)
            data = TrainingInput(catalogue=catalogue, tenant=tenant, least_people=least)
            return Differences(one, stores.rows, stores.events, data)
    raise NoSuchVersion("orders or destinations", name)


@click.command()
@click.argument("scene", type=click.Choice(TRAINED))
@click.argument("version", required=False)
@common
def rollback(config: RecommenderConfig, tenant: str, scene: str, version: str | None) -> None:
    """Go back to an earlier VERSION of SCENE (default: the good one before the live one), and pin it.

    It stays live until `usual unpin`; what is trained meanwhile is held back.
    """
    with opened(config) as stores:
        pin = _pins(stores).go_back(tenant, scene, version, who=f"command:{user()}")
    click.echo(f"{scene} is served from version {pin.version} now. It is pinned until: usual unpin {scene}")


@click.command()
@click.argument("scene", type=click.Choice(TRAINED))
@common
def unpin(config: RecommenderConfig, tenant: str, scene: str) -> None:
    """Let trainings of SCENE publish again; what is live stays until one does."""
    with opened(config) as stores:
        pin: Pin = _pins(stores).unpin(tenant, scene)
    click.echo(f"Version {pin.version} is not pinned any more. The next training publishes if the gate lets it: ")
    click.echo(f"usual train {scene}")


def _pins(stores: RecommenderStores) -> Any:
    from recommender.training.pins import Pins

    return Pins(stores.rows.place, stores.notes, system_clock)
