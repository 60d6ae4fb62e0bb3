"""`usual evaluate offers` and `usual batch offers`: thin doors to recommender/offers."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from plumbing.cli import EXISTING_FILE, FILE, WholeNumber, errors_as_one_line, progress_bar, shared_datasets
from plumbing.problem import Problem
from plumbing.settings import Config
from recommender.offers.wording import money
from recommender.scene import Progress


@click.command("offers")
@click.option(
    "--dataset",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder with the decision tables; without one, thirty days of the synthetic town.",
)
@click.option(
    "--home",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Judge the log in this state folder.",
)
@click.option("--tenant", default="demo", show_default=True, help="Whose log, with --home.")
@click.option("--json", "as_json", is_flag=True, help="The whole report as JSON.")
@click.option("--audit", type=EXISTING_FILE, help="A table of groups (CSV with `customer`), for fairness only.")
@click.option("--by", multiple=True, help="A column of that table; may be repeated. Numbers become four bands.")
@click.option("--folds", default=5, show_default=True, type=WholeNumber(2, 20), help="Parts of the customers.")
@click.option("--seed", default=0, show_default=True, help="Of folds, models and bootstrap.")
def evaluate_offers(
    dataset: Path | None,
    home: Path | None,
    tenant: str,
    as_json: bool,
    audit: Path | None,
    by: tuple[str, ...],
    folds: int,
    seed: int,
) -> None:
    """What each way of offering earns per visit, on customers it was not fitted on.

    --audit joins a table from outside to the finished policy and shows exposure and gain by group. No policy reads
    it: a table of decisions that holds such a column is refused.
    """
    from recommender.offers.offline.evaluation import EvaluationSize
    from recommender.offers.offline.evaluation import evaluate_offers as evaluate
    from recommender.offers.offline.fairness import read_groups

    folder = dataset or shared_datasets() / "offers"
    if dataset is not None and not folder.is_dir():
        raise click.ClickException(f"There is no folder {folder}. Name one with --dataset or set USUAL_SHARED.")
    if home is not None or not folder.is_dir():
        with errors_as_one_line(Problem), progress_bar("offers") as bar:
            desk = _own_log(home, tenant) if home is not None else _month(bar.show)
        click.echo(json.dumps(desk, indent=1, sort_keys=True) if as_json else proof_lines(desk))
        return
    with errors_as_one_line(Problem), progress_bar("offers") as bar:
        groups = read_groups(audit, by) if audit else None
        report = evaluate(folder, seed=seed, size=EvaluationSize(folds=folds), groups=groups, progress=bar.show)
    click.echo(json.dumps(report, indent=1, sort_keys=True) if as_json else report_lines(report))


def _own_log(home: Path, tenant: str) -> dict[str, Any]:
    """The answers of the desk about offers."""
    from plumbing.clock import system_clock
    from recommender.assembly import open_stores, trainer_of
    from recommender.config import RecommenderConfig
    from recommender.desk.proof import proof_of

    config = RecommenderConfig(home=home, token_keys=(), tombstones=Config.from_environment().tombstones)
    stores = open_stores(config)
    try:
        return proof_of(stores, trainer_of(stores, config, system_clock), tenant)
    finally:
        stores.database.close()


def _month(progress: Progress) -> dict[str, Any]:
    """The same of a month in the town, which the doorway hands in: the recommender knows no data of its own."""
    known = click.get_current_context().find_object(dict) or {}
    if "month" not in known:
        default = shared_datasets() / "offers"
        raise click.ClickException(f"There is no folder {default}. Name one with --dataset or set USUAL_SHARED.")
    with TemporaryDirectory() as folder:
        known["month"](Path(folder), progress)
        return _own_log(Path(folder), "demo")


@click.command("offers")
@click.option(
    "--fit", required=True, type=EXISTING_FILE, help="Randomised decisions with outcomes (CSV, gzipped or not)."
)
@click.option(
    "--requests", required=True, type=EXISTING_FILE, help="The same without outcomes: whom to decide about."
)
@click.option("--portfolio", required=True, type=EXISTING_FILE, help="The offers.")
@click.option("--out", required=True, type=FILE, help="The policy, as CSV.")
@click.option("--share", type=click.FloatRange(0, 1), help="At most this share of the requests carries an offer.")
@click.option("--no-repeat", is_flag=True, help="Nobody is shown an offer a second time.")
@click.option("--seed", default=0, show_default=True, help="The same files and seed give the same bytes.")
def batch_offers(
    fit: Path, requests: Path, portfolio: Path, out: Path, share: float | None, no_repeat: bool, seed: int
) -> None:
    """Fit on one table of decisions and write the policy for another."""
    from recommender.offers.offline.batch import batch_offers as run

    with errors_as_one_line(Problem), progress_bar("offers") as bar:
        done = run(fit, requests, portfolio, out, share=share, no_repeat=no_repeat, seed=seed, progress=bar.show)
    how = "by context" if done.by_context else f"by the best single offer ({done.best_single})"
    click.echo(f"{done.decisions} decisions, {done.with_offer} with an offer, chosen {how}: {out}")


def _span(estimate: dict[str, Any]) -> str:
    return f"{estimate['value']:6.2f} [{estimate['low']:6.2f}, {estimate['high']:6.2f}]"


def report_lines(report: dict[str, Any]) -> str:
    """The report as tables in plain text."""
    lines = [
        f"{report['decisions']} randomised decisions of {report['customers']} customers, "
        f"{report['folds']} folds over customers, 95 % intervals by a bootstrap over customers",
        "",
        f"{'reward per decision':<30}{'SNIPS':<24}{'doubly robust':<24}{'paired, to best single':<24}ESS",
    ]
    for row in report["values"]:
        spans = "".join(f"{_span(row[key]):<24}" for key in ("snips", "dr", "dr_against_best_single"))
        lines.append(f"{row['policy']:<30}{spans}{row['snips']['ess']:.0f} {row['snips']['warning']}".rstrip())
    lines += ["", f"{'gain over no offer':<30}{'SNIPS':<24}{'doubly robust':<24}share of visits"]
    for row in report["gains"]:
        lines.append(f"{row['policy']:<30}{_span(row['snips']):<24}{_span(row['dr']):<24}{row['share']:.3f}")
    lines += ["", "gain of the offer by tenth of visits, most promising first (predicted / doubly robust)"]
    lines.append("  ".join(f"{row['predicted']:.1f}/{row['gain']:.1f}" for row in report["deciles"]))
    lines += ["", "online replay: completions after a view per shown offer"]
    for row in report["replay"]:
        lines.append(
            f"{row['policy']:<36}{row['learns']:<14}{row['rate']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
        )
    auc, alarms = report["completion_auc"], report["aa"]
    leak = "  TOO GOOD: look for a leak" if auc["leak_suspected"] else ""
    lines += [
        "",
        f"completion model, area under the curve: {auc['value']:.3f} [{auc['low']:.3f}, {auc['high']:.3f}]{leak}",
    ]
    lines.append(
        f"A/A over {alarms['looks']} looks, {alarms['runs']} runs: false alarms {alarms['always_valid']:.1%} "
        f"(a fixed interval at every look: {alarms['fixed']:.1%})"
    )
    lines.append(f"repeats: {', '.join(f'{name} {count}' for name, count in report['repeats'].items())}")
    for row in report.get("hillstrom", ()):
        lines.append(
            f"Hillstrom, women's mail, Qini on visits, {row['policy']:<10}{row['qini']:.3f} "
            f"[{row['low']:.3f}, {row['high']:.3f}]"
        )
    for column, rows in report.get("audit", {}).items():
        lines += ["", f"{'by ' + column:<24}{'customers':<12}{'visits with an offer':<26}gain per visit"]
        for row in rows:
            exposure = f"{row['exposure']:.3f} [{row['exposure_low']:.3f}, {row['exposure_high']:.3f}]"
            gain = f"{row['gain']:.2f} [{row['gain_low']:.2f}, {row['gain_high']:.2f}]"
            lines.append(f"{row['group']:<24}{row['customers']:<12}{exposure:<26}{gain}")
    return "\n".join(lines)


def proof_lines(desk: dict[str, Any]) -> str:
    """The desk in plain text: each question's answer, and what else could have been done."""
    lines = [
        desk["counted"],
        "",
        desk["answer"],
        desk["best"]["answer"],
        *(f"{row['name']}: {row['answer']}" for row in desk["lifts"]),
        desk["best_single"]["answer"],
        desk["ratio"]["answer"],
        desk["exploring"]["answer"],
        desk["whom"]["answer"],
        desk["what_if"]["answer"],
    ]
    shown = partial(money, currency=desk["currency"], language="en")
    if desk["what_if"]["rows"]:
        lines += ["", f"{desk['value_is'] + ' per visit':<30}{'doubly robust':<26}{'SNIPS':<26}effective visits"]
    for row in desk["what_if"]["rows"]:
        spans = "".join(f"{_money_span(row[key], shown):<26}" for key in ("dr", "snips"))
        lines.append(f"{row['name']:<30}{spans}{row['ess']:.0f} {row['warning']}".rstrip())
    if desk["whom"]["deciles"]:
        lines += ["", "gain per visit by tenth of visits, most promising first (predicted / doubly robust)"]
        lines.append("  ".join(f"{shown(r['predicted'])}/{shown(r['gain'])}" for r in desk["whom"]["deciles"]))
        lines.append(f"Qini coefficient: {shown(desk['whom']['qini'])} per visit")
    return "\n".join(lines)


def _money_span(estimate: dict[str, Any], shown: Callable[[float], str]) -> str:
    if estimate["value"] is None:
        return "not known"
    value, low, high = (shown(estimate[key]) for key in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"
