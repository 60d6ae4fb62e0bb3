"""`usual people`: help that teaches, links that work, errors that say what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app import assemble
from plumbing.access.roles import ROLES
from plumbing.init_cli import begin
from plumbing.people.cli import IN_WORDS, first_steps, open_people
from tests.plumbing.people.conftest import PASSWORD

Usual = Callable[..., Result]


@pytest.fixture
def usual(tmp_path: Path) -> Usual:
    command = assemble()
    begin(tmp_path)

    def run(*words: str) -> Result:
        return CliRunner().invoke(command, [*words, "--home", str(tmp_path), "--tenant", "grill"])

    return run


@pytest.mark.both_engines
def test_invite_list_change_reset_and_remove(usual: Usual, tmp_path: Path, engine: str) -> None:
    assert "operator" in (first_steps(tmp_path) or "")
    invited = usual("people", "invite", "ana@example.org", "--role", "operator", "--url", "https://usual.example/")
    link = invited.stdout.strip()
    people = open_people(tmp_path)
    assert link.startswith("https://usual.example/desk/sign-in#invitation=")
    assert first_steps(tmp_path) is None
    assert people.accept(link.partition("=")[2], PASSWORD)

    assert "ana@example.org" in usual("people", "list").stdout
    changed = usual(
        "people", "roles", "ana@example.org", "--role", "marketer", "--role", "viewer", "--site", "market"
    )
    assert changed.stdout == "ana@example.org: marketer, viewer; market\n"
    kept = usual("people", "roles", "ana@example.org", "--role", "viewer")
    assert kept.stdout == "ana@example.org: viewer; market\n"  # who is for one site stays there
    assert (
        usual("people", "roles", "ana@example.org", "--all-sites").stdout == "ana@example.org: viewer; all sites\n"
    )

    reset = usual("people", "reset", "ANA@example.org", "--without-code")
    assert people.accept(reset.stdout.strip().partition("=")[2], "four words that differ")
    assert "is removed" in usual("people", "remove", "ana@example.org").stdout
    assert "Nobody of 'grill'" in usual("people", "list").output
    people.close()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("invite", "two words"), "no space"),
        (("invite", "ana"), "usual people reset"),
        (("invite", "bob", "--role", "queen"), "queen"),
        (("remove", "nobody"), "usual people list"),
        (("reset", "nobody"), "usual people list"),
        (("roles", "ana", "--site", "a", "--all-sites"), "Choose"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_an_error_is_a_sentence_that_says_what_to_do(usual: Usual, words: tuple[str, ...], says: str) -> None:
    usual("people", "invite", "ana")
    result = usual("people", *words)

    assert result.exit_code != 0
    assert says in result.output
    assert "Traceback" not in result.output


def test_the_help_says_how_to_begin_and_what_each_role_may_do(usual: Usual) -> None:
    shown = CliRunner().invoke(assemble(), ["people", "--help"]).output
    roles = usual("people", "roles").output

    for words in ("usual people invite", "--role operator", "usual people reset", "--without-code"):
        assert words in shown
    assert set(IN_WORDS) == set(ROLES)
    assert all(role in roles for role in ROLES)


def test_a_marketers_browser_is_not_paired_any_more(usual: Usual) -> None:
    result = usual("keys", "pair", "marketing")

    assert result.exit_code == 2
    assert "usual people invite" in result.output
