"""A power cut is never taken for a hand, whatever it leaves; and a hand is never taken for a power cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from identity.audit.log import SIGNED_EVERY, WIDTH
from tests.identity.audit.cuts import cuts
from tests.identity.audit.test_audit import LINES, SIX, House, made_anew, says


def busy_day(home: Path) -> None:
    """Visits, opt-ins and opt-outs of two processes, and a start in between."""
    first, second = House(home), House(home)
    for number in range(2 * SIGNED_EVERY + 5):
        first.visits(2)
        second.visits(1, "matched")
        if number % 5 == 4:
            first.audit.note("north", "enrol", "enrolled", "ab" * 16, sync=True)
        if number % 7 == 6:
            second.audit.note("north", "forget", "receipt", "cd" * 16, sync=True)
    second.close()
    second = House(home)
    second.visits(5)
    second.close()
    first.close()


def a_quiet_day(home: Path) -> None:
    """Few lines, none of which waits for the disk: nearly all of it is torn by a cut."""
    house = House(home)
    house.visits(3 * SIGNED_EVERY - 2)
    house.close()


def restarted(home: Path) -> None:
    """The chain is put aside and begun again."""
    house = House(home)
    house.visits(SIGNED_EVERY + 3)
    house.audit.note("north", "enrol", "enrolled", "ab" * 16, sync=True)
    house.audit.restart()
    house.visits(SIGNED_EVERY + 3)
    house.close()


def serve_on(home: Path) -> list[str]:
    """What is wrong after a start: what the audit says, and whether it is signed again."""
    house = House(home)
    wrong = [words for words in house.audit.examined().in_words() if not words.startswith(("whole", "torn"))]
    house.visits(3)
    house.audit.note("north", "enrol", "enrolled", "ef" * 16, sync=True)
    found, head = house.audit.examined(), house.seal.head()
    if found.faults or found.torn or head.count != found.lines:
        wrong.append(f"{found}, signed {head.count}")
    house.close()
    return wrong


@pytest.mark.parametrize("scenario", [busy_day, a_quiet_day, restarted])
def test_no_power_cut_is_taken_for_a_hand_and_signing_goes_on(
    tmp_path: Path, scenario: Callable[[Path], None]
) -> None:
    done, wrong = cuts(scenario, serve_on, tmp_path, 60, seed=7)

    assert done == 80
    assert wrong == []


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.close()


def test_it_says_how_many_lines_were_lost_and_keeps_saying_so(house: House) -> None:
    house.visits(SIGNED_EVERY + 5)
    log = house.audit.path.read_bytes()
    torn = log[: (SIGNED_EVERY + 2) * WIDTH] + bytes(3 * WIDTH)

    house.audit.path.write_bytes(torn)
    assert house.audit.examined().in_words() == [
        "whole: 18 lines, the last 2 not signed yet",
        "torn by a power cut: 3 lines lost at the end",
    ]
    again = house.other()
    again.visits(1)

    assert again.audit.examined().in_words() == ["whole: 20 lines; 3 more were lost in power cuts"]
    assert " audit      torn 3       " in again.lines[SIGNED_EVERY + 2]
    assert again.seal.head().count == SIGNED_EVERY + 4
    again.close()


@pytest.mark.parametrize("done", SIX)
def test_zeros_at_the_end_hide_none_of_the_six_changes(house: House, done: str) -> None:
    """Who changes what was signed and adds what a power cut would leave is found all the same."""
    house.visits(LINES)
    house.audit.sign()
    house.put(SIX[done](house.lines))
    with house.audit.path.open("ab") as file:
        file.write(bytes(2 * WIDTH))

    assert done.partition(":")[0] in house.kinds
    again = house.other()
    again.visits(2 * SIGNED_EVERY)
    assert house.kinds
    again.close()


def test_zeros_among_signed_lines_are_a_fault(house: House) -> None:
    house.visits(LINES)
    house.audit.sign()
    log, head = house.audit.path.read_bytes(), house.seal.path.read_bytes()

    for first, last in ((0, 1), (5, 9), (LINES - 1, LINES)):
        house.audit.path.write_bytes(log[: first * WIDTH] + bytes((last - first) * WIDTH) + log[last * WIDTH :])
        again = house.other()
        assert again.kinds
        again.visits(2 * SIGNED_EVERY)
        assert again.kinds
        again.close()
        house.seal.path.write_bytes(head)


def test_a_line_that_was_made_by_hand_is_a_fault_also_behind_the_head(house: House) -> None:
    house.visits(SIGNED_EVERY + 4)
    house.put([*house.lines[:-2], says(house.lines[-2]), house.lines[-1]])

    assert house.kinds == {"altered"}


def test_what_an_older_release_wrote_is_named_so_and_not_signed(house: House) -> None:
    """A release without a key chains its lines by a plain hash: going back to it is not "rewritten"."""
    house.visits(SIGNED_EVERY)
    lines = house.lines
    for _ in range(3):
        said = f"{len(lines):012d}" + lines[-1][12:]
        lines = made_anew([*lines, said], len(lines))
    house.put(lines)

    assert house.kinds == {"without key"}
    again = house.other()
    again.visits(SIGNED_EVERY)
    assert again.seal.head().count == SIGNED_EVERY
    assert again.kinds
    again.close()
