"""The audit pack: complete, hashed, without a secret, all of it or nothing."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

import app
from app import create_app
from identity.cli.audit_pack import IdentityPart
from plumbing.audit_pack.bill_of_materials import ModelFile, bill_of_materials
from plumbing.audit_pack.command import all_tables
from plumbing.audit_pack.data_map import as_markdown, tables_of, without_words
from plumbing.audit_pack.pack import PackExists, write_pack
from plumbing.audit_pack.promises import NOT_RUN, promises_in, results_in
from plumbing.init_cli import begin
from plumbing.settings import Config
from recommender.cli.audit_pack import RecommenderPart
from tests.conftest import ROOT


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A state folder with every database of a server that ran."""
    folder = tmp_path / "home"
    served = create_app(Config(home=folder, cache=ROOT / ".cache" / "models"))
    for part in served.extensions["usual_open"]:
        part.close()
    return folder


def made(home: Path, out: Path, *more: str, **environment: str) -> Result:
    begin(home)
    return CliRunner().invoke(
        app.assemble(),
        ["audit", "pack", "--home", str(home), "--out", str(out), *more],
        obj=None,
        env=environment,
    )


def test_a_pack_holds_what_an_auditor_asks_for_and_lists_its_hashes(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "pack"

    done = made(home, out)

    assert done.exit_code == 0, done.output
    listed = json.loads((out / "CONTENTS.json").read_text())["sha256"]
    assert set(listed) == {path.name for path in out.iterdir()} - {"CONTENTS.json"}
    wanted = {"data-map.md", "settings.json", "bill-of-materials.cdx.json", "promises.md", "administration.jsonl"}
    wanted |= {"engine-packs.json", "audit-log.txt", "audit-head.txt", "audit-check.txt", "models.json"}
    wanted |= {"impact-assessment.md", "policy-en.html", "policy-de.html", "policy-ja.html"}
    assert wanted <= set(listed)
    for name, digest in listed.items():
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == digest, name
    assert "dlib" in (out / "engine-packs.json").read_text()


def test_every_table_of_every_database_is_described(home: Path) -> None:
    tables = all_tables(home, [IdentityPart(), RecommenderPart()])

    assert {table.database for table in tables} >= {"identity.db", "recommender.db", "access.db"}
    assert without_words(tables) == []
    assert "customer_id" in as_markdown(tables)


def test_a_table_that_nobody_described_is_named(home: Path) -> None:
    assert "identity.db.customers" in without_words(tables_of(home / "identity.db", {}))


def test_no_secret_of_the_installation_is_in_it(home: Path, tmp_path: Path) -> None:
    secret = "a" * 20 + "-only-the-operator-knows"

    done = made(home, tmp_path / "pack", USUAL_RECOMMENDER_URL="http://127.0.0.1:1", USUAL_RECOMMENDER_KEY=secret)

    assert done.exit_code == 0, done.output
    content = b"".join(path.read_bytes() for path in (tmp_path / "pack").iterdir())
    assert secret.encode() not in content
    for name in ("token.key", "master.key"):
        for line in (home / name).read_bytes().split():
            assert line not in content, name
    assert json.loads((tmp_path / "pack" / "settings.json").read_text())["recommender_key"] is True


def test_an_earlier_pack_is_not_overwritten(home: Path, tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()

    done = made(home, tmp_path / "pack")

    assert done.exit_code == 1
    assert "is there already" in done.output
    assert list((tmp_path / "pack").iterdir()) == []


def test_a_pack_that_cannot_be_finished_leaves_nothing(tmp_path: Path) -> None:
    def broken() -> str:
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        write_pack(tmp_path / "pack", {"one": lambda: "1", "two": broken}, "2026-11-29", lambda name: None)

    assert list(tmp_path.iterdir()) == []
    write_pack(tmp_path / "pack", {"one": lambda: "1"}, "2026-11-29", lambda name: None)
    with pytest.raises(PackExists):
        write_pack(tmp_path / "pack", {"one": lambda: "2"}, "2026-11-29", lambda name: None)


def test_the_bill_of_materials_is_valid_and_names_packages_and_weights() -> None:
    text = bill_of_materials([ModelFile("pack/weights.onnx", "1", "MIT", "0" * 64)])

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    parts = {part["name"]: part for part in json.loads(text)["components"]}
    assert {"flask", "numpy", "onnxruntime", "lightfm-next", "pack/weights.onnx"} <= set(parts)
    assert "pytest" not in parts
    assert parts["pack/weights.onnx"]["hashes"][0]["content"] == "0" * 64


def test_each_promise_is_listed_with_the_last_result_of_its_tests(tmp_path: Path) -> None:
    row = "| No press | `identity/test_a.py::test_one`, `test_b.py::test_two` |"
    text = f"## Capture\n| rule | shown by |\n|---|---|\n{row}\n"
    record = {
        "format": "usual-test-results-1",
        "made_on": "2026-11-29",
        "tests": {"identity/test_a.py::test_one": "failed"},
    }
    (tmp_path / "results.json").write_text(json.dumps(record))

    (promise,) = promises_in(text)
    results = results_in(tmp_path / "results.json")

    assert (promise.section, promise.rule) == ("Capture", "No press")
    assert [results.of(test) for test in promise.tests] == ["failed", NOT_RUN]
    assert results_in(tmp_path / "none").of(promise.tests[0]) == NOT_RUN


@pytest.mark.parametrize("content", [b"{}", b"[]", b"\xff", b"[" * 100_000, b'{"format": "usual-test-results-1"}'])
def test_a_record_of_another_format_is_refused(home: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "results.json").write_bytes(content)

    done = made(home, tmp_path / "pack", "--results", str(tmp_path / "results.json"))

    assert done.exit_code == 1
    assert "no record of tests" in done.output
    assert not (tmp_path / "pack").exists()


def test_a_place_that_cannot_be_written_is_one_line(home: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = made(home, tmp_path / "file" / "pack")

    assert (done.exit_code, type(done.exception)) == (1, SystemExit)
    assert done.output.startswith("Error: ")
