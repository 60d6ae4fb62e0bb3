"""`usual notices`, `usual receipts`, `usual audit dpia`: what an operator and an auditor run."""

from __future__ import annotations

import shutil
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from identity.cli.notices import notices
from identity.cli.policy import dpia
from identity.cli.receipts import receipts, rotate
from identity.consent.receipts import ReceiptKeys
from identity.consent.shelf import shipped_folder
from plumbing.init_cli import begin


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("ORGANISATION", "CONTACT", "PLACE", "RETENTION_MONTHS", "MINIMUM_AGE"):
        monkeypatch.delenv(f"USUAL_{name}", raising=False)
    monkeypatch.setenv("USUAL_HOME", str(tmp_path / "home"))
    begin(tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    folder = tmp_path / "draft"
    shutil.copytree(shipped_folder(), folder)
    for path in folder.iterdir():
        path.write_text(path.read_text().replace("version: 2026-12", "version: 2027-01"))
    return folder


def run(command: click.Command, *arguments: str, **more: object) -> Result:
    return CliRunner().invoke(command, arguments, **more)  # type: ignore[arg-type]  # input of any kind


def test_a_new_version_is_checked_published_and_listed(draft: Path) -> None:
    assert run(notices, "check", str(draft)).exit_code == 0
    assert "  2026-12" in run(notices, "list").output.replace("* 2026", "  2026")

    done = run(notices, "publish", str(draft))

    assert (done.exit_code, done.output) == (0, "Version 2027-01 is published and is the current one.\n")
    listed = run(notices, "list").output
    assert "* 2027-01" in listed
    assert "  2026-12" in listed
    checked = run(notices, "check")
    assert checked.exit_code == 0
    assert "2027-01, the current one: whole in en, de, ja" in checked.output
    assert run(notices, "publish", "--shipped").exit_code == 0
    assert "* 2026-12" in run(notices, "list").output


def test_a_changed_text_without_a_new_version_is_refused_in_a_line(home: Path, draft: Path) -> None:
    run(notices, "publish", str(draft))
    (draft / "en.md").write_text((draft / "en.md").read_text().replace("A face never pays.", "A face pays."))

    done = run(notices, "publish", str(draft))

    assert done.exit_code == 1
    assert "Version 2027-01 was published with another text" in done.output
    published = home / "notices" / "2027-01" / "en.md"
    published.write_text((draft / "en.md").read_text())
    checked = run(notices, "check")
    assert checked.exit_code == 1
    assert "2027-01/en.md was changed after it was published." in checked.output
    assert "2027-01, the current one: NOT whole" in checked.output


def test_an_incomplete_draft_is_refused_with_everything_that_is_wrong(draft: Path) -> None:
    (draft / "ja.md").unlink()
    (draft / "de.md").write_text("nothing")

    for command in ("check", "publish"):
        done = run(notices, command, str(draft))
        assert done.exit_code == 1
        assert "de.md is no notice" in done.output
    assert run(notices, "publish").exit_code == 2
    assert run(notices, "publish", str(draft), "--shipped").exit_code == 2
    assert run(notices, "check", str(draft / "nowhere")).exit_code == 1


def test_a_damaged_list_is_said_in_a_line(home: Path) -> None:
    run(notices, "list")
    (home / "notices" / "published.json").write_text("[]")
    for command in (("list",), ("check",), ("publish", "--shipped")):
        done = run(notices, *command)
        assert done.exit_code == 1
        assert "published.json cannot be read" in done.output


def test_signs_are_written_in_every_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "signs"
    monkeypatch.setenv("USUAL_ORGANISATION", "Nudelhaus")
    monkeypatch.setenv("USUAL_PLACE", "taxi")

    done = run(notices, "sign", "--site", "Market Street", "--language", "all", "--out", str(out))

    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in out.iterdir()) == ["sign-de.html", "sign-en.html", "sign-ja.html"]
    assert "Nudelhaus" in (out / "sign-de.html").read_text()
    assert "say --address" in done.output
    assert "USUAL_CONTACT" in done.output
    wrong = run(notices, "sign", "--site", "x", "--language", "fr", "--out", str(out))
    assert (wrong.exit_code, "There is: de, en, ja" in wrong.output) == (1, True)


def test_a_receipt_is_verified_offline_with_the_public_key_alone(home: Path, tmp_path: Path) -> None:
    keys = ReceiptKeys(home)
    file = tmp_path / "receipt.txt"
    file.write_text(keys.sign("demo", {"pii_controller": "Nüdelhaus", "code_ends_in": "ABCDE"}) + "\n")
    public = run(receipts, "key").output.split()[0]
    elsewhere = tmp_path / "another machine"

    for arguments in (("--key", public, "--home", str(elsewhere)), ("--home", str(home))):
        done = run(receipts, "verify", str(file), *arguments)
        assert done.exit_code == 0, done.output
        assert done.output.startswith("Valid: signed with the key ")
        assert '"pii_controller": "Nüdelhaus"' in done.output
    assert not elsewhere.exists(), "verifying writes nothing"
    assert run(receipts, "verify", "-", "--key", public, input=file.read_text()).exit_code == 0


def test_a_bad_receipt_is_named_in_a_line(home: Path, tmp_path: Path) -> None:
    keys = ReceiptKeys(home)
    text, other = keys.sign("demo", {"a": 1}), keys.public("south")
    file = tmp_path / "receipt.txt"
    for content, key, said in (
        (text[:-9], keys.public("demo"), "cut short"),
        (text[:-9] + "AAAAAAAAA", keys.public("demo"), "altered"),
        (text, other, "which is not at hand"),
        (text, "x", "no public key"),
        ("\0" * 200_000, other, "no signed receipt"),
    ):
        file.write_text(content)
        done = run(receipts, "verify", str(file), "--key", key)
        assert done.exit_code == 1
        assert said in done.output
        assert "Traceback" not in done.output
    assert run(receipts, "verify", str(tmp_path / "nowhere")).exit_code == 1


def test_a_rotated_key_stays_listed(home: Path) -> None:
    first = run(receipts, "key").output
    fresh = run(rotate).output
    assert run(receipts, "key").output == fresh + first


def test_the_draft_of_an_assessment_is_printed_or_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USUAL_ORGANISATION", "Nudelhaus")
    monkeypatch.setenv("USUAL_LEAST_PEOPLE", "31")
    out = tmp_path / "dpia.md"

    printed = run(dpia).output
    assert run(dpia, "--out", str(out)).exit_code == 0

    assert printed == out.read_text()
    assert "(Nudelhaus)" in printed
    assert "31 at least" in printed


def test_publishing_is_noted_in_the_security_log(home: Path, draft: Path) -> None:
    run(notices, "publish", str(draft))
    assert "notices publish" in (home / "security.log").read_text()
