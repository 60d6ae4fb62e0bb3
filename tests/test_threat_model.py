"""docs/threat-model.md and SECURITY.md are held against the code: tests, keys, limits, logs."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from identity.config import IdentityConfig
from identity.frames import decode
from identity.sandbox import decoding
from plumbing import demands, idempotency, json_limits, problem_json, web
from plumbing.access import cookies
from plumbing.access.access import PAGES, SCOPES
from plumbing.clock import DAY, MINUTE, SECOND
from plumbing.gate import body, head
from plumbing.serving import limits as taken
from recommender import recording, schemas
from recommender.config import LEAST_PEOPLE_FLOOR, RecommenderConfig
from recommender.store import quotas
from tests.conftest import ROOT

MODEL = (ROOT / "docs" / "threat-model.md").read_text()
SECURITY = (ROOT / "SECURITY.md").read_text()
CITED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


def section(text: str, title: str) -> str:
    """What stands under a heading of the second level."""
    return text.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of each row of the tables in a text, without their heads."""
    lines = [line for line in text.splitlines() if line.startswith("| ") or line.startswith("|--")]
    heads = {number for number, line in enumerate(lines) if line.startswith("|--")}
    kept = [line for number, line in enumerate(lines) if number not in heads and number + 1 not in heads]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in kept]


def names_in(path: Path) -> set[str]:
    """The names of all functions of a file."""
    if not path.is_file():
        return set()
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}


WALLS = re.findall(r"^## (\d\. .+)$", MODEL, re.MULTILINE)


def test_the_threat_model_names_tests_that_exist() -> None:
    cited = set(CITED.findall(MODEL))

    assert len(cited) > 40
    assert {(file, test) for file, test in cited if test not in names_in(ROOT / "tests" / file)} == set()


def test_there_are_nine_walls() -> None:
    assert [wall[0] for wall in WALLS] == list("123456789")


@pytest.mark.parametrize("wall", WALLS)
def test_every_wall_answers_all_questions_of_stride(wall: str) -> None:
    table = rows(section(MODEL, wall))

    assert {row[0] for row in table} == set("STRIDE")
    assert [row for row in table if len(row) != 5 or not row[1] or not row[2]] == []
    unproven = [row for row in table if not CITED.search(row[3]) and row[4] == "-"]
    assert unproven == [], "a threat without a test says what remains"


def test_every_asset_has_a_class_with_rules() -> None:
    assets = rows(section(MODEL, "What is worth protecting"))

    assert len(assets) > 8
    assert [row for row in assets if len(row) != 4 or not all(row)] == []
    named = " ".join(row[1] for row in assets) + section(MODEL, "Keys")
    files = ("identity.db", "recommender.db", "access.db", "identity-audit.log", "models/")
    assert [name for name in files if name not in named] == []


def test_every_key_file_is_in_the_inventory() -> None:
    """Every file name in the source that ends in .key or is the key file."""
    source = "".join(
        path.read_text() for half in ("identity", "recommender", "plumbing") for path in modules(half)
    )
    files = set(re.findall(r'"([a-z-]+\.key|identity-keys)"', source))
    table = rows(section(MODEL, "Keys"))

    assert {"token.key", "master.key", "recommender.key", "identity-keys"} <= files
    assert files <= {row[0].strip("`") for row in table}
    assert [row for row in table if len(row) != 6 or not all(row)] == []


def modules(half: str) -> list[Path]:
    """The files of a package."""
    return sorted((ROOT / half).rglob("*.py"))


def test_the_model_says_what_each_scope_may() -> None:
    wall = section(MODEL, WALLS[6])

    assert [scope for scope in SCOPES if f"`{scope}`" not in wall] == []


def test_security_md_names_every_way_in() -> None:
    ways = section(SECURITY, "Ways in")

    assert [page for page in PAGES if page not in ways] == []
    for words in (
        "X-API-Key",
        "usual keys pair",
        "usual keys revoke",
        "usual people invite",
        "PIN",
        "code",
        "10 minutes",
    ):
        assert words in ways, words


def test_the_limits_of_security_md_are_those_of_the_code(tmp_path: Path) -> None:
    config = IdentityConfig(home=tmp_path, token_keys=(b"x",))
    limits, ways = section(SECURITY, "Limits"), section(SECURITY, "Ways in")

    assert f"{decode.MOST_BYTES:,} bytes and {decode.MOST_PIXELS:,} pixels" in limits
    assert f"sides of {decode.LEAST_SIDE} pixels or more and {decode.MOST_ASPECT} to 1" in limits
    assert f"{config.failed_presses_a_minute} failures a minute" in limits
    assert f"after {config.failures_in_a_row} in a row a pause of {config.pause_us // SECOND} s" in limits
    assert f"after {config.pin_tries} wrong ones {config.pin_lock_us // MINUTE} minutes" in limits
    assert config.longest_pin_lock_us == DAY
    assert f"{config.receipts_a_minute} a minute" in limits
    assert f"good for {config.press_life_us // SECOND} s" in ways
    assert f"a token of {config.token_life_us // MINUTE} minutes" in ways


def test_the_limits_of_the_doors_are_those_of_the_code() -> None:
    limits = section(SECURITY, "Limits")
    sizes = (demands.SMALL, demands.BATCH, demands.PICTURES, demands.BULK)

    assert f"{web.MOST_WRONG_CODES} wrong ones a minute" in limits
    assert f"{head.MOST_HEADER_BYTES // 1024} KiB, {head.MOST_HEADERS} headers, {taken.HEAD_S} s" in limits
    assert [size.most_bytes // 1024 for size in sizes] == [64, 2048, 16384, 16384]
    assert "64 KiB, batches of events 2 MiB, pictures and catalogues 16 MiB" in limits
    assert f"{body.FIRST_S:.0f} s, then {body.LEAST_RATE // 1024} KiB a second" in limits
    assert f"{json_limits.MOST_DEPTH} levels deep" in limits
    assert f"together {body.MOST_HELD // 2**20} MiB" in limits
    assert f"{problem_json.MOST_FIELDS} fields" in limits
    assert f"{idempotency.LONGEST_KEY} signs" in limits
    assert f"{idempotency.MOST_ROWS:,} replies and {idempotency.MOST_BYTES // 2**20} MiB" in limits
    assert f"{decoding.PROCESSOR_S} s of processor time" in limits
    assert f"after {cookies.PAIRED_DAYS} days without use" in section(SECURITY, "Ways in")


def test_the_limits_of_events_are_those_of_the_code(tmp_path: Path) -> None:
    limits = section(SECURITY, "Limits")
    config = RecommenderConfig(home=tmp_path, token_keys=())
    minute, day = quotas.QUOTAS

    assert f"{schemas.MOST_EVENTS:,} in a batch" in limits
    assert f"{minute.events:,} a minute and {day.events:,} a day" in limits
    assert f"{recording.GUEST_HOURS} hours old" in limits
    assert f"{config.requests_per_minute:,} a minute for suggestions" in limits
    assert f"{config.least_people} different people" in limits
    assert f"{LEAST_PEOPLE_FLOOR} at least" in limits


def test_security_md_says_how_soon_packages_are_mended() -> None:
    packages = section(SECURITY, "Packages")

    assert "make advisories" in packages
    assert re.findall(r"(\d+) days", packages) == ["7", "30", "90"]


def test_every_log_is_in_the_inventory() -> None:
    logs = rows(section(SECURITY, "Logs"))
    files = set(
        re.findall(r'"([a-z-]+\.log)"', "".join(p.read_text() for p in modules("identity") + modules("plumbing")))
    )

    assert files
    assert files <= set(re.findall(r"`([a-z-]+\.log)`", str(logs)))
    assert [row for row in logs if len(row) != 4 or not all(row)] == []


def test_both_pages_and_the_promises_are_linked() -> None:
    for path in ("docs/promises.md", "docs/threat-model.md", "docs/asvs.md"):
        assert path in SECURITY, path
