"""The policy page, the sign and the draft of an impact assessment follow the settings that are active."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from identity.config import IdentityConfig, needs_of
from identity.consent.dpia import COMPLETE, dpia, table
from identity.consent.notices import shipped
from identity.consent.policy import LANGUAGES, Facts, PackFacts, facts_of, policy
from identity.errors import LanguageUnknown

DEMO = PackFacts("dlib@2", "a vendor", "BSL-1.0", "demo", [("a.dat", "CC0-1.0", "ab" * 32)])
REAL = PackFacts("real@1", "a maker", "Apache-2.0", "production")


@pytest.fixture
def config(tmp_path: Path) -> IdentityConfig:
    return IdentityConfig(
        home=tmp_path,
        token_keys=(b"unused",),
        organisation="Nudelhaus & Söhne",
        contact="dpo@nudelhaus.example",
        retention_months=7,
        minimum_age=18,
    )


def facts(config: IdentityConfig, language: str, *packs: PackFacts, people: int = 23) -> Facts:
    return facts_of(config, shipped(config, language), packs or [DEMO], people)


def text_of(config: IdentityConfig, language: str, *packs: PackFacts) -> str:
    made = policy(facts(config, language, *packs), language)
    return "\n".join(line for block in made.blocks for line in block.lines)


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_says_what_the_settings_say(config: IdentityConfig, language: str) -> None:
    said = text_of(config, language)

    for fact in (
        "Nudelhaus & Söhne",
        "dpo@nudelhaus.example",
        "18",
        "23",
        "dlib@2",
        "BSL-1.0",
        "2026-12",
        "200 m",
    ):
        assert fact in said
    assert shipped(config, language).retention in said
    assert "7" in shipped(config, language).retention
    assert not re.search(r"[{}]", said)


def test_every_language_has_the_same_parts(config: IdentityConfig) -> None:
    shapes = {
        tuple(
            (block.kind, block.name, len(block.lines))
            for block in policy(facts(config, language), language).blocks
        )
        for language in LANGUAGES
    }
    words = {frozenset(policy(facts(config, language), language).words) for language in LANGUAGES}

    assert len(shapes) == len(words) == 1
    names = [name for _, name, _ in next(iter(shapes)) if name]
    assert names == ["bystander", "age", "purposes", "held", "retention", "rights", "without", "engine", "others"]


def test_a_bystander_is_nothing_to_us_and_no_child_can_be_enrolled(config: IdentityConfig) -> None:
    said = text_of(config, "en")

    assert "You are nothing to us." in said
    assert "There is no way round it: nobody can enrol a child" in said
    assert "People under 18 use the screen as guests" in said


def test_it_follows_what_opens_a_purpose_and_whether_liveness_is_on(config: IdentityConfig) -> None:
    assert "It is not checked whether a living person stands" in text_of(config, "en")
    moving = replace(config, needs=needs_of("offers=liveness,destinations=liveness_and_pin"))
    said = text_of(moving, "en")
    assert "It is not checked" not in said
    assert "A few moves of the head show" in said
    assert said.count("a few moves that show a living person") == 2
    passive = text_of(replace(config, liveness="quiet"), "de")
    assert "Modell zur Lebenderkennung (quiet)" in passive
    assert "nicht geprüft" not in passive


def test_it_names_every_pack_and_its_grade(config: IdentityConfig) -> None:
    said = text_of(config, "en", DEMO, REAL)
    assert "dlib@2, by a vendor, licence BSL-1.0, of grade “demo”" in said
    assert "real@1, by a maker, licence Apache-2.0, of grade “production”" in said


def test_a_name_is_no_placeholder(config: IdentityConfig) -> None:
    said = text_of(replace(config, organisation="{needs} {stop}"), "en")
    assert said.startswith("Responsible: {needs} {stop}.")


@pytest.mark.parametrize("language", ["fr", "", "../en", "EN"])
def test_a_language_that_does_not_exist(config: IdentityConfig, language: str) -> None:
    with pytest.raises(LanguageUnknown) as caught:
        policy(facts(config, "en"), language)
    assert caught.value.extra["languages"] == ["de", "en", "ja"]


def test_the_draft_of_the_assessment_follows_the_settings(config: IdentityConfig) -> None:
    draft = dpia(facts(config, "en", DEMO, REAL), "2026-11-29")

    assert draft.startswith("# Data protection impact assessment: recognition by face (Nudelhaus & Söhne)\n")
    for fact in ("7 months", "18, declared", "23 at least", "Draft of 2026-11-29", "abababababababab", "`face`"):
        assert fact in draft
    assert "Off: no liveness is checked" in draft
    assert "it is not for real customers" in draft
    assert "it is not for real customers" not in dpia(facts(config, "en", REAL), "2026-11-29")
    assert draft.count(COMPLETE) > 10
    assert not re.search(r"\{[a-z_]+\}", draft)
    moving = replace(config, needs=needs_of("offers=liveness"), liveness="quiet")
    assert "a passive model (quiet) and a challenge of moves" in dpia(facts(moving, "en"), "2026-11-29")


def test_a_cell_stays_in_its_table() -> None:
    assert table(["a"], [["b | c\nd"]]).splitlines() == ["| a |", "| --- |", "| b \\| c d |"]
