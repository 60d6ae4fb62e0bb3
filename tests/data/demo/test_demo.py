"""The demo: its story comes true on the real server, and when it does not, the demo says so."""

from __future__ import annotations

import fcntl
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from data.demo import stage
from data.demo.client import Client, Refused
from data.demo.command import Plan, demo
from data.demo.members import Member
from data.demo.server import Server, command, free_port, serving
from data.demo.setting import Setting, StageError, sweep
from data.demo.story import Story, StoryBroken, expect, refused_with
from data.demo.terminal import Bar
from data.faces import people
from data.town.town import Town
from identity.cli.commands import open_half
from plumbing.clock import system_clock
from plumbing.init_cli import begin
from tests import magic
from tests.conftest import ROOT

CACHE = ROOT / ".cache" / "models"


class NoBar:
    def update(self, n: int) -> None:
        """Nothing is printed."""


@contextmanager
def quiet(label: str, total: int) -> Iterator[Bar]:
    yield NoBar()


def setting(folder: Path) -> Setting:
    return Setting(folder, "dlib", None, CACHE, system_clock)


@pytest.mark.slow
def test_the_story_of_a_small_town_comes_true(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opting in, an order, an offer, a ride and an opt-out over HTTP: every step is checked."""
    monkeypatch.setattr(people, "draw_face", magic.marked(people.draw_face))
    plan = Plan(setting(tmp_path), 0, customers=8, seed=0, serve=False, keep=False, townsfolk=50, strangers=40)

    plan.run()
    printed = capsys.readouterr().out
    assert plan.finished
    assert plan.setting.camera.stat().st_size > 100_000
    for line in (
        "opted in: 8 to orders",
        "Recognised and answered",
        "Redeemed",
        "the right PIN does",
        "a stranger",
    ):
        assert line in printed
    assert not any(name in printed for name in ("c000", "c001", "town-0-"))  # no customer is named


def test_nothing_to_go_on_with_is_said(tmp_path: Path) -> None:
    """--keep in an empty folder ends with a sentence and another status than 0."""
    done = CliRunner().invoke(demo, ["--keep", "--folder", str(tmp_path)])

    assert done.exit_code == 1
    assert "without --keep first" in done.output


def test_two_demos_do_not_sweep_each_other_away(tmp_path: Path) -> None:
    """A second demo in the same folder is refused while the first one runs."""
    with (tmp_path / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        done = CliRunner().invoke(demo, ["--no-serve", "--folder", str(tmp_path)])

    assert done.exit_code == 1
    assert "already running" in done.output
    assert not (tmp_path / "state").exists()


def test_a_taken_port_is_left_alone() -> None:
    """When somebody listens on the wanted port, another one is taken."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]

        assert free_port(taken) not in (0, taken)


def test_whatever_ends_the_demo_ends_the_server(tmp_path: Path) -> None:
    """Ctrl-C inside the block stops the server and frees its port; what its processes did is signed."""
    here = setting(tmp_path)
    sweep(here)
    key = stage.make_keys(here)["kiosk"]
    seen: list[Server] = []

    def interrupted() -> None:
        with serving(here, free_port(0)) as server:
            seen.append(server)
            assert server.running()
            with Client(server.url, key) as kiosk:
                assert kiosk.recognise([people.draw_face(1, 50)])["decision"] == "unknown"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not seen[0].running()
    with pytest.raises(OSError, match="refused"), Client(seen[0].url, "") as client:
        client.call("GET", "/health/live")
    half = open_half(here.home, "dlib")
    found = half.audit.examined()
    half.close()
    assert (found.lines, found.unsigned, found.faults) == (1, 0, [])


def test_the_error_of_a_server_that_cannot_start_has_its_log(tmp_path: Path) -> None:
    """The last lines of the server's log are in the error."""
    here = Setting(tmp_path, "no-such-pack", None, CACHE, system_clock)
    sweep(here)
    (here.home / "recommender.db").mkdir()

    with pytest.raises(StageError, match="ended with status"), serving(here, free_port(0)):
        raise AssertionError("the server cannot have become ready")


def test_the_error_of_a_command_that_fails_has_its_output(tmp_path: Path) -> None:
    """What `usual` said is in the error."""
    here = setting(tmp_path)
    sweep(here)
    begin(here.home)
    (tmp_path / "events.csv").write_text("a,b\n1,2\n", encoding="utf-8")

    with pytest.raises(StageError, match="lacks the columns"):
        command(here, "import", "events", str(tmp_path / "events.csv"))


class Stranger:
    """A kiosk that knows nobody."""

    def visit(self, *_: object) -> dict[str, Any]:
        return {
            "decision": "unknown",
            "token": None,
            "purposes": [],
            "suggestions": {"items": [], "fallback": "x"},
        }


def test_a_story_that_does_not_hold_breaks_off() -> None:
    """When a customer is not recognised the story does not go on as if they were."""
    town = Town.build(customers=10, days=30)
    members = [Member(name, k, ("orders",), "") for k, name in enumerate(town.customers)]
    story = Story(town, members, lambda text: None, system_clock)

    with pytest.raises(StoryBroken, match="a customer who opted in is recognised"):
        story.order(Stranger())  # type: ignore[arg-type]
    with pytest.raises(StoryBroken, match="did not come true: water is wet"):
        expect(False, "water is wet")


def test_a_refusal_is_known_by_its_code() -> None:
    """`refused_with` gives the code of the problem, and nothing when there was none."""

    def refused() -> None:
        raise Refused(403, {"code": "second_factor_required", "detail": "PIN"}, "GET /x")

    assert refused_with(refused) == "second_factor_required"
    assert refused_with(lambda: None) == ""


def test_the_drawn_strangers_are_drawn_once(tmp_path: Path) -> None:
    """A second calibration reads the strangers' vectors and comes to the same threshold."""
    drawn: list[str] = []

    @contextmanager
    def counting(label: str, total: int) -> Iterator[Bar]:
        drawn.append(label)
        with quiet(label, total) as bar:
            yield bar

    thresholds = []
    for name in ("a", "b"):
        here = setting(tmp_path / name)
        here.folder.mkdir()
        sweep(here)
        thresholds.append(stage.calibrate_pack(here, counting, 40))

    assert thresholds[0] == thresholds[1]
    assert thresholds[0] is not None
    assert len(drawn) <= 1
