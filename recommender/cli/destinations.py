"""`usual evaluate destinations` and `usual batch destinations`: thin doors to `recommender.destinations`."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from plumbing.cli import EXISTING_FILE, FILE, errors_as_one_line, progress_bar, shared_datasets
from recommender.cli.cluster import cluster_for_batch, cluster_options

if TYPE_CHECKING:
    from recommender.destinations.log import RideLog

COLUMNS = ("acc@1", "acc@3", "acc@5", "acc@10", "acc@20", "mrr@20", "in500m@1", "in500m@3", "in500m@10")


@click.command("destinations")
@click.option(
    "--dataset", type=FILE, help="A log of rides (CSV, gzipped or not); without one, and none beside, the town."
)
@click.option("--json", "as_json", is_flag=True, help="The whole report as JSON.")
@click.option("--ablation", is_flag=True, help="Fit again without each group of signals (minutes).")
@click.option("--seed", default=0, show_default=True, help="Of the ranker and the bootstrap.")
def evaluate_destinations(dataset: Path | None, as_json: bool, ablation: bool, seed: int) -> None:
    """How often the place a rider goes to is among the first suggested, beside simpler methods."""
    if dataset is not None and not dataset.is_file():
        raise click.ClickException(f"There is no file {dataset}.")
    with errors_as_one_line(ValueError), progress_bar("destinations") as bar:
        bar.show("reading the log", 0.01)  # before anything that takes seconds, imports too
        from recommender.destinations.evaluation import evaluate_log

        log = _log(dataset or shared_datasets() / "destinations" / "nyc_rides_dev.csv.gz")
        report = evaluate_log(log, seed=seed, ablation=ablation, progress=bar.show, cpu=time.process_time)
    click.echo(json.dumps(report, indent=1, sort_keys=True) if as_json else report_lines(report))


@click.command("destinations")
@click.option("--log", "path", required=True, type=EXISTING_FILE, help="A log of rides (CSV, gzipped or not).")
@click.option("--fit-until", required=True, help="Fit on rides up to this time (ISO 8601, UTC).")
@click.option("--from", "start", help="Answer target rows from this time on. Default: fit-until.")
@click.option("--out", required=True, type=FILE, help="One JSON line a row.")
@click.option("--seed", default=0, show_default=True, help="The same log and seed give the same bytes.")
@click.option("--rules", type=FILE, help="The house's rules (JSON, `usual rules show --json`) for the lists.")
@click.option("--places", type=FILE, help="With --rules: the places, as for `usual import`; for their categories.")
@cluster_options
def batch_destinations(
    path: Path,
    fit_until: str,
    start: str | None,
    out: Path,
    seed: int,
    rules: Path | None,
    places: Path | None,
    cluster: str | None,
    worker_memory: str,
) -> None:
    """Suggest up to 20 places for each target row of a log, from what came strictly before it.

    Rules that ask for a site do not hold: a row of rides has none.
    """
    from recommender.cli.ruled_batch import obeyed
    from recommender.destinations.batch import batch
    from recommender.destinations.model import K
    from recommender.rules.lists import SPARE

    obey = None if rules is None else obeyed(rules, places, K)
    until_us = _moment("--fit-until", fit_until)
    from_us = None if start is None else _moment("--from", start)
    with (
        errors_as_one_line(ValueError),
        cluster_for_batch(cluster, worker_memory) as mapper,
        progress_bar("destinations") as bar,
    ):
        n, why = batch(
            path,
            out,
            fit_until_us=until_us,
            from_us=from_us,
            seed=seed,
            progress=bar.show,
            mapper=mapper,
            obey=obey,
            spare=0 if obey is None else SPARE,
        )
    click.echo(f"{n} rows answered ({why}): {out}")


def _log(path: Path) -> RideLog:
    """The log in a file; where there is none, the rides of the town, which the doorway hands in."""
    from recommender.destinations.log import log_of, read_log
    from recommender.destinations.visits import Positions

    if path.is_file():
        return read_log(path)
    known = click.get_current_context().find_object(dict) or {}
    if "town" not in known:
        raise click.ClickException(f"There is no file {path}. Name one with --dataset or set USUAL_SHARED.")
    town = known["town"]()
    rides = town.trips()
    at = {place.item_id: (place.lat, place.lon) for place in town.places}
    lat, lon = np.array([at[str(place)] for place in rides.items], np.float64).T
    return log_of(rides, Positions(lat, lon))


def _moment(option: str, text: str) -> int:
    from recommender.destinations.log import parse_utc

    try:
        return parse_utc(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no time like 2012-11-09T21:52Z", param_hint=option) from error


def report_lines(report: dict[str, Any]) -> str:
    """The report as tables in plain text."""
    from recommender.ranking.metrics import table

    lines = [
        f"{report['targets']} rides of {report['riders']} riders to predict, "
        f"{report['new']:.1%} of them to places new to the rider",
        "",
        table(report["rows"], ("method", *COLUMNS)),
        "",
        table(report["rows"], ("method", "seen acc@10", "new acc@10", "gain", "gain_low", "gain_high")),
        "(gain: mrr@20 over the rider's most frequent places by hour and weekend, 95 % paired bootstrap)",
        "",
        "acc@5 by the rider's history",
        table(report["by_history"]),
        "",
        "acc@3 by the hour of the local clock",
        table(report["by_hour"]),
        "",
        "What is asked on public check-ins in New York (the default log), and what was found on this log",
        table(report["reach"]),
        "",
        f"In force: {report['fitted']['method']}; {report['fitted']['why']}.",
        f"Fitted in {report['seconds']['fit']:.0f} s of CPU, answered in {report['seconds']['answer']:.0f} s.",
    ]
    if report.get("ablation"):
        lines += ["", "What signals earn: mrr@20 of the ranker on the inner validation, and the loss without them"]
        lines += [table(report["ablation"])]
    return "\n".join(lines)
