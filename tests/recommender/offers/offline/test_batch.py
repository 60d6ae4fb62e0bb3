"""A policy from a table of decisions, written down for a table of requests; and the evaluation of all policies."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from recommender.cli.offers import batch_offers, evaluate_offers
from recommender.offers.offline.fairness import read_groups
from recommender.offers.offline.tables import AS_OF
from tests.recommender.offers.world import silent

Change = Callable[[list[list[str]]], object]

PORTFOLIO = """offer,offer_type,difficulty,reward,duration,channels
a,discount,5,1,7,web|social
b,bogo,10,5,7,web
i,informational,0,0,3,web
"""


def write_world(folder: Path, n_customers: int = 150) -> tuple[Path, Path, Path]:
    """Spenders (spend 100) gain 20 from a; the others nothing from anything. Three waves."""
    rng = np.random.default_rng(0)
    rows, requests = [], []
    for customer in range(n_customers):
        for wave in (0, 168, 336):
            spender = customer % 2
            arm = str(rng.choice(["none", "a", "b", "i"]))
            net = 5 + rng.normal(0, 1) + (20 if spender and arm == "a" else 0)
            known = dict.fromkeys(AS_OF, 0) | {"spend": 100 * spender, "n_tx": 5 * spender, "tenure_days": 10}
            rows.append(
                {"customer": f"c{customer}", "wave": wave, "offer": arm, "propensity": 0.25, **known, "net": net}
            )
            requests.append({name: value for name, value in rows[-1].items() if name != "net"})
    for name, lines in (("D.csv.gz", rows), ("R.csv.gz", requests)):
        text = io.StringIO()
        writer = csv.DictWriter(text, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
        (folder / name).write_bytes(gzip.compress(text.getvalue().encode()))
    (folder / "P.csv").write_text(PORTFOLIO)
    return folder / "D.csv.gz", folder / "R.csv.gz", folder / "P.csv"


def run_batch(folder: Path, *more: str, out: str = "POLICY.csv") -> Result:
    files = ["--fit", "D.csv.gz", "--requests", "R.csv.gz", "--portfolio", "P.csv", "--out", out]
    paths = [str(folder / part) if "." in part and not part.startswith("-") else part for part in files]
    return CliRunner().invoke(batch_offers, [*paths, *more])


def read_policy(path: Path) -> dict[tuple[str, str], dict[str, float]]:
    plan: dict[tuple[str, str], dict[str, float]] = {}
    for line in csv.DictReader(io.StringIO(path.read_text())):
        plan.setdefault((line["customer"], line["wave"]), {})[line["offer"]] = float(line["probability"])
    return plan


def test_a_batch_writes_every_arm_of_every_request(tmp_path: Path) -> None:
    """450 requests x 4 arms, each summing to one; at a share of 20 % only spenders are shown anything."""
    write_world(tmp_path)

    result = run_batch(tmp_path, "--share", "0.2")

    assert result.exit_code == 0, result.output
    plan = read_policy(tmp_path / "POLICY.csv")
    shown = {key: arms for key, arms in plan.items() if arms["none"] < 1}
    assert len(plan) == 450
    assert all(list(arms) == ["none", "a", "b", "i"] and sum(arms.values()) == 1 for arms in plan.values())
    assert len(shown) == 90
    assert all(arms["a"] == 1 and int(customer[1:]) % 2 for (customer, _), arms in shown.items())


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    """Twice, byte for byte."""
    write_world(tmp_path, 60)
    run_batch(tmp_path, out="one.csv")
    run_batch(tmp_path, out="two.csv")

    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


def test_nobody_is_planned_an_offer_twice(tmp_path: Path) -> None:
    """Neither what the table says was shown, nor, where it does not say, what the plan itself showed."""
    _, requests, _ = write_world(tmp_path, 60)
    table = list(csv.DictReader(io.StringIO(gzip.decompress(requests.read_bytes()).decode())))
    run_batch(tmp_path, "--no-repeat")
    plan = read_policy(tmp_path / "POLICY.csv")
    seen: set[tuple[str, str]] = set()
    for line in table:
        arms = plan[line["customer"], line["wave"]]
        assert all(arms[arm] == 0 for customer, arm in seen if customer == line["customer"])
        if line["offer"] != "none":
            seen.add((line["customer"], line["offer"]))

    without_offers = io.StringIO()
    writer = csv.DictWriter(without_offers, [name for name in table[0] if name != "offer"], extrasaction="ignore")
    writer.writeheader()
    writer.writerows(table)
    requests.write_text(without_offers.getvalue())
    run_batch(tmp_path, "--no-repeat")
    own = [(c, arm) for (c, _), arms in read_policy(tmp_path / "POLICY.csv").items() for arm in "abi" if arms[arm]]
    assert len(own) == len(set(own)) >= 30


def test_an_empty_portfolio_plans_nothing(tmp_path: Path) -> None:
    """No offer, no error: `none` for everybody."""
    write_world(tmp_path, 20)
    (tmp_path / "P.csv").write_text(PORTFOLIO.splitlines()[0] + "\n")
    requests = gzip.decompress((tmp_path / "R.csv.gz").read_bytes()).decode()
    header, *lines = list(csv.reader(io.StringIO(requests)))
    at = header.index("offer")
    (tmp_path / "R.csv.gz").write_text(
        "\n".join(",".join(cell for i, cell in enumerate(line) if i != at) for line in [header, *lines])
    )

    result = run_batch(tmp_path)

    assert result.exit_code == 0, result.output
    assert all(arms == {"none": 1.0} for arms in read_policy(tmp_path / "POLICY.csv").values())


def spoil(path: Path, change: Change) -> None:
    rows = list(csv.reader(io.StringIO(gzip.decompress(path.read_bytes()).decode())))
    change(rows)
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    path.write_bytes(gzip.compress(text.getvalue().encode()))


def _put(column: str, row_number: int, value: str) -> Change:
    def change(rows: list[list[str]]) -> None:
        rows[row_number][rows[0].index(column)] = value

    return change


def _rename(old: str, new: str) -> Change:
    def change(rows: list[list[str]]) -> None:
        rows[0][rows[0].index(old)] = new

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_put("propensity", 7, ""), "Rows: 7"),
        (_put("propensity", 7, "often"), "Rows: 7"),
        (_put("spend", 3, "lots"), "spend is missing or not a number. Rows: 3"),
        (_put("net", 5, ""), "Rows: 5"),
        (_put("offer", 2, "ghost"), "not in the portfolio. Rows: 2"),
        (_rename("net", "gross"), "lacks the columns net"),
        (_rename("tenure_days", "income"), "income"),
        (_put("wave", 2, "0"), "two rows for one wave"),
        (lambda rows: rows.__delitem__(slice(1, None)), "holds no decision"),
        (lambda rows: rows[4].pop(), "Rows: 4"),
        (lambda rows: rows.clear(), "is empty"),
    ],
)
def test_a_spoiled_table_is_refused_and_nothing_is_written(tmp_path: Path, change: Change, said: str) -> None:
    """The message names the rows or columns; there is no policy file, not even a part of one."""
    fit, _, _ = write_world(tmp_path, 20)
    spoil(fit, change)

    result = run_batch(tmp_path)

    assert result.exit_code == 1
    assert said in result.output
    assert not (tmp_path / "POLICY.csv").exists()


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    """Half a gzip file: a clear line instead of a traceback."""
    fit, _, _ = write_world(tmp_path, 20)
    fit.write_bytes(fit.read_bytes()[:40])

    result = run_batch(tmp_path)

    assert (result.exit_code, "cannot be read" in result.output) == (1, True)


def test_evaluating_without_data_says_where_to_name_it(tmp_path: Path) -> None:
    """A folder that is not there."""
    result = CliRunner().invoke(evaluate_offers, ["--dataset", str(tmp_path / "nowhere")])

    assert result.exit_code == 1
    assert "--dataset" in result.output


@pytest.mark.slow
@pytest.mark.shared
def test_the_evaluation_lies_between_floor_and_ceiling(shared: Path, tmp_path: Path) -> None:
    """Some customers, two folds: gains where they belong, no repeats, and nothing too good to be true."""
    source = shared / "datasets" / "offers"
    (tmp_path / "starbucks_portfolio.csv").write_bytes((source / "starbucks_portfolio.csv").read_bytes())
    lines = gzip.decompress((source / "starbucks_decisions.csv.gz").read_bytes()).decode().splitlines()
    some = [line for line in lines[1:] if int(line[1:6]) % 8 == 0]
    packed = gzip.compress("\n".join([lines[0], *some]).encode())
    (tmp_path / "starbucks_decisions.csv.gz").write_bytes(packed)
    (tmp_path / "hillstrom_half.csv.gz").write_bytes((source / "hillstrom_half.csv.gz").read_bytes())

    report = scene_report(tmp_path, read_groups(source / "starbucks_sensitive_audit_only.csv.gz", ["gender"]))

    values = {line["policy"]: line for line in report["values"]}
    gains = {line["policy"]: line for line in report["gains"]}
    assert 23 < values["best single offer"]["dr"]["value"] < 29
    assert values["learned"]["dr_against_best_single"]["low"] > -0.6
    assert 4.5 < gains["uplift at 20%"]["dr"]["value"] < 7.5
    assert gains["uplift at 20%"]["share"] <= 0.2
    assert gains["uplift at 20%"]["dr"]["value"] > gains["random at 20%"]["dr"]["value"] + 1
    assert set(report["repeats"].values()) == {0}
    assert 0.77 < report["completion_auc"]["value"] < 0.83
    assert 0.25 < report["hillstrom"][0]["qini"] < 0.45
    assert all(0.5 < line["rate"] < 0.65 for line in report["replay"])
    assert {row["group"] for row in report["audit"]["gender"]} >= {"F", "M", "not known"}
    assert all(0.02 < row["exposure"] < 0.6 for row in report["audit"]["gender"])


def scene_report(folder: Path, groups: dict[str, dict[str, str]]) -> dict[str, Any]:
    from recommender.cli.offers import report_lines
    from recommender.offers.offline.evaluation import EvaluationSize
    from recommender.offers.offline.evaluation import evaluate_offers as evaluate

    small = EvaluationSize(folds=2, draws=100, replays=1, aa_runs=2)
    report = evaluate(folder, groups=groups, seed=0, progress=silent, size=small)
    assert "best single offer" in report_lines(report)
    return report
