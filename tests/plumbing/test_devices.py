"""A device is one screen: its name, its key, and what is bound to it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask, request

from plumbing.access import access as access_module
from plumbing.access.access import Access, Caller, DeviceNameRefused, DeviceTaken, KeyRefused, ScopeMissing
from plumbing.clock import DAY, HOUR, system_clock
from plumbing.init_cli import begin
from plumbing.keys_cli import keys
from plumbing.storage.sqlite import SQLiteDatabase
from plumbing.storage.state import State
from tests.conftest import ROOT

OLD = ROOT / "tests" / "fixtures" / "access-0.2.0.db"
NOW = 1_700_000_000_000_000


class Clock:
    """A clock that moves only when a test sets it."""

    now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def access(state: State, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Access]:
    if state.url is not None:
        monkeypatch.setenv("USUAL_DATABASE", state.url)  # for the commands
    database = state.database("access", access_module.migrations)
    yield Access(database, clock)
    database.close()


def caller_of(access: Access, key: str) -> Caller:
    with Flask(__name__).test_request_context(headers={"X-API-Key": key}):
        return access.authenticate(request)


def paired(access: Access, **how: object) -> str:
    return access.pair(access.create_pairing("mill", "kiosk", **how))[1]  # type: ignore[arg-type]  # names of options


def run(home: Path, *words: str) -> str:
    begin(home)
    done = CliRunner().invoke(keys, [*words, "--home", str(home), "--tenant", "mill"])
    assert done.exit_code == 0, done.output
    return done.stdout.strip()


def test_two_kiosks_paired_without_a_name_are_two_devices(tmp_path: Path, access: Access, clock: Clock) -> None:
    clock.now = system_clock()  # as the commands see it
    links = [run(tmp_path, "pair", "kiosk", "--site", site) for site in ("market", "station", "station")]

    callers = [caller_of(access, access.pair(link.partition("#pair=")[2])[1]) for link in links]

    assert len({caller.device for caller in callers}) == 3
    assert [caller.site for caller in callers] == ["market", "station", "station"]
    assert all(caller.device.startswith("kiosk-") for caller in callers)


def test_a_name_that_exists_is_refused_unless_it_is_to_be_replaced(access: Access) -> None:
    first = paired(access, device="till", site="north")

    with pytest.raises(DeviceTaken, match="--replace"):
        access.create_pairing("mill", "kiosk", device="till", site="south")
    assert caller_of(access, first).device == "till"
    other = access.create_pairing("grill", "kiosk", device="till")  # another tenant's names are its own
    assert caller_of(access, access.pair(other)[1]).device == "till"


def test_a_replaced_screen_keeps_its_key_until_the_new_link_is_opened(access: Access) -> None:
    first = paired(access, device="till", site="north")
    code = access.create_pairing("mill", "kiosk", device="till", site="south", replace=True)
    assert caller_of(access, first).site == "north"

    _, second = access.pair(code)

    with pytest.raises(KeyRefused):
        caller_of(access, first)
    assert caller_of(access, second).site == "south"


def test_what_was_bound_to_the_earlier_screen_is_not_bound_to_the_new_one(access: Access) -> None:
    first = caller_of(access, paired(access, device="till")).device
    second = caller_of(access, paired(access, device="till", replace=True)).device
    access.revoke_key("mill", str(access.keys("mill")[0]["key_id"]))
    third = caller_of(access, paired(access, device="till")).device

    assert len({first, second, third}) == 3


def test_a_key_of_the_same_name_at_another_site_is_refused(access: Access) -> None:
    key = access.create_key("mill", ["identify"], device="till", site="north")
    more = access.create_key("mill", ["suggest"], device="till")

    assert caller_of(access, more).site == "north"
    assert caller_of(access, more).device == caller_of(access, key).device
    with pytest.raises(DeviceTaken):
        access.create_key("mill", ["identify"], device="till", site="south")


def test_keys_without_a_device_share_none(access: Access) -> None:
    one, two = (caller_of(access, access.create_key("mill", ["identify"])).device for _ in range(2))

    assert one != two
    assert "" not in (one, two)


@pytest.mark.parametrize("name", ["till~2", "key:1", "two\nlines", "x" * 49, "nul\0", "me"])
def test_a_name_that_could_be_another_devices_is_refused(access: Access, name: str) -> None:
    with pytest.raises(DeviceNameRefused):
        access.create_key("mill", ["identify"], device=name)
    with pytest.raises(DeviceNameRefused):
        access.create_pairing("mill", "kiosk", device=name)


def test_the_list_shows_device_site_last_use_and_end(tmp_path: Path, access: Access, clock: Clock) -> None:
    key = access.create_key("mill", ["identify"], device="till", site="north", days=10)
    clock.now += 1
    access.create_key("mill", ["admin"])
    clock.now += DAY
    caller_of(access, key)

    lines = run(tmp_path, "list").splitlines()

    assert all(part in lines[0] for part in ("till", "north", "used 2023-11-15", "until 2023-11-24", "identify"))
    assert all(part in lines[1] for part in ("server", "never used", "admin"))


def test_a_rotated_key_and_the_one_before_are_both_valid_for_the_overlap(access: Access, clock: Clock) -> None:
    old = access.create_key("mill", ["identify"], device="till", site="north")
    key_id = str(access.keys("mill")[0]["key_id"])

    new = access.rotate_key("mill", key_id, overlap_us=HOUR)

    assert new is not None
    assert caller_of(access, old).device == caller_of(access, new).device == "till"
    assert caller_of(access, old).key_id != caller_of(access, new).key_id
    clock.now += HOUR + 1
    assert caller_of(access, new).scopes == {"identify"}
    with pytest.raises(KeyRefused):
        caller_of(access, old)
    assert access.rotate_key("mill", key_id) is None


def test_the_command_rotates_a_servers_key_by_a_secret_and_a_screens_by_a_link(
    access: Access, clock: Clock, tmp_path: Path
) -> None:
    clock.now = system_clock()
    server, screen = access.create_key("mill", ["privacy"]), paired(access, device="till", site="north")
    ids = {str(row["page"]): str(row["key_id"]) for row in access.keys("mill")}

    fresh = run(tmp_path, "rotate", "device", ids[""])
    link = run(tmp_path, "rotate", "device", ids["kiosk"])

    assert caller_of(access, fresh).scopes == caller_of(access, server).scopes
    assert caller_of(access, screen).site == "north"
    _, again = access.pair(link.partition("#pair=")[2])
    assert caller_of(access, again).site == "north"
    with pytest.raises(KeyRefused):
        caller_of(access, screen)


def test_the_first_use_of_a_day_does_not_wait_for_a_locked_database(access: Access, state: State) -> None:
    key = access.create_key("mill", ["identify"])
    other = state.database("access", access_module.migrations)
    with other.write():
        assert caller_of(access, key).tenant == "mill"
    other.close()


class TestAccessOf020:
    """tests/fixtures/access-0.2.0.db: three kiosks called `kiosk`, one `till` with two keys and one elsewhere."""

    @pytest.fixture
    def old(self, tmp_path: Path, clock: Clock) -> Iterator[Access]:
        shutil.copy(OLD, tmp_path / "access.db")
        database = SQLiteDatabase(tmp_path / "access.db", access_module.migrations)
        yield Access(database, clock)
        database.close()

    def test_screens_that_shared_a_name_get_one_each(self, old: Access) -> None:
        kiosks = [str(row["device"]) for row in old.keys("demo") if str(row["device"]).startswith("kiosk")]

        assert len(set(kiosks)) == len(kiosks) == 3
        assert "kiosk" in kiosks

    def test_keys_of_one_chosen_name_at_one_site_stay_one_device(self, old: Access) -> None:
        tills = [(row["device"], row["site"]) for row in old.keys("demo") if str(row["device"]).startswith("till")]

        assert tills[0] == tills[1] == ("till", "market")
        assert tills[2][0] != "till"
        assert tills[2][1] == "station"

    def test_a_pairing_that_is_still_open_makes_a_device_of_its_own(self, old: Access) -> None:
        row = old._database.row("SELECT device FROM pairings")
        assert row is not None
        assert row["device"] not in {key["device"] for key in old.keys("demo")}


def test_a_key_without_the_scope_is_told_which_command_makes_one(access: Access) -> None:
    key = access.create_key("mill", ["event"])
    with (
        Flask(__name__).test_request_context(headers={"X-API-Key": key}),
        pytest.raises(ScopeMissing, match="usual keys create --scope suggest"),
    ):
        access.authenticate(request, "suggest")


def test_a_page_without_a_key_is_told_how_each_kind_is_let_in() -> None:
    assert "`usual keys pair`" in KeyRefused().detail
    assert "`usual keys pair own`" in KeyRefused().detail
