"""A training as the desk shows it: what began it, how far it is, how it ended, in the reader's language."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from plumbing.sentence import in_language
from plumbing.words import Message
from recommender.desk.versions import NameOf, by_id, named
from recommender.store.runs import KINDS, Run
from recommender.times import from_us
from recommender.training.outcomes import WORDS

STAGES = (
    ("waiting", ("waiting",)),
    ("reading", ("reading", "writing the log")),
    ("publishing", ("checking",)),
    ("evaluating", ("trying", "evaluat", "against", "comparing", "answering", "gate")),
    ("done", ("done",)),
)
"""Beginnings of the stages' names, and the word for them; any other one is learning."""


def run_row(run: Run, tenant: str, language: str, name_of: NameOf = by_id) -> dict[str, Any]:
    """A run in a list."""
    return {
        "run_id": run.run_id,
        "scene": run.scene,
        "scene_text": WORDS.text(language, f"schedule-scene-{run.scene}"),
        "kind": run.kind,
        "kind_text": WORDS.text(language, f"training-kind-{_kind(run.kind)}"),
        "state": run.state,
        "state_text": WORDS.text(language, f"training-state-{run.state}"),
        "stage": run.stage,
        "stage_text": WORDS.text(language, f"training-stage-{stage_of(run.stage)}"),
        "share": run.share,
        "why": why_of(run, tenant, language, name_of),
        "version": run.version,
        "by": name_of(tenant, str(run.details.get("by", ""))),
        "cancel": name_of(tenant, run.cancel),
        "started_at": from_us(run.started_us),
        "ended_at": from_us(run.ended_us) if run.ended_us else None,
        "seconds": round((run.ended_us - run.started_us) / 1e6, 1) if run.ended_us else None,
    }


def run_details(
    run: Run, log: Collection[str], tenant: str, language: str, name_of: NameOf = by_id
) -> dict[str, Any]:
    """A run with all that is kept of it."""
    cut = run.details.get("cut") or {}
    return run_row(run, tenant, language, name_of) | {
        "seed": run.details.get("seed"),
        "peak_mb": run.details.get("peak_mb"),
        "lines": cut.get("lines"),
        "customers": cut.get("customers"),
        "until": from_us(cut["until_us"]) if cut.get("until_us") is not None else None,
        "sha256": cut.get("sha256"),
        "report": dict(run.report),
        "log": list(log),
    }


def why_of(run: Run, tenant: str, language: str, name_of: NameOf = by_id) -> str:
    """Why a run ended as it did, in a language; who is named in it stands there with their name."""
    message = Message.from_json(run.message) if run.message else None
    who = run.cancel if message is None else str(message.values.get("who", ""))
    text = run.why.replace(who, name_of(tenant, who)) if who else run.why
    return in_language(WORDS, language, text, named(message, tenant, name_of).to_json() if message else "")


def stage_of(stage: str) -> str:
    """The word for a stage of a training."""
    return next((word for word, begins in STAGES if stage.startswith(begins)), "learning")


def _kind(kind: str) -> str:
    return kind.replace(" ", "-") if kind in KINDS else "unknown"
