"""`recommender.Orders` in a notebook: fit, suggest, save, load; arrays and frames; what is refused."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from recommender import Interactions, Orders
from recommender.errors import ArtifactError
from recommender.library.folder import NotFitted
from recommender.orders.signals.crowd import NAMES
from recommender.ranking.frames import MissingColumns
from recommender.scene import Answer
from tests.recommender.library.frames import DataFrame, Make
from tests.recommender.orders.worlds import habits, menu, of

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def columns() -> dict[str, list[str]]:
    """Ann has tea three times, Bob soup twice."""
    return {"customer": ["ann"] * 3 + ["bob"] * 2, "item": ["tea", "tea", "tea", "soup", "soup"]}


@pytest.fixture(scope="module")
def fitted() -> Orders:
    return Orders(trees=20).fit(habits(), items=menu(), seed=3)


def first(answer: Answer) -> str:
    return answer.suggestions[0].item_id


def test_importing_the_package_imports_no_engine() -> None:
    """`import recommender` stays cheap; its names are there all the same, and a wrong one is an AttributeError."""
    code = (
        "import sys, recommender\n"
        "assert not {'numpy', 'scipy', 'lightgbm', 'sklearn'} & set(sys.modules), sys.modules\n"
        "assert {'Interactions', 'Orders', 'Destinations', 'Offers', 'evaluate'} <= set(dir(recommender))\n"
        "assert recommender.Orders.__module__ == 'recommender.library.orders'\n"
        "try:\n    recommender.Order\nexcept AttributeError as error:\n    assert 'Order' in str(error)\n"
        "else:\n    raise SystemExit(1)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_usual_is_first_and_the_report_says_what_is_in_force(fitted: Orders) -> None:
    """A customer of habits gets their dish; the report has the method's figures."""
    assert first(fitted.suggest(habits(), customer="c005", at=NOON, site="s1")) == "i05"
    assert fitted.report["in_force"] in ("ranker", "counting")
    assert fitted.report["n_validation"] == 40


def test_save_and_load_give_the_same_suggestions(fitted: Orders, tmp_path: Path) -> None:
    """Every customer, scores included; saving the loaded model writes the same bytes."""
    fitted.save(tmp_path / "a")
    loaded = Orders.load(tmp_path / "a")

    for k in range(10):
        mine = of(habits(), f"c{k:03d}")
        assert loaded.suggest(mine, at=NOON) == fitted.suggest(mine, at=NOON)
    assert loaded.report == fitted.report
    assert loaded.save(tmp_path / "b") == next(path.name for path in tmp_path.glob("a/*/*/0001-*"))


def test_a_saved_model_is_plain_arrays_and_texts(fitted: Orders, tmp_path: Path) -> None:
    """No pickle, and no customer's name in it."""
    fitted.save(tmp_path)
    files = {path.name: path for path in tmp_path.rglob("*") if path.is_file()}

    assert set(files) == {"arrays.npz", "texts.json", "manifest.json", "current"}
    with np.load(files["arrays.npz"], allow_pickle=False) as arrays:
        texts = {value for name in arrays if arrays[name].dtype.kind == "U" for value in arrays[name].tolist()}
    assert "i05" in texts
    assert not {name for name in texts if name.startswith("c0")}


def test_an_unknown_customer_and_a_guest_get_what_is_popular(fitted: Orders) -> None:
    """Marked as such."""
    unknown = fitted.suggest(habits(), customer="nobody", at=NOON)
    guest = fitted.suggest(at=NOON)

    assert (unknown.fallback, guest.fallback) == ("no_history", "no_token")
    assert [one.item_id for one in unknown.suggestions] == [one.item_id for one in guest.suggestions]
    assert len(guest.suggestions) == 5


@pytest.mark.parametrize("make", [dict, DataFrame, Interactions.from_columns])
def test_arrays_frames_and_interactions_are_all_the_same(make: Make) -> None:
    """Fitted on and asked with any of them."""
    data = make(columns())
    orders = Orders().fit(data)

    assert first(orders.suggest(data, customer="ann", n=1)) == "tea"
    assert first(orders.suggest(data, customer="bob", n=1)) == "soup"


def test_several_customers_need_a_name(fitted: Orders) -> None:
    """A history of two says nothing about who asks."""
    with pytest.raises(ValueError, match="say which one by `customer`"):
        fitted.suggest(habits())


def test_missing_columns_are_named() -> None:
    """All of them, and what there was instead."""
    with pytest.raises(
        MissingColumns, match=r"the columns 'item', 'customer'; found \['dish', 'guest'\]"
    ) as error:
        Orders().fit({"guest": ["ann"], "dish": ["tea"]})
    assert error.value.missing == ("item", "customer")
    with pytest.raises(MissingColumns, match="a column 'item_id'"):
        Orders().fit(columns(), items=DataFrame({"name": ["Tea"]}))
    with pytest.raises(TypeError, match="not list"):
        Orders().fit([("ann", "tea")])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="needs an item_id"):
        Orders().fit(columns(), items=[{"name": "Tea"}])


def test_before_fit_nothing_is_suggested_or_saved(tmp_path: Path) -> None:
    """It says what to do."""
    with pytest.raises(NotFitted, match="call fit"):
        Orders().suggest()
    with pytest.raises(NotFitted, match="call fit"):
        Orders().save(tmp_path)


def test_an_empty_folder_and_an_altered_file_are_not_loaded(fitted: Orders, tmp_path: Path) -> None:
    """An altered model is refused, not served."""
    with pytest.raises(ArtifactError, match="no version of orders"):
        Orders.load(tmp_path)
    fitted.save(tmp_path)
    texts = next(tmp_path.rglob("texts.json"))
    texts.write_text(texts.read_text().replace("i05", "i06"))
    with pytest.raises(ArtifactError, match=r"texts\.json"):
        Orders.load(tmp_path)


def test_a_time_without_zone_is_refused(fitted: Orders) -> None:
    """It could mean several moments."""
    with pytest.raises(ValueError, match="needs a zone"):
        fitted.suggest(at=datetime(2026, 11, 23, 12))


def test_the_menu_of_a_request_may_be_another_one(fitted: Orders) -> None:
    """What is not on it is not suggested; a frame will do."""
    answer = fitted.suggest(habits(), customer="c005", items=DataFrame({"item_id": ["i07", "i08"]}))

    assert {one.item_id for one in answer.suggestions} == {"i07", "i08"}


def test_only_a_generator_explores() -> None:
    """With it the last place goes to a new dish now and then; without it the same question has one answer."""
    orders = Orders(trees=5, explore=1.0).fit(habits(8), items=menu())
    mine = of(habits(8), "c003")

    plain = orders.suggest(mine, n=4)
    assert plain == orders.suggest(mine, n=4)
    assert not any(one.explored for one in plain.suggestions)
    drawn = {orders.suggest(mine, n=4, generator=np.random.default_rng(k)).suggestions[3] for k in range(20)}
    assert len({one.item_id for one in drawn}) > 1
    assert all(one.propensity < 1 for one in drawn)


def test_progress_runs_from_nothing_to_all() -> None:
    """The callback sees shares that rise to 1."""
    shares: list[float] = []
    Orders(trees=5).fit(habits(8), progress=lambda what, share: shares.append(share))

    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_signals_are_a_table_whose_right_answers_are_marked() -> None:
    """Each signal is a column; of every customer the items of the last order are marked, once each."""
    table = Orders.signals(habits())

    assert set(table) == {"customer", "item", "ordered", *NAMES}
    assert len({len(values) for values in table.values()}) == 1
    assert table["ordered"].sum() == 40
    assert table["own_count"][table["ordered"]].mean() > table["own_count"][~table["ordered"]].mean()


def test_orders_are_read_from_a_file(tmp_path: Path) -> None:
    """As `usual evaluate orders` reads them."""
    path = tmp_path / "orders.csv"
    path.write_text("customer,order_index,item\nann,1,tea\nann,2,pie\n")

    assert Orders.read(path).items.tolist() == ["pie", "tea"]


def test_a_saved_model_forgets_its_customers_and_still_answers(fitted: Orders, tmp_path: Path) -> None:
    """In every version of the folder: no row is left of anybody, and nothing else has changed."""
    fitted.save(tmp_path)
    fitted.save(tmp_path)
    assert Orders.forget_customers(tmp_path) == 2
    assert Orders.forget_customers(tmp_path) == 0
    for path in tmp_path.rglob("arrays.npz"):
        with np.load(path, allow_pickle=False) as arrays:
            assert len(arrays["neighbours.square"]) == len(arrays["neighbours.steep.data"]) == 0
            assert len(arrays["popular.orders"])
    loaded = Orders.load(tmp_path)
    assert loaded.report == fitted.report
    assert loaded.suggest(of(habits(), "c003"), at=NOON).suggestions
