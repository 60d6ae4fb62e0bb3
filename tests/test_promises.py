"""docs/promises.md and the tests know each other."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import ROOT

TABLE = ROOT / "docs" / "promises.md"
CITED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


# Every rule of these sections, by words of its own. A rule that is removed or reworded fails here first.
RULES = {
    "Capture": (
        "Nothing is read before a press",
        "At most one face is embedded of each frame",
        "Quality is judged before anything is embedded",
        "Two people in a frame refuse the press",
        "Bystanders' pixels are blanked",
        "A stranger leaves nothing",
        "No picture is kept: after the suite every file that it wrote is searched",
        "Nor after an accident, in a traceback or a log, and a crash dumps no memory",
        "The server's own copy of a picture is overwritten",
        "Frames are judged before they are decoded",
        "Of what a camera writes about a picture",
        "Pictures are decoded in a process without keys, files or network",
        "A hostile picture is refused by name and harms its own device alone",
        "When a frame cannot be decoded, no other frame is looked at",
        "A mask is drawn in memory alone",
    ),
    "Deciding": (
        "The threshold follows from the promise, the pack and the size of the gallery",
        "Several frames of a press greet about as few strangers as one",
        "A press looks through its own site, its region, then all",
        "A tenant with one site, and a small gallery, decides as before",
        "A device set to vectors sends no picture",
        "A helper on a kiosk's own computer lets no picture out",
        "A message with vectors is good once",
        "What a device that makes vectors learns in a day",
        "Joining by vectors has the checks",
        "made anew when the gallery grew by 5 %",
        "A calibration from another pack",
        "Templates of another pack are never matched",
        "The promise holds in galleries of 100 to 30,000",
        "set on people apart from those it is tested on",
        "Enrolment takes three frames of one person",
        "A template is made of sharp frames that differ",
        "A template follows slow change",
        "A near tie is ambiguous; lookalikes",
        "A mask never lowers the threshold",
        "No score, rank, count or vector leaves; hit and miss have one size",
        "A person who is not greeted gets a hint what to do",
        '"Not me" is counted',
        "For good only after a confirmation",
        "A second enrolment continues the first",
        "10 failed presses a minute, 5 in a row",
        "What needs a second factor stays closed to a face",
        "What a face may not read it may not write",
        "What opens a purpose is a policy",
        "Liveness has three states",
        "A photograph, a recording and a swap are refused",
        "A passive model can be plugged in",
        "We claim no certification",
    ),
    "Walls": (
        "Templates are sealed under a key of the customer's own",
        "Keys are rotated without the customer",
        "readable by their owner alone",
        "A kept reply goes to the same key, bearer and request alone",
        "A rotation costs no accuracy",
        "Of the sites somebody goes to, one alone is kept",
        "Who leaves is gone from every shard and every stage",
        "Two tenants' templates of one person are unlinkable, renewed ones too",
        "On PostgreSQL the order of the rows says as little, once they are mixed",
        "PostgreSQL's log has nothing of a row",
        "A stolen database opens nothing",
        "cannot be joined with the recommender's",
        "Pseudonyms differ by tenant; a customer of one is a stranger at the other; a foreign object",
        "Packs are pinned by hash, with licence and vendor; denied ones are refused",
        "A pack gets pixels and returns vectors; it has no file, network, program or database",
        "A pack that crashes, hangs or answers nonsense makes a guest",
        "Another pack needs no stored picture",
        "No byte of a customer who left is in the index",
        "A key file that was cut short",
        "The halves meet in the token alone",
        "The audit shows altering, deleting, inserting, reordering, truncating and rewriting",
        "Its head is signed and kept beside it",
        "After a kill the audit is whole",
        "A line of the audit names nobody",
        "100,000 lines are verified",
        "A log of an older release is verified too",
        "join no customer with a pseudonym",
        "A customer's visit and a stranger's take one time",
        "A backup is sealed and holds no key",
        "It is whole while the house is in use",
        "A restore without the keys says how many",
        "Lines that were written without the key are a fault",
        "What was taken back stays taken back after a restore",
    ),
}


@cache
def names_in(name: str) -> set[str]:
    """Names of all tests of a file, in classes or not."""
    tree = ast.parse((ROOT / "tests" / name).read_text())
    return {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name.startswith("test_")}


def rows_of(section: str) -> list[str]:
    """Rows of one section of the table, without its head."""
    text = TABLE.read_text().split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]
    return [line for line in text.splitlines() if line.startswith("| ") and "shown by |" not in line]


def cited() -> set[tuple[str, str]]:
    return set(CITED.findall(TABLE.read_text()))


def test_every_test_that_the_promises_name_exists() -> None:
    missing = {(name, test) for name, test in cited() if test not in names_in(name)}

    assert missing == set()


def test_every_promise_names_a_test() -> None:
    rows = [line for line in TABLE.read_text().splitlines() if line.startswith("| ") and "shown by |" not in line]

    assert len(rows) > 30
    assert [row for row in rows if not CITED.search(row)] == []


@pytest.mark.parametrize(("section", "rule"), [(s, rule) for s, rules in RULES.items() for rule in rules])
def test_every_rule_of_faces_has_a_row_with_its_tests(section: str, rule: str) -> None:
    rows = rows_of(section)

    assert [row for row in rows if rule in row.split(" | ")[0]], f"no row of {section} says: {rule}"
    assert all(CITED.search(row.split(" | ", 1)[1]) for row in rows if rule in row)


def test_every_row_of_faces_is_a_rule_that_is_held() -> None:
    """The other way round: what is new in these sections of the table is added to RULES."""
    free = {
        "Every route needs a key",
        "Logs and metrics name nobody",
        "A failure leaves",
        "identity.db without the keys",
    }
    unheld = [
        (section, row[:80])
        for section, rules in RULES.items()
        for row in rows_of(section)
        if not any(rule in row for rule in rules) and not any(words in row for words in free)
    ]

    assert unheld == []


def test_every_privacy_test_stands_behind_a_promise() -> None:
    files = sorted((ROOT / "tests" / "identity").glob("test_privacy_*.py"))
    kept = {(f"identity/{path.name}", test) for path in files for test in names_in(f"identity/{path.name}")}

    assert len(files) == 4
    assert kept - cited() == set()


def lines_of(text: str) -> list[str]:
    """The lines of the list of promises: rows of its table, points, and the red lines one by one."""
    found: list[str] = []
    for paragraph in text.split("\n## ")[1:]:
        title, _, body = paragraph.partition("\n")
        if title.startswith("Red lines"):
            found += [part.strip(" .\n") for part in re.split(" · | \\.", body.replace("\n", " ")) if part.strip()]
            continue
        for line in body.splitlines():
            point = re.match(r"(?:\* |\| )(.+)", line)
            if point and not line.startswith(("| rule", "|---")):
                found.append(point[1])
    return found


def by_line() -> dict[str, str]:
    """First words of a line -> its tests, as docs/promises.md has them."""
    rows = [row.strip("| ").partition(" | ") for row in rows_of("Line by line")]
    return {first: tests for first, _, tests in rows}


@pytest.mark.shared
def test_every_line_of_the_list_has_its_tests(shared: Path) -> None:
    lines, rows = lines_of((shared / "PRIVACY.md").read_text()), by_line()
    known = {first: [line for line in lines if line.startswith(first)] for first in rows}

    assert len(lines) >= 45
    assert [line for line in lines if not any(line.startswith(first) for first in rows)] == []
    assert {first: found for first, found in known.items() if len(found) != 1} == {}
    assert [first for first, tests in rows.items() if not CITED.search(tests)] == []


def test_a_line_without_a_test_would_be_found() -> None:
    text = "# List\n\n## Consent\n* One thing. More of it.\n* Another thing\n\n## Red lines\nno list · no mail."

    assert lines_of(text) == ["One thing. More of it.", "Another thing", "no list", "no mail"]
