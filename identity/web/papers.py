"""What customers read and keep: the notice, and the key that shows that their receipt is ours."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from identity.config import PURPOSES
from identity.consent.notices import DEFAULT_LANGUAGE, Notices
from identity.consent.receipts import ReceiptKeys, key_id, public_key
from identity.service import IdentityService
from plumbing.access.access import Caller
from plumbing.door import Body, Door
from plumbing.query import Query


class NoticeQuery(Query):
    """In which language, and for what kind of place. Left out: English, and the place of the settings."""

    language: str = Field(DEFAULT_LANGUAGE, description="en, de, ja, or another one that the version has")
    place: str | None = Field(None, description="restaurant or taxi")
    version: str | None = Field(None, description="an earlier published version, to read it again")


class NoticePurpose(BaseModel):
    """What can be agreed to."""

    name: str
    text: str


class NoticeReply(BaseModel):
    """What a customer reads before they decide. `text` is Markdown: paragraphs, `##` headings and `*` lists. Its
    first two paragraphs are the essentials: what happens, how long, how to stop, controller and contact."""

    version: str
    language: str
    languages: list[str]
    sha256: str
    text: str
    controller: str
    contact: str
    purposes: list[NoticePurpose]
    face: str = Field(description="the text of agreeing to be recognised by the face")
    retention_months: int
    minimum_age: int
    grade: Literal["demo", "production"] = Field(
        description="of the engine pack: demo must be confirmed by the person"
    )


class ReceiptKey(BaseModel):
    """A public key (Ed25519, base64url) and its short name."""

    id: str
    public_key: str


class ReceiptKeyReply(ReceiptKey):
    """The key that receipts are signed with now, and earlier ones."""

    earlier: list[ReceiptKey]


def paper_routes(door: Door, service: IdentityService) -> None:
    """The notice in every language, and the public key of receipts."""
    notices, keys = Notices.of(service.config), ReceiptKeys.of(service.config.state)

    @door.route(
        "GET",
        "/notice",
        scopes=("enrol",),
        reply=NoticeReply,
        summary="What a customer reads before they decide",
        errors=("language_unknown", "notice_altered", "notice_unknown", "place_unknown"),
    )
    def get_notice(caller: Caller, query: NoticeQuery) -> Body:
        """The text that a customer reads before they decide, in a language and for a kind of place.
        `notice_version` is sent with the consent.
        """
        now = notices.current(query.language, query.place, query.version)
        notices.shelf.keep_shown(now.sha256, now.text)
        return {
            "version": now.version,
            "language": now.language,
            "languages": list(now.languages),
            "sha256": now.sha256,
            "text": now.text,
            "controller": now.controller,
            "contact": now.contact,
            "purposes": [{"name": name, "text": now.purposes[name]} for name in PURPOSES],
            "face": now.purposes["face"],
            "grade": service.engine.pack.grade,
            "retention_months": now.retention_months,
            "minimum_age": now.minimum_age,
        }

    @door.route(
        "GET",
        "/receipt-key",
        scopes=("enrol",),
        reply=ReceiptKeyReply,
        summary="The public key that shows that a receipt is ours",
        errors=("receipt_keys_damaged",),
    )
    def get_receipt_key(caller: Caller) -> Body:
        """Ed25519 public keys: anybody can check offline that a receipt is from this installation."""
        keys.public(caller.tenant)  # made when nobody has joined yet
        now, *earlier = (_key(text) for text in keys.all_public(caller.tenant)[caller.tenant])
        return {**now, "earlier": earlier}


def _key(text: str) -> dict[str, str]:
    return {"id": key_id(public_key(text)), "public_key": text}
