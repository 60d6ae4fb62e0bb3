"""What a line of the audit says, to whom; and a log of 0.2.0 in the lines of today."""

from __future__ import annotations

import os
import secrets
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from identity.audit.check import BEGIN
from identity.audit.lines import WIDTH, AuditLine, Said, place, written
from identity.audit.log import SIGNED_EVERY
from identity.audit.seal import AuditSeal, Head
from plumbing.clock import DAY
from tests.conftest import ROOT
from tests.identity.audit.test_audit import SIX, House
from tests.identity.halves import KIOSK, START, World

FIXTURE = ROOT / "tests/fixtures/audit-0.2.0.tar.gz"
OLD_SUBJECT = "ab" * 16


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.close()


def words(house: House) -> list[list[str]]:
    return [line.split() for line in house.lines]


class TestALine:
    def test_no_two_lines_of_a_customer_have_anything_in_common(self, house: House) -> None:
        """What differs from line to line of one customer differs as much as between two customers."""
        ann, ben = secrets.token_hex(16), secrets.token_hex(16)
        for subject in (ann, ann, ann, ben, ben, ben):
            house.audit.note("north", "recognise", "matched", subject, device="kiosk-1", purposes=("orders",))

        said = words(house)

        for column in (5, 6, 7):  # tag, details, hash
            assert len({line[column] for line in said}) == 6
        assert not any(part in "".join(house.lines) for part in (ann, ben, "kiosk-1", "orders"))

    def test_the_day_is_all_the_time_that_is_plain(self, house: House) -> None:
        clock = house.audit._now_us
        for second in range(3):
            clock.now = START + 7 * 3_600_000_000 + second * 1_000_000  # type: ignore[attr-defined]  # StoppedClock
            house.audit.note("north", "recognise", "matched", OLD_SUBJECT, device="kiosk-1")
        house.audit.sign()

        assert {line[1] for line in words(house)} == {"2024-10-04"}
        assert house.seal.head().at_us == START
        assert [line.moment_us % DAY // 1_000_000 for line in house.audit.lines_of(OLD_SUBJECT)] == [
            25200,
            25201,
            25202,
        ]

    def test_a_customers_lines_are_found_with_their_secret_alone(self, house: House) -> None:
        ann, ben = secrets.token_hex(16), secrets.token_hex(16)
        for number in range(40):
            house.audit.note("north", "recognise", "nobody", device="kiosk-1")
            house.audit.note(
                "north",
                "recognise",
                "matched",
                (ann, ben)[number % 2],
                device=f"k{number}",
                purposes=("orders", "offers"),
            )

        found = house.audit.lines_of(ann)

        assert [line.device for line in found] == [f"k{number}" for number in range(0, 40, 2)]
        assert found[0] == AuditLine(1, "2024-10-04", "recognise", "matched", START, "k0", ("orders", "offers"))
        assert house.audit.lines_of(secrets.token_hex(16)) == []
        assert [line.device for line in house.audit.about_nobody()] == 40 * ["kiosk-1"]

    def test_any_name_and_any_clock_fit_into_a_line(self, house: House) -> None:
        clock = house.audit._now_us
        for now in (0, -1, 2**62, START):
            clock.now = now  # type: ignore[attr-defined]  # StoppedClock
            house.audit.note(
                "n" * 64, "recognise!" * 3, "matched" * 9, OLD_SUBJECT, device="é" * 64, purposes=("x" * 99,)
            )

        assert house.audit.path.stat().st_size == 4 * WIDTH
        assert house.audit.examined().faults == []
        assert [line.device for line in house.audit.lines_of(OLD_SUBJECT)] == 4 * [32 * "é"]


def test_every_line_about_a_customer_says_where_and_for_what(tmp_path: Path) -> None:
    world = World(tmp_path)
    made = world.enrol(1)
    found = world.half.service.customers.accounts.find("north", row_id(world, made.receipt))
    assert found is not None
    secret = found.links.audit
    world.recognise(1)
    token = world.recognise(1).token
    assert token is not None
    world.service.customers.not_me.this_visit(KIOSK, token)
    world.service.forget(KIOSK, made.receipt)

    lines = world.half.audit.lines_of(secret)

    assert [(line.event, line.outcome) for line in lines] == [
        ("enrol", "enrolled"),
        ("recognise", "matched"),
        ("recognise", "matched"),
        ("not_me", "flagged"),
        ("forget", "receipt"),
    ]
    assert {line.device for line in lines[:-1]} == {KIOSK.name}
    assert lines[1].purposes == ("orders",)
    world.close()


def then(call: Callable[..., None], error: type[Exception]) -> Callable[..., None]:
    """`call`, and then the error."""

    def both(*arguments: object, **named: object) -> None:
        call(*arguments, **named)
        raise error

    return both


def row_id(world: World, receipt: str) -> str:
    return world.service.customers.accounts.of_receipt(KIOSK, receipt).customer_id


def test_verifying_takes_no_longer_than_it_may(house: House) -> None:
    """100,000 lines within five seconds; here a tenth of them, in a tenth of the time."""
    count = 10_000
    text, before = [], BEGIN
    for number in range(count):
        said = Said(place("north"), "recognise", "matched", OLD_SUBJECT, "kiosk-1", ("orders",))
        text.append(written(number, before, said, START, house.seal.nobodys, house.seal.chained))
        before = text[-1][-65:-1]
    house.visits(1)
    house.audit.restart()
    house.put(text)

    began = time.process_time()
    found = house.audit.examined()

    assert time.process_time() - began < 0.5
    assert (found.lines, [fault.kind for fault in found.faults]) == (count, ["rewritten"])  # not what was signed


class TestALogOfAnOlderRelease:
    @pytest.fixture
    def old(self, tmp_path: Path) -> Path:
        with tarfile.open(FIXTURE) as tar:
            tar.extractall(tmp_path, filter="data")
        return tmp_path

    def test_it_is_written_in_the_lines_of_today_and_is_whole(self, old: Path) -> None:
        house = House(old)

        assert house.audit.examined().in_words() == ["whole: 20 lines"]
        assert OLD_SUBJECT not in "".join(house.lines)
        assert [(line.number, line.event) for line in house.audit.lines_of(OLD_SUBJECT)] == [(17, "enrol")]
        assert house.audit.count("north", "recognise", "nobody") == 17
        assert not list(old.glob("*.upgraded"))
        house.visits(2 * SIGNED_EVERY)
        house.close()
        again = House(old)
        assert again.audit.examined().in_words() == [f"whole: {20 + 2 * SIGNED_EVERY} lines"]
        again.close()

    @pytest.mark.parametrize("done", sorted(set(SIX) - {"altered: the last"}))  # its last line is no stranger's
    def test_what_was_done_to_it_stays_a_fault_until_an_operator_restarts(self, old: Path, done: str) -> None:
        path = old / "identity-audit.log"
        path.write_text("".join(SIX[done](path.read_text().splitlines(True))))
        emptied = path.stat().st_size == 0

        house = House(old)
        kinds = house.kinds
        house.visits(SIGNED_EVERY)

        assert kinds == house.kinds == ({"truncated"} if emptied else {"older log"})
        if not emptied:
            assert len(list(old.glob("identity-audit.log.*"))) == 2  # with its head, as evidence
        house.audit.restart()
        assert house.kinds == set()
        house.close()

    @pytest.mark.parametrize("stopped", ["draft", "mark", "head", "emptied", "half"])
    def test_a_power_cut_in_the_middle_is_gone_on_from(
        self, old: Path, stopped: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Cut(Exception):
            pass

        def cut(*_: object, **__: object) -> None:
            raise Cut

        truncate, write = os.ftruncate, os.pwrite

        def half(file: int, content: bytes, at: int) -> None:
            write(file, content[: 3 * WIDTH + 7] if len(content) > 10 * WIDTH else content, at)
            if len(content) > 10 * WIDTH:
                raise Cut

        def emptied(file: int, size: int) -> None:
            truncate(file, size)
            if size == 0:
                raise Cut

        with monkeypatch.context() as patch:
            if stopped == "draft":
                patch.setattr(AuditSeal, "begin_again", cut)
            elif stopped == "mark":
                patch.setattr(AuditSeal, "set_marks", then(AuditSeal.set_marks, Cut))
            elif stopped == "head":
                patch.setattr(os, "ftruncate", lambda file, size: cut() if size == 0 else truncate(file, size))
            elif stopped == "emptied":
                patch.setattr(os, "ftruncate", emptied)
            else:
                patch.setattr(os, "pwrite", half)
            with pytest.raises(Cut):
                House(old)

        house = House(old)
        assert house.audit.examined().in_words() == ["whole: 20 lines"]
        assert not list(old.glob("*.upgraded"))
        house.close()

    def test_a_draft_that_was_planted_shortens_nothing(self, old: Path) -> None:
        house = House(old)
        house.visits(SIGNED_EVERY)
        house.audit.sign()
        house.close()
        whole = (old / "identity-audit.log").read_bytes()
        (old / "identity-audit.log.upgraded").write_bytes(whole[: 18 * WIDTH])
        (old / "identity-audit.log").write_bytes(b"")

        again = House(old)

        assert again.kinds == {"truncated"}
        again.close()

    def test_an_older_copy_of_the_head_is_named_and_not_compared(self, old: Path) -> None:
        house = House(old)
        kept = Head(5, "0" * 64, START + 1)

        assert [fault.kind for fault in house.audit.examined(kept).faults] == ["kept too old"]
        house.close()
