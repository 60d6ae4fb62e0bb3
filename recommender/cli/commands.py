"""The recommender's commands: `usual import`, `export`, `train`; those of versions are in `versions.py`."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from plumbing.cli import EXISTING_FILE, FILE, if_stopped, progress_bar, state_options
from plumbing.clock import system_clock
from plumbing.settings import Config
from recommender.cli.cluster import cluster_options

if TYPE_CHECKING:  # the rest is imported by the command that needs it: --help stays quick
    from recommender.assembly import RecommenderStores
    from recommender.config import RecommenderConfig
    from recommender.errors import BadRows
    from recommender.exchange.reading import Options

WHAT = ("items", "places", "offers", "events")
TRAINED = ("orders", "destinations", "offers")

MANY_EVENTS = 2_000_000
"""Of one type: with more, reading all of them at once takes many gigabytes."""


def common(command: Callable[..., None]) -> Callable[..., None]:
    """Give `command` the recommender's settings and the tenant, from --home and --tenant."""

    @state_options
    @functools.wraps(command)
    def run(home: Path, tenant: str, **options: object) -> None:
        from recommender.config import RecommenderConfig

        settings = Config.from_environment().model_copy(update={"home": home})
        command(RecommenderConfig.of(settings), tenant, **options)

    return run


@contextmanager
def opened(config: RecommenderConfig) -> Iterator[RecommenderStores]:
    """The stores of an installation, closed at the end."""
    from recommender.assembly import open_stores

    stores = open_stores(config)
    try:
        yield stores
    finally:
        stores.database.close()


def _hours(context: click.Context, parameter: click.Parameter, text: str | None) -> timedelta | None:
    """Hours, also as 5:30. Raises click.BadParameter."""
    if text is None:
        return None
    found = re.fullmatch(r"([+-]?)(\d{1,3})(?::([0-5]\d)|\.(\d+))?", text)
    if found is None:
        raise click.BadParameter("must be hours, such as -8, +5.5 or 5:30")
    hours = float(found[2]) + (int(found[3]) / 60 if found[3] else float(f"0.{found[4]}") if found[4] else 0)
    return timedelta(hours=-hours if found[1] == "-" else hours)


def import_options(command: Callable[..., None]) -> Callable[..., None]:
    """What can be said about a file; its options become `Options`."""

    @click.option("--preview", is_flag=True, help="Say what was understood, and store nothing.")
    @click.option("--zone", default="", help="Of times without an offset, or in UTC: such as Europe/Berlin.")
    @click.option("--shift", callback=_hours, help="Hours to add to all times; 0: they are right as they are.")
    @click.option("--prices", default="", type=click.Choice(("", "minor", "decimal")), help="380, or 3.80.")
    @click.option("--dates", default="", type=click.Choice(("", "dmy", "mdy")), help="Of 01/02/2026.")
    @click.option(
        "--retired",
        default="",
        type=click.Choice(("", "keep", "leave-out")),
        help="What the catalogue no longer has: kept as history, or its lines left out. Else it is wrong.",
    )
    @click.option("--site", default="", help="Of rows that name none.")
    @functools.wraps(command)
    def run(config: RecommenderConfig, tenant: str, what: Any, file: Path, preview: bool, **said: Any) -> None:
        from recommender.exchange.reading import Options

        command(config, tenant, what, file, Options(store=not preview, **said))

    return run


@click.command("import")
@click.argument("what", type=click.Choice(WHAT))
@click.argument("file", type=EXISTING_FILE)
@common
@import_options
def import_command(config: RecommenderConfig, tenant: str, what: Any, file: Path, options: Options) -> None:
    """Take in items, places, offers or events from a CSV or JSON-lines FILE.

    The whole file or nothing: every wrong row is named, and stands in FILE.wrong.csv. Items come before the offers
    and events that name them. Taking the same file in twice changes nothing. In CSV lists are separated by |, and
    an empty cell is no value. Exports of Square, Toast and Lightspeed are known by their columns.

    \b
    items   item_id name price [category dayparts allergens tags sites available sensitive]
    places  item_id name lat lon [category tags available sensitive]
    offers  offer_id name [text kind items starts_on ends_on weekdays budget_count ...]
    events  event_id type occurred_at item_id [customer quantity price site region pickup scene]

    Prices are in minor units (cents), times are ISO 8601 with an offset, an event with several items has one row
    for each. JSON lines have the fields of the API, and events a `customer`.
    """
    from recommender.errors import BadRows
    from recommender.exchange.files import import_file, reading_of
    from recommender.exchange.preview import counted, report_lines
    from recommender.service import service_of

    with opened(config) as stores, progress_bar(f"importing {what}") as bar:
        service = service_of(config, stores, system_clock)
        reading = reading_of(stores, tenant, options)
        try:
            with if_stopped("Nothing was stored; start it again."):
                stored = import_file(service, stores, what, file, tenant, system_clock(), bar.show, reading)
        except BadRows as error:
            raise click.ClickException(_refused(file, error)) from error
        bar.show("checked" if not options.store else "stored", 1.0)
    for line in report_lines(reading, what, stored, whole=not options.store):
        click.echo(line)
    if options.store:
        click.echo(f"{counted(stored, what)} stored for {tenant}.")


def _refused(file: Path, error: BadRows) -> str:
    """What is wrong with a file, and where it stands row by row."""
    from recommender.exchange.preview import write_wrong

    listed = file.with_name(f"{file.name}.wrong.csv")
    try:
        listed.unlink(missing_ok=True)  # a link that lies there is not followed
        handle = os.open(listed, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8-sig", newline="") as out:
            write_wrong(error.wrong, out)
        first = "all of them" if error.total <= len(error.wrong) else f"the first {len(error.wrong):,}"
        where = f" {listed} has {first}."
    except OSError as failed:
        where = f" {listed} cannot be written: {failed.strerror}."
    hint = ""
    if any("in the catalogue of" in cause for cause in error.causes):
        hint = " What the catalogue no longer has is kept as history with --retired keep."
    return f"{error.detail}{where}{hint}"


@click.command("export")
@click.argument("what", type=click.Choice(WHAT))
@click.argument("file", type=FILE)
@common
def export_command(config: RecommenderConfig, tenant: str, what: Any, file: Path) -> None:
    """Write items, places, offers or events to a CSV or JSON-lines FILE, as `usual import` reads them."""
    import secrets

    from recommender.exchange.files import export_rows, write_rows
    from recommender.exchange.rows import is_csv

    as_csv = is_csv(file)
    draft = file.with_name(f".{file.name}.{secrets.token_hex(6)}.draft")
    with opened(config) as stores:
        try:
            # In a folder that others may write into, a file or link that lies there already is never used.
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as out:
                count = write_rows(export_rows(stores, what, tenant), what, out, as_csv=as_csv)
            draft.replace(file)
        except OSError as error:
            raise click.ClickException(f"{file} cannot be written: {error.strerror}.") from error
        finally:
            draft.unlink(missing_ok=True)
    click.echo(f"{count} rows of {what} written to {file}.")


@click.command()
@click.argument("scene", type=click.Choice(TRAINED))
@click.option("--seed", default=0, show_default=True, help="Same data and seed, same bytes.")
@click.option("--dry-run", is_flag=True, help="Train and judge, publish nothing; say what would have happened.")
@click.option(
    "--accept-changed-data",
    "--accept-smaller-log",
    "accept_changed_data",
    is_flag=True,
    help="The log is not what it was, and right as it is: shorter, corrected, of other customers.",
)
@cluster_options
@click.option(
    "--shared-folder",
    type=click.Path(exists=True, file_okay=False, writable=True, path_type=Path),
    help="With --cluster: a folder that workers on other machines see, for the parts of the log; else the home.",
)
@common
def train(
    config: RecommenderConfig,
    tenant: str,
    scene: str,
    seed: int,
    dry_run: bool,
    accept_changed_data: bool,
    cluster: str | None,
    worker_memory: str,
    shared_folder: Path | None,
) -> None:
    """Fit SCENE on what happened, and publish it if the gate lets it through: it must beat counting, and not be
    worse than the live version. While a version is pinned, what is trained is held back.

    Ends with status 1 when the version was refused; what was served before stays live.

    With --cluster the log is never in one memory: it is written in parts, and worked on part by part. The version
    is the same, to the byte.
    """
    from recommender.assembly import trainer_of
    from recommender.cli.who import who_commands
    from recommender.store.runs import BY_HAND, DRY_RUN
    from recommender.training.cluster.session import Where
    from recommender.training.run_book import Bounds
    from recommender.worker import THREADS

    def leave() -> None:
        click.echo(f"{scene}: the training was ended; `usual runs` says why.", err=True)
        os._exit(1)

    os.environ.update(THREADS)
    where = None if cluster is None else Where.of(cluster, worker_memory, shared_folder)
    with opened(config) as stores, progress_bar(f"training {scene}") as bar:
        trainer = trainer_of(stores, config, system_clock, where=where, bounds=Bounds(leave=leave))
        if where is None and (n := trainer.events_of(tenant, scene)) > MANY_EVENTS:
            click.echo(
                f"{n:,} events are read into one memory; `--cluster local` works on them in parts.", err=True
            )
        kind = DRY_RUN if dry_run else BY_HAND
        run_id = stores.models.begin(tenant, scene, system_clock(), kind=kind, by=who_commands())
        with if_stopped("The version in use stays; start the training again."):
            trainer.run(tenant, scene, run_id, seed=seed, also=bar.show, accept_changed_data=accept_changed_data)
        run = stores.models.run(tenant, scene, run_id)
    if run.state not in ("published", "unchanged", "tried", "held_back"):
        raise click.ClickException(run.why)
    value, baseline = run.report.get("value"), run.report.get("baseline_value")
    click.echo(f"{scene} {run.version} ({run.state}): {run.why}")
    against = "the best single offer" if scene == "offers" else "counting"
    click.echo(f"{run.report.get('metric')} {value:.4f}, {against} {baseline:.4f}")
