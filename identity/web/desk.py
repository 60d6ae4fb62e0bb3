"""Routes of the desk that identity answers: is recognition well (operators), are the promises kept (privacy)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import request
from pydantic import BaseModel, Field

from identity.desk import FOLDER, promises, recognition
from identity.matching.matcher import Matchers
from identity.matching.paths import Agreement
from identity.service import IdentityService
from identity.store import IdentityStores
from plumbing.access.caller import Caller
from plumbing.clock import Clock
from plumbing.door import Body, Door
from plumbing.words import Words, language_of

WORDS = Words(FOLDER / "words")


class PathsReply(BaseModel):
    agreement: Agreement = Field(description="whether strangers score alike in pictures and in vectors of devices")
    answer: str = Field(description="whether customers are recognised at once when a device sends the other thing")


class RecognitionFigures(BaseModel):
    answer: str
    packs: list[dict[str, Any]] = Field(description="vendor, licence, hash, people in the gallery, threshold")
    promise: float = Field(description="share of strangers who may be greeted by mistake")
    liveness: bool
    erasures_overdue: int
    erasures_open: int
    paths: PathsReply


class PromisesReply(BaseModel):
    answer: str
    purposes: list[dict[str, Any]] = Field(description="numbers of people below 10 are null")
    notices: list[dict[str, Any]]
    erasures: list[dict[str, Any]] = Field(description="receipts; none leads to a person")
    erased: int
    open: int
    late: int
    overdue: int
    held: list[dict[str, Any]]
    due_to_expire: int | None


@dataclass(frozen=True)
class DeskTools:
    """What these routes work with."""

    service: IdentityService
    stores: IdentityStores
    matchers: Matchers
    now_us: Clock


def routes(door: Door, tools: DeskTools) -> None:
    """Put the routes on the door."""

    @door.route(
        "GET",
        "/desk/recognition",
        scopes=("operate",),
        reply=RecognitionFigures,
        summary="Engine pack, threshold and promise, erasures that wait",
    )
    def get_recognition_report(caller: Caller) -> Body:
        """Whether recognition is well: the engine pack and its grade, the threshold and what it promises,
        erasures that wait. No figure is about one person.
        """
        found = recognition.recognition_of(tools.service, tools.matchers, caller.tenant)
        agreement = tools.matchers.clear.thresholds.agreement(caller.tenant)
        language = language_of(request)
        paths = {"agreement": agreement, "answer": WORDS.say(language, recognition.of_path(agreement))}
        return {"answer": WORDS.say(language, recognition.sentence(found)), "paths": paths} | found

    @door.route(
        "GET",
        "/desk/promises",
        scopes=("privacy",),
        lane="privacy",
        reply=PromisesReply,
        summary="Consents by purpose and notice, opt-outs, receipts of erasures",
    )
    def get_promises_report(caller: Caller) -> Body:
        """Whether the promises to customers are kept: consents by purpose and notice, opt-outs, receipts of
        erasures. No figure is about one person.
        """
        found = promises.promises_of(tools.service, tools.stores, caller.tenant, tools.now_us)
        return {"answer": WORDS.say(language_of(request), promises.sentence(found))} | found
