"""From the log to a policy: what is learned, what is not believed, and what is written for a batch."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from plumbing.clock import DAY
from recommender.cli.offers import batch_offers, evaluate_offers
from recommender.errors import NotEnoughEvents
from recommender.offers import report as desks
from recommender.offers.decision import FEATURES, SCHEMA_VERSION
from recommender.offers.errors import UnusableLog
from recommender.offers.learning import log as learning
from recommender.offers.learning import train as proof
from recommender.offers.offline.fairness import read_groups
from recommender.offers.offline.tables import AS_OF
from recommender.offers.settings import OfferSettings
from recommender.scenes import offers as scene
from tests.recommender.offers.world import (
    NOW_US,
    SALT,
    TENANT,
    no_holdout,
    offer,
    open_store,
    request,
)

HOUSE = OfferSettings(SALT, holdout_share=0.2)
OFFERS = {"good": offer("good"), "poor": offer("poor", redemption_cost=50)}


def row(customer: int, arm: str, spent: int, day: float = 0.0, **fields) -> dict:
    """A judged decision as the store returns it."""
    held = customer % 5 == 0
    spread = {"none": 0.2, "good": 0.4, "poor": 0.4}
    context = dict.fromkeys(FEATURES, 0.0) | {"spend": float(customer % 7)}
    return {
        "pseudonym": f"p{customer}", "cell": "holdout" if held else "policy", "arm": arm,
        "spent": spent, "cost": 0,
        "propensities": json.dumps({"none": 1.0, "good": 0.0, "poor": 0.0} if held else spread),
        "context": json.dumps(context), "schema_version": SCHEMA_VERSION, "open": 0, "viewed_us": None,
        "completed_us": None, "decided_us": NOW_US + int(day * DAY),
    } | fields  # fmt: skip


def world(n: int = 600, seed: int = 0, gain: int = 300) -> list[dict]:
    """Nothing earns 500 a visit, `good` 800, `poor` 300; three visits each, one customer in five left alone."""
    rng = np.random.default_rng(seed)
    rows = []
    for visit in range(n):
        customer = visit % (n // 3)
        arm = "none" if customer % 5 == 0 else str(rng.choice(["none", "good", "poor"], p=[0.2, 0.4, 0.4]))
        mean = {"none": 500, "good": 500 + gain, "poor": 300}[arm]
        rows.append(row(customer, arm, int(mean + rng.normal(0, 50)), day=visit / 20))
    return rows


def test_the_best_offer_is_learned_with_nothing_as_the_measure():
    """Means come out as the world made them, the holdout included."""
    closed = learning.read_closed(world(), HOUSE)
    policy = learning.context_free(closed)

    believed = dict(zip(policy.arms, policy.posterior.mean, strict=True))
    assert believed["good"] == pytest.approx(800, abs=15)
    assert believed["poor"] == pytest.approx(300, abs=15)
    assert policy.none_mean == pytest.approx(500, abs=15)


def test_open_windows_are_censored_and_blind_completions_earn_no_credit():
    """Of five decisions one is open; of three completions one had no view and one was viewed only afterwards."""
    rows = [row(1, "good", 5, open=1)] + [
        row(2, "good", 5, viewed_us=viewed, completed_us=completed)
        for viewed, completed in ((1, 2), (None, 2), (3, 2), (1, None))
    ]

    closed = learning.read_closed(rows, HOUSE)

    assert (len(closed), closed.n_open, closed.aware, closed.blind) == (4, 1, 1, 2)


def test_a_logged_decision_without_its_propensity_is_refused():
    """The second closed decision lacks the propensity of what it showed."""
    rows = [row(1, "good", 5), row(2, "good", 5, propensities=json.dumps({"none": 1.0}))]

    with pytest.raises(UnusableLog, match="Rows: 2"):
        learning.read_closed(rows, HOUSE)


def train(rows: list[dict]):
    closed = learning.read_closed(rows, HOUSE)
    return proof.train(closed, OFFERS, HOUSE, seed=0, progress=lambda what, share: None)


def test_a_learned_policy_earns_what_the_best_offer_earns():
    """The report compares it with nothing and with the best single offer, and says which is in force."""
    report = train(world()).report
    values = {line["method"]: line["dr"]["value"] for line in report.rows}

    assert values["learned"] == pytest.approx(values["best single offer"], abs=10)
    assert values["no offer"] == pytest.approx(500, abs=25)
    assert report.interval[0] > -learning.TOLERANCE * values["best single offer"]
    assert report.in_force == "ranker"
    assert report.figures["cost_of_exploring"] == pytest.approx(0.05 * (800 - (500 + 800 + 300) / 3), abs=5)


def noisy(better_by: int) -> list[dict]:
    """Rewards so far apart (900 up or down from 500) that 320 visits hardly tell two offers from each other."""
    rows = []
    for visit in range(320):
        arm, sign = ("good", "poor")[visit % 2], (-1, 1)[visit // 2 % 2]
        customer = visit + visit // 4 + 1  # none of them in the holdout
        rows.append(row(customer, arm, 500 + better_by * (arm == "good") + 900 * sign, visit / 20))
        rows[-1]["propensities"] = json.dumps({"none": 0.0, "good": 0.5, "poor": 0.5})
    return rows


def test_a_policy_that_may_be_worse_falls_back_to_the_best_single_offer():
    """`good` is the better one, nine to one; what Thompson still gives to the other could cost too much."""
    trained = train(noisy(150))

    assert trained.report.in_force == "counting"
    assert "Fallen back" in trained.report.why
    assert scene.load(trained.arrays, trained.texts).mode == "best_single"


def test_nothing_is_fallen_back_on_while_the_best_offer_is_a_guess():
    """Two offers that nobody can tell apart: Thompson goes on trying both."""
    trained = train(noisy(0))

    assert "not certain yet" in trained.report.why
    assert scene.load(trained.arrays, trained.texts).mode == "thompson"


def moved_by_offers(n: int = 2_600) -> list[dict]:
    """Who spent 3 or more before spends 400 more with `good`; the others 200 less."""
    rng = np.random.default_rng(1)
    rows = []
    for visit in range(n):
        customer = visit % (n // 2)
        arm = "none" if customer % 5 == 0 else str(rng.choice(["none", "good", "poor"], p=[0.2, 0.4, 0.4]))
        effect = {"none": 0, "good": 400 if customer % 7 >= 3 else -200, "poor": -300}[arm]
        rows.append(row(customer, arm, int(600 + effect + rng.normal(0, 50)), day=visit / 200))
    return rows


def test_whom_offers_move_is_learned_saved_and_read_back():
    """The customer who is moved gains, the other does not; the model survives its own text, byte for byte."""
    trained = train(moved_by_offers())
    again = train(moved_by_offers())
    policy = scene.load(trained.arrays, trained.texts)
    moved, unmoved = np.zeros(len(FEATURES)), np.zeros(len(FEATURES))
    moved[FEATURES.index("spend")], unmoved[FEATURES.index("spend")] = 6.0, 1.0

    assert policy.whether is not None
    assert 150 < policy.whether.gain(moved) < 450  # shrunk towards the average of 140, never beyond the truth
    assert policy.whether.gain(unmoved) < 0
    assert policy.version == trained.report.figures["version"]
    assert again.texts == trained.texts
    assert trained.report.figures["deciles"][0]["gain"] == pytest.approx(400, abs=60)


def test_a_share_of_visits_goes_to_those_whom_offers_move():
    """Where one visit in three may carry an offer, the threshold keeps the others out, in the report as well."""
    house = OfferSettings(SALT, holdout_share=0.2, share=0.33)
    closed = learning.read_closed(moved_by_offers(), house)

    policy = proof.fit(closed, OFFERS, house, seed=0, progress=lambda what, share: None).policy
    shown = 1 - proof.target(closed, policy, house)[:, 0]

    assert policy.whether is not None
    assert 0.2 < shown.mean() <= 0.33
    assert closed.features[shown > 0, FEATURES.index("spend")].min() >= 3


@pytest.mark.parametrize("wrong", [{}, {"policy.json": "{"}, {"policy.json": "{}"}])
def test_a_broken_policy_is_not_loaded(wrong: dict):
    """Unreadable texts are a ValueError: the version before stays in force."""
    with pytest.raises(ValueError, match="policy"):
        scene.load({"mean": np.zeros(1), "sd": np.ones(1)}, wrong)


def test_the_desk_sees_the_gain_grow_certain():
    """Offers that add some 200 a visit: in the end the interval leaves out nought, and it has narrowed."""
    closed = learning.read_closed([r for r in world(1_200) if r["arm"] != "poor"], HOUSE)
    desk = desks.desk(closed, HOUSE)

    assert desk["decided"]
    assert 0 < desk["low"] < 200 < desk["high"]
    assert not desk["ratio"]["broken"]
    assert desk["history"][0]["high"] - desk["history"][0]["low"] > desk["high"] - desk["low"]


def test_nothing_to_learn_from_says_what_is_missing(tmp_path: Path):
    """One open window: when it will be closed is in the sentence."""
    store = open_store(tmp_path / "r.db")
    store.save_settings(TENANT, no_holdout())
    store.save_offers(TENANT, [offer("a")], NOW_US)
    scene.decide(store, request(), TENANT, "p1", NOW_US, np.random.default_rng(0))

    with pytest.raises(NotEnoughEvents, match="1 are open"):
        scene.reward_model(store, TENANT, NOW_US, seed=0, progress=lambda what, share: None)
    assert scene.desk(store, TENANT, NOW_US)["open_windows"] == 1


def test_the_counter_learns_from_its_own_log(tmp_path: Path):
    """300 visits at the counter: the offer after which people buy is the one that is shown from then on."""
    store = open_store(tmp_path / "r.db")
    store.save_settings(TENANT, no_holdout())
    store.save_offers(TENANT, [offer("good"), offer("poor")], NOW_US)
    for visit in range(300):
        at = NOW_US + visit
        decision = scene.decide(store, request(at), TENANT, f"p{visit}", at, np.random.default_rng(visit))
        amount = {"good": 900, "poor": 300, "none": 400}[decision.arm]
        scene.record_purchases(store, TENANT, [(f"b{visit}", f"p{visit}", at + 1, amount)], at + 1)
    later = NOW_US + 10 * DAY
    trained = scene.reward_model(store, TENANT, later, seed=0, progress=lambda what, share: None)
    policy = scene.load(trained.arrays, trained.texts)

    decision = scene.decide(store, request(later), TENANT, "p1", later, np.random.default_rng(900), policy)

    assert decision.propensities["good"] > 0.9
    assert decision.policy_version == trained.report.figures["version"]


# --- batch -------------------------------------------------------------------------------------------

PORTFOLIO = """offer,offer_type,difficulty,reward,duration,channels
a,discount,5,1,7,web|social
b,bogo,10,5,7,web
i,informational,0,0,3,web
"""


def write_world(folder: Path, n_customers: int = 150) -> tuple[Path, Path, Path]:
    """Spenders (spend 100) gain 20 from a; the others nothing from anything. Three waves."""
    rng = np.random.default_rng(0)
    rows, asked = [], []
    for customer in range(n_customers):
        for wave in (0, 168, 336):
            spender = customer % 2
            arm = str(rng.choice(["none", "a", "b", "i"]))
            net = 5 + rng.normal(0, 1) + (20 if spender and arm == "a" else 0)
            known = dict.fromkeys(AS_OF, 0) | {"spend": 100 * spender, "n_tx": 5 * spender, "tenure_days": 10}
            rows.append(
                {"customer": f"c{customer}", "wave": wave, "offer": arm, "propensity": 0.25, **known, "net": net}
            )
            asked.append({name: value for name, value in rows[-1].items() if name != "net"})
    for name, lines in (("D.csv.gz", rows), ("R.csv.gz", asked)):
        text = io.StringIO()
        writer = csv.DictWriter(text, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
        (folder / name).write_bytes(gzip.compress(text.getvalue().encode()))
    (folder / "P.csv").write_text(PORTFOLIO)
    return folder / "D.csv.gz", folder / "R.csv.gz", folder / "P.csv"


def run_batch(folder: Path, *more: str, out: str = "POLICY.csv"):
    files = ["--fit", "D.csv.gz", "--requests", "R.csv.gz", "--portfolio", "P.csv", "--out", out]
    paths = [str(folder / part) if "." in part and not part.startswith("-") else part for part in files]
    return CliRunner().invoke(batch_offers, [*paths, *more])


def read_policy(path: Path) -> dict[tuple[str, str], dict[str, float]]:
    plan: dict[tuple[str, str], dict[str, float]] = {}
    for line in csv.DictReader(io.StringIO(path.read_text())):
        plan.setdefault((line["customer"], line["wave"]), {})[line["offer"]] = float(line["probability"])
    return plan


def test_a_batch_writes_every_arm_of_every_request(tmp_path):
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


def test_the_same_files_give_the_same_bytes(tmp_path):
    """Twice, byte for byte."""
    write_world(tmp_path, 60)
    run_batch(tmp_path, out="one.csv")
    run_batch(tmp_path, out="two.csv")

    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


def test_nobody_is_planned_an_offer_twice(tmp_path):
    """Neither what the table says was shown, nor, where it does not say, what the plan itself showed."""
    _, asked, _ = write_world(tmp_path, 60)
    table = list(csv.DictReader(io.StringIO(gzip.decompress(asked.read_bytes()).decode())))
    run_batch(tmp_path, "--no-repeat")
    plan = read_policy(tmp_path / "POLICY.csv")
    seen: set[tuple[str, str]] = set()
    for line in table:
        arms = plan[line["customer"], line["wave"]]
        assert all(arms[arm] == 0 for customer, arm in seen if customer == line["customer"])
        if line["offer"] != "none":
            seen.add((line["customer"], line["offer"]))

    silent = io.StringIO()
    writer = csv.DictWriter(silent, [name for name in table[0] if name != "offer"], extrasaction="ignore")
    writer.writeheader()
    writer.writerows(table)
    asked.write_text(silent.getvalue())
    run_batch(tmp_path, "--no-repeat")
    own = [(c, arm) for (c, _), arms in read_policy(tmp_path / "POLICY.csv").items() for arm in "abi" if arms[arm]]
    assert len(own) == len(set(own)) >= 30


def test_an_empty_portfolio_plans_nothing(tmp_path):
    """No offer, no error: `none` for everybody."""
    write_world(tmp_path, 20)
    (tmp_path / "P.csv").write_text(PORTFOLIO.splitlines()[0] + "\n")
    asked = gzip.decompress((tmp_path / "R.csv.gz").read_bytes()).decode()
    header, *lines = list(csv.reader(io.StringIO(asked)))
    at = header.index("offer")
    (tmp_path / "R.csv.gz").write_text(
        "\n".join(",".join(cell for i, cell in enumerate(line) if i != at) for line in [header, *lines])
    )

    result = run_batch(tmp_path)

    assert result.exit_code == 0, result.output
    assert all(arms == {"none": 1.0} for arms in read_policy(tmp_path / "POLICY.csv").values())


def spoil(path: Path, change) -> None:
    rows = list(csv.reader(io.StringIO(gzip.decompress(path.read_bytes()).decode())))
    change(rows)
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    path.write_bytes(gzip.compress(text.getvalue().encode()))


def _put(column: str, row_number: int, value: str):
    def change(rows: list[list[str]]) -> None:
        rows[row_number][rows[0].index(column)] = value

    return change


def _rename(old: str, new: str):
    def change(rows: list[list[str]]) -> None:
        rows[0][rows[0].index(old)] = new

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_put("propensity", 7, ""), "Rows: 7"), (_put("propensity", 7, "often"), "Rows: 7"),
        (_put("spend", 3, "lots"), "spend is missing or not a number. Rows: 3"), (_put("net", 5, ""), "Rows: 5"),
        (_put("offer", 2, "ghost"), "not in the portfolio. Rows: 2"),
        (_rename("net", "gross"), "lacks the columns net"),
        (_rename("tenure_days", "income"), "income"), (_put("wave", 2, "0"), "two rows for one wave"),
        (lambda rows: rows.__delitem__(slice(1, None)), "holds no decision"),
        (lambda rows: rows[4].pop(), "Rows: 4"),
        (lambda rows: rows.clear(), "is empty"),
    ],
)  # fmt: skip
def test_a_spoiled_table_is_refused_and_nothing_is_written(tmp_path, change, said):
    """The message names the rows or columns; there is no policy file, not even a part of one."""
    fit, _, _ = write_world(tmp_path, 20)
    spoil(fit, change)

    result = run_batch(tmp_path)

    assert result.exit_code == 1
    assert said in result.output
    assert not (tmp_path / "POLICY.csv").exists()


def test_a_file_that_is_no_table_is_refused(tmp_path):
    """Half a gzip file: a clear line instead of a traceback."""
    fit, _, _ = write_world(tmp_path, 20)
    fit.write_bytes(fit.read_bytes()[:40])

    result = run_batch(tmp_path)

    assert (result.exit_code, "cannot be read" in result.output) == (1, True)


def test_evaluating_without_data_says_where_to_name_it(tmp_path):
    """A folder that is not there."""
    result = CliRunner().invoke(evaluate_offers, ["--dataset", str(tmp_path / "nowhere")])

    assert result.exit_code == 1
    assert "--dataset" in result.output


@pytest.mark.shared
def test_the_evaluation_lies_between_floor_and_ceiling(shared: Path, tmp_path: Path):
    """Some customers, two folds: gains where they belong, no repeats, and nothing too good to be true."""
    source = shared / "datasets" / "offers"
    (tmp_path / "starbucks_portfolio.csv").write_bytes((source / "starbucks_portfolio.csv").read_bytes())
    lines = gzip.decompress((source / "starbucks_decisions.csv.gz").read_bytes()).decode().splitlines()
    some = [line for line in lines[1:] if int(line[1:6]) % 4 == 0]
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


def scene_report(folder: Path, groups: dict) -> dict:
    from recommender.cli.offers import report_lines
    from recommender.offers.offline.evaluation import evaluate_offers as evaluate

    small: dict = {"n_folds": 2, "draws": 100, "replays": 1, "aa_runs": 2}
    report = evaluate(folder, groups=groups, seed=0, progress=lambda what, share: None, **small)
    assert "best single offer" in report_lines(report)
    return report
