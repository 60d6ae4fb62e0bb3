"""`usual evaluate orders`: the table of all methods, on a data set or on the synthetic town."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from plumbing.cli import FILE, WholeNumber, progress_bar
from recommender.cli.cluster import cluster_for_batch, cluster_options

if TYPE_CHECKING:
    from recommender.ranking.interactions import Interactions


@click.command("orders")
@click.option(
    "--dataset",
    type=FILE,
    help="customer, order_index, item [, order_id, timestamp, day, region ...]; without it the synthetic town.",
)
@click.option("--json", "as_json", is_flag=True, help="The whole report as JSON.")
@click.option("--ablation", is_flag=True, help="Also fit the ranker without each signal (minutes).")
@click.option("--seed", default=0, show_default=True, type=WholeNumber(0), help="Of every draw.")
def evaluate_orders(dataset: Path | None, as_json: bool, ablation: bool, seed: int) -> None:
    """Measure every method on everybody's last order, with paired 95 % intervals against own frequency.

    Whatever is chosen is chosen on the order before it.
    """
    from plumbing.columns import DatasetError

    try:
        with progress_bar("orders") as bar:
            bar.show("reading", 0.01)  # before anything that takes seconds, imports too
            from recommender.orders.evaluation import compare_methods

            report = compare_methods(_read(dataset), seed=seed, ablate=ablation, progress=bar.show)
    except DatasetError as error:
        raise click.ClickException(str(error)) from error
    except ValueError as error:
        raise click.ClickException(f"{dataset or 'the town'}: {error}") from error
    click.echo(json.dumps(report, indent=1, sort_keys=True) if as_json else report_lines(report))


def _read(dataset: Path | None) -> Interactions:
    if dataset is None:
        # The doorway hands the synthetic town in: the recommender itself knows no data of its own.
        known = click.get_current_context().find_object(dict) or {}
        if "town" not in known:
            raise click.UsageError("Name a data set with --dataset.")
        orders: Interactions = known["town"]().orders()
        return orders
    from recommender.orders.history import read_history

    return read_history(dataset)[0]


def report_lines(report: dict[str, Any]) -> str:
    """The report as text."""
    from recommender.ranking.metrics import table

    shown = (
        "method",
        "ndcg@10",
        "recall@10",
        "hr@1",
        "mrr@20",
        "phr@10",
        "repeat@10",
        "explore@10",
        "gain",
        "low",
        "high",
        "coverage",
        "diversity",
    )
    parts = [
        f"{report['n_test']} customers' last orders; gain: NDCG@10 over the gate, with its 95 % interval",
        table(report["rows"], shown),
        f"In force: {report['in_force']}. {report['why']}.",
        f"Chosen on {report['n_validation']} validation orders: {report['chosen']}.",
        f"The candidates hold {report['candidate_recall']:.1%} of the right answers.",
        "By history length, the method in force:",
        table(report["by_length"]),
    ]
    if report["ablation"]:
        parts += ["Ablation on validation: loss of NDCG@10 without the signal:", table(report["ablation"])]
    return "\n\n".join(parts)


@click.command("orders")
@click.option(
    "--history", required=True, type=FILE, help="customer, order_id, order_index, item [, timestamp ...]"
)
@click.option("--requests", required=True, type=FILE, help="The same columns without item: one row an order.")
@click.option("--out", required=True, type=FILE, help="Where to write customer, rank, item.")
@click.option("--top", default=20, show_default=True, type=WholeNumber(1, 1000), help="Items for each customer.")
@click.option("--seed", default=0, show_default=True, type=WholeNumber(0), help="Of every draw.")
@click.option("--rules", type=FILE, help="The house's rules (JSON, `usual rules show --json`) for the lists.")
@click.option("--items", type=FILE, help="With --rules: the items, as for `usual import`; for their categories.")
@cluster_options
def batch_orders(
    history: Path,
    requests: Path,
    out: Path,
    top: int,
    seed: int,
    rules: Path | None,
    items: Path | None,
    cluster: str | None,
    worker_memory: str,
) -> None:
    """Predict the next order of each customer asked about. Same input, same bytes out.

    With --rules a column says who pays for a sponsored place. Rules that ask for a time or a site hold where the
    request has it.
    """
    from plumbing.columns import DatasetError
    from plumbing.storage.files import write_atomic
    from recommender.cli.ruled_batch import ruled_csv
    from recommender.orders.batch import predict_orders
    from recommender.orders.history import read_history
    from recommender.rules.lists import SPARE

    try:
        seen, asked = read_history(history, requests)
        if not len(seen):
            raise DatasetError(f"{history}: holds no order; there is nothing to predict from")
    except DatasetError as error:
        raise click.ClickException(str(error)) from error
    with cluster_for_batch(cluster, worker_memory) as mapper, progress_bar("orders") as bar:
        ranked = top if rules is None else top + SPARE
        predicted = predict_orders(seen, asked, top=ranked, seed=seed, progress=bar.show, mapper=mapper)
    try:
        write_atomic(out, predicted.to_csv() if rules is None else ruled_csv(predicted, asked, top, rules, items))
    except OSError as error:
        raise click.ClickException(f"{out}: cannot be written ({error})") from error
    click.echo(f"{len(predicted.customers)} customers answered; {predicted.fitted.why}.", err=True)
