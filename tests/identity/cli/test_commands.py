"""The operator's commands, on the state folder of a half that runs."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from identity.cli import commands as cli
from identity.frames.decode import PHOTO
from identity.results import Device
from plumbing.clock import DAY, MINUTE, system_clock
from tests.identity.fakes import FAKE_PACK, FakeEngine, person_picture
from tests.identity.frames.test_cameras import FIXTURES
from tests.identity.halves import KIOSK, World, pictures, stored
from tests.pictures import with_exif


@pytest.fixture(autouse=True)
def fake_pack(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands find the fake engine where they look for a pack."""
    monkeypatch.setattr(cli, "load_pack", lambda _: FAKE_PACK)
    monkeypatch.setattr(cli, "open_pack", lambda *_: FakeEngine())


def run(world: World, *arguments: str) -> Result:
    return CliRunner().invoke(cli.identity, [arguments[0], "--home", str(world.home), *arguments[1:]])


def test_status_shows_sizes_consents_thresholds_and_keys_and_nobody(world: World) -> None:
    receipt = world.enrol(1, purposes=("orders", "offers")).receipt

    result = run(world, "status")

    assert result.exit_code == 0, result.output
    assert "north: 1 templates of fake@1; active consents: face 1, offers 1, orders 1" in result.output
    assert "    threshold 0.2" in result.output
    assert "keys: 1 in use" in result.output
    assert "audit: whole" in result.output
    assert receipt not in result.output


def test_status_shows_the_live_false_match_rate_after_enough_greetings(world: World) -> None:
    world.enrol(1)
    audit = world.half.audit
    for n in range(3):
        audit.note("north", "recognise", "matched", f"{n:032d}")
    audit.note("south", "not_me", "flagged")  # another tenant's
    audit.note("north", "recognise", "ambiguous")
    audit.note("north", "not_me", "flagged")

    assert '"not me" to 1 of 3 greetings: not enough for a rate yet, 97 more' in run(world, "status").output
    for n in range(197):
        audit.note("north", "recognise", "matched", f"{n:032d}")
    audit.note("north", "not_me", "flagged")
    assert '"not me" to 2 of 200 greetings: live false-match rate 1.00% (95 %: 0.27% to 3.57%)' in (
        run(world, "status").output
    )


def test_not_me_moves_the_rate_of_its_tenant(world: World) -> None:
    world.enrol(1)
    seen = world.recognise(1)
    assert seen.token is not None
    before = cli.false_matches(world.half.audit, "north")
    world.service.customers.not_me.this_visit(Device("north", "kiosk-1"), seen.token)

    assert before.startswith('"not me" to 0 of 1 greetings')
    assert cli.false_matches(world.half.audit, "north").startswith('"not me" to 1 of 1 greetings')
    assert cli.false_matches(world.half.audit, "south").startswith('"not me" to 0 of 0 greetings')


def test_status_says_where_the_audit_breaks(world: World) -> None:
    world.recognise(1)
    world.recognise(1)
    audit = world.home / "identity-audit.log"
    audit.write_text(audit.read_text().replace("nobody", "raised", 1))

    assert "audit: altered: line 0 does not follow" in run(world, "status").output


def test_audit_exits_with_one_after_tampering_and_continues_after_a_restart(world: World) -> None:
    for _ in range(2):
        world.enrol(1, somebody_else=True)
    whole = run(world, "audit")
    head = (world.home / "identity-audit-head").read_text().strip()
    audit = world.home / "identity-audit.log"
    audit.write_text("".join(audit.read_text().splitlines(True)[:1]))

    (world.home / "kept").write_text(head + "\n")
    cut = run(world, "audit", "--kept", str(world.home / "kept"))
    foreign = run(world, "audit", "--kept", str(audit))
    restarted = run(world, "audit", "--restart")
    world.enrol(2)

    assert (whole.exit_code, cut.exit_code, restarted.exit_code) == (0, 1, 0), restarted.output
    assert "whole: 2 lines\n" in whole.output
    assert f"head: {head}\npublic key: " in whole.output
    assert "not signed by this installation" in foreign.output
    assert "truncated: the end is missing from line 1 on" in cut.output
    assert len(list(world.home.glob("identity-audit.log.*"))) == 2
    assert world.half.audit.examined().in_words() == ["whole: 2 lines"]


def test_forget_takes_effect_in_a_running_server_which_passes_it_on(world: World) -> None:
    made = world.enrol(1)
    assert world.recognise(1).decision == "matched"

    result = run(world, "forget", "--tenant", "north", made.receipt)

    assert result.exit_code == 0, result.output
    assert "The server informs the recommender" in result.output
    assert world.recognise(1).decision == "unknown"
    world.clock.now += MINUTE
    world.service.press(Device("north", "kiosk-1"))
    assert len(world.elsewhere.tokens) == 1
    assert stored(world)[0] == 0


def test_rotate_renews_master_key_and_templates_under_a_running_server(world: World) -> None:
    for person in range(3):
        world.enrol(person)
    master = (world.home / "master.key").read_bytes()
    sealed = [row["sealed"] for row in world.half.databases[0].rows("SELECT sealed FROM templates")]

    result = run(world, "rotate")

    assert result.exit_code == 0, result.output
    assert "4 secrets wrapped by a new master key" in result.output
    assert "3 templates have a new rotation" in result.output
    assert len((world.home / "master.key").read_bytes().split()) == 1
    assert (world.home / "master.key").read_bytes() != master
    assert not {r["sealed"] for r in world.half.databases[0].rows("SELECT sealed FROM templates")} & set(sealed)
    assert [world.recognise(person).decision for person in range(3)] == ["matched"] * 3
    world.enrol(7)
    again = world.other()
    assert [again.recognise(person).decision for person in (0, 1, 2, 7)] == ["matched"] * 4
    again.close()


def test_calibrate_measures_on_strangers_and_stores_numbers_only(world: World, tmp_path: Path) -> None:
    world.enrol(1)
    for person in range(40):
        folder = tmp_path / "drawn" / f"{person:03}"
        folder.mkdir(parents=True)
        for n, data in enumerate(pictures(500 + person)):
            (folder / f"{n}.png").write_bytes(data)

    result = run(world, "calibrate", "--tenant", "north", "--images", str(tmp_path / "drawn"))

    assert result.exit_code == 0, result.output
    assert "Threshold 0." in result.output
    assert world.half.stores.thresholds.tail("north", FAKE_PACK.id, "single") is not None
    assert world.recognise(1).decision == "matched"

    both = run(world, "calibrate", "--tenant", "north", "--images", str(tmp_path), "--vectors", str(tmp_path))
    assert "One after the other" in both.output
    as_devices = run(world, "calibrate", "--tenant", "north", "--vectors", str(tmp_path / "drawn"))
    assert as_devices.exit_code == 0, as_devices.output
    tails = [world.half.stores.thresholds.tail("north", FAKE_PACK.id, kind) for kind in ("single", "vectors")]
    assert tails[0] == tails[1]  # the same pixels on both ways


def test_calibrate_names_every_file_that_it_does_not_use_and_sums_up(world: World, tmp_path: Path) -> None:
    """A folder as phones fill it: HEIC, turned, 12 million pixels, notes of the system; too few to measure on."""
    folder = tmp_path / "drawn"
    files = {
        "a/0.JPG": with_exif(large(person_picture(500)), 1),
        "a/1.png": person_picture(500, 1),
        "a/2.png": person_picture(500, 2) + bytes(40),
        "b/0.heic": (FIXTURES / "phone.heic").read_bytes(),
        "b/1.mov": b"\0\0\0\x14ftypqt  " + bytes(100),
        "b/.hidden": b"",
        "b/2.jpg/inside.png": b"",
        "b/large.jpg": bytes(PHOTO.bytes + 1),
        "left.jpg": b"",
    }
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)

    said = run(world, "calibrate", "--tenant", "north", "--images", str(folder)).output

    assert "b/0.heic: not used. The file is a HEIC picture. Set the camera to JPEG" in said
    assert "b/1.mov: not used. The file is a video" in said
    assert "b/.hidden: not used. Its name begins with a dot." in said
    assert "b/2.jpg: not used. Pictures stand in the folder of their person itself." in said
    assert "b/large.jpg: not used. The picture has 30000001 bytes; at most 30000000 are allowed." in said
    assert "left.jpg: not used. It stands beside the folders of the people." in said
    causes = ("folder_inside", "no_folder", "heic_image", "not_an_image", "frame_too_large")
    assert f"by cause: hidden 1, {', '.join(f'{code} 1' for code in causes)}." in said
    assert "People with fewer than 3 usable pictures, left out: b (0)." in said
    assert "Measured on 1 of 2 people, 3 of 6 pictures." in said
    assert "a cohort needs people" in said


def large(png: bytes) -> bytes:
    """The picture as a JPEG of 12 million pixels."""
    pixels = np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR), np.uint8)
    return cv2.imencode(".jpg", cv2.resize(pixels, (4_000, 3_000)))[1].tobytes()


def test_calibrate_on_too_few_says_so(world: World, tmp_path: Path) -> None:
    (tmp_path / "drawn" / "one").mkdir(parents=True)

    result = run(world, "calibrate", "--tenant", "north", "--images", str(tmp_path / "drawn"))

    assert result.exit_code == 1
    assert "a cohort needs people" in result.output


def test_a_clock_that_jumped_is_confirmed_by_an_operator(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.enrol(1)
    world.enrol(2)
    world.days_pass(1)
    world.clock.now += 400 * DAY
    monkeypatch.setattr(cli, "system_clock", world.clock)
    world.service.press(KIOSK)
    assert stored(world)[0] == 2

    asked = CliRunner().invoke(cli.identity, ["confirm-clock", "--home", str(world.home)], input="n\n")
    assert "400 days ahead" in asked.output
    assert "2 customers who stopped coming will be forgotten" in asked.output
    assert "Nothing was changed" in asked.output
    world.service.erasures.expire()
    assert stored(world)[0] == 2

    assert "Confirmed" in run(world, "confirm-clock", "--yes").output
    world.service.erasures.expire()
    assert stored(world)[0] == 0


def test_a_receipt_can_be_given_where_no_other_user_sees_it(world: World) -> None:
    """The words of a command are shown by `ps`."""
    made = world.enrol(1)

    result = CliRunner().invoke(
        cli.identity, ["forget", "--home", str(world.home), "--tenant", "north", "-"], input=made.receipt + "\n"
    )

    assert result.exit_code == 0, result.output
    assert made.receipt not in result.output
    assert world.recognise(1).decision == "unknown"


def test_the_pack_in_use_is_not_retired_by_a_slip(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.enrol(1)
    monkeypatch.setattr(cli, "load_pack", lambda name: FAKE_PACK)
    words = ["retire", "--home", str(world.home), FAKE_PACK.id]

    refused = CliRunner().invoke(cli.identity, words)

    assert refused.exit_code == 1
    assert "is the pack in use" in refused.output
    assert world.recognise(1).decision == "matched"


class TestHeld:
    """`usual identity held`: what a screen could not end by itself."""

    @pytest.fixture(autouse=True)
    def today(self, world: World) -> None:
        """A command has the machine's clock, by which a pause of 2024 is over."""
        world.clock.now = system_clock()
        run(world, "held")  # says once which files others could read

    def held(self, world: World, person: int = 1) -> str:
        """Somebody without a PIN said "not me" for good, and then asks to be forgotten by face."""
        world.enrol(person, somebody_else=person == 1)
        token = world.recognise(person).token
        if token is not None:
            world.service.customers.not_me.for_good(KIOSK, token)
        nonce, _ = world.service.press(KIOSK)
        return world.service.forget_face(KIOSK, nonce, pictures(person, 1, first=60)).reference or ""

    def test_it_lists_and_ends_what_waits(self, world: World) -> None:
        assert run(world, "held").output == "Nobody waits.\n"
        first, second = self.held(world), self.held(world, 2)

        listed = run(world, "held").output
        assert f"{first}  north: 1 customer\n" in listed
        assert f"{second}  north: 1 customer\n" in listed
        assert "opt-outs: 2 wait for a member of staff (usual identity held)" in run(world, "status").output
        both = run(world, "held", first, "--erase", "--resume")
        assert (both.exit_code, "one of --erase and --resume" in both.output) == (2, True)
        assert run(world, "held", first, "--erase").output.endswith("1 erased.\n")
        assert run(world, "held", second.lower(), "--resume").output == "1 greeted as before.\n"
        assert stored(world)[:2] == (1, 1)
        for how in ("--erase", "--resume"):
            ended = run(world, "held", first, how)
            assert (ended.exit_code, "Nothing waits under this reference" in ended.output) == (1, False)
            assert "usual identity held" in ended.output

    def test_of_several_it_asks_for_the_code_or_the_pin(self, world: World) -> None:
        made = world.enrol(1)
        reference = self.held(world)
        assert "one of 2 who look alike" in run(world, "held").output
        command = ["held", "--home", str(world.home), reference, "--erase"]

        without = CliRunner().invoke(cli.identity, command)
        wrong = CliRunner().invoke(cli.identity, command, input="0000\n")
        right = CliRunner().invoke(cli.identity, command, input=f"{made.receipt}\n")

        assert (without.exit_code, wrong.exit_code, right.exit_code) == (1, 1, 0)
        assert "--everybody" in without.output
        assert "1 erased" in right.output
        assert stored(world)[:2] == (1, 1)

    @pytest.mark.parametrize("words", [("X",), ("--erase",), ("X", "--resume", "--everybody")])
    def test_words_that_do_not_fit_together_are_refused(self, world: World, words: tuple[str, ...]) -> None:
        assert run(world, "held", *words).exit_code == 2


def test_regions_are_set_shown_and_taken_away_and_count_in_every_process(world: World) -> None:
    other = world.other()
    world.enrol(1, Device("north", "kiosk-1", "market"))
    assert run(world, "regions", "--tenant", "north").output == "No site has a region.\n"

    result = run(world, "regions", "--tenant", "north", "market=centre", "station = centre")

    assert result.output == "market: centre\nstation: centre\n"
    assert other.half.galleries.current("north").regions == {"market": "centre", "station": "centre"}
    assert run(world, "regions", "--tenant", "north", "station=").output == "market: centre\n"
    assert run(world, "regions", "--tenant", "south").output == "No site has a region.\n"
    assert other.half.galleries.current("north").regions == {"market": "centre"}
    other.close()


@pytest.mark.parametrize("pair", ["market", "=north", "x" * 65 + "=north", "market=north\x07"])
def test_a_region_that_is_none_is_refused_and_nothing_is_set(world: World, pair: str) -> None:
    result = run(world, "regions", "--tenant", "north", "harbour=south", pair)

    assert result.exit_code == 2
    assert world.half.stores.regions.of_tenant("north") == {}
