"""The routes of the identity half: press, recognise, enrol, opt out."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence

from flask import request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from identity.consent.qr import qr_svg
from identity.customers.joining.pending import CONFIRM_WITHIN_S
from identity.errors import NotAnImage
from identity.results import Said
from identity.service import Device, Enrolled, IdentityService, Recognition
from identity.store.schema import named_when_full
from identity.web import desk, me, peer
from identity.web.papers import paper_routes
from identity.web.schemas import (
    BASE,
    ByCodeBody,
    EnrolmentBody,
    EnrolmentReply,
    FaceBody,
    ForgottenReply,
    NoFaceBody,
    NotMeBody,
    OptOutBody,
    OptOutReply,
    PinBody,
    PressBody,
    PressQuery,
    PressReply,
    RaiseBody,
    RaiseReply,
    ReceiptPath,
    RecognitionBody,
    RecognitionReply,
)
from identity.web.times import iso
from plumbing.access.access import Access, Caller
from plumbing.access.device_figures import note_decision
from plumbing.closed import ClosedTokens
from plumbing.demands import PICTURES
from plumbing.door import Body, Door
from plumbing.idempotency import Idempotency
from plumbing.limits import Limits

RECOGNITION_BYTES = 1_000
"""Size of every reply to a recognition, hit or miss."""

OPT_OUT_BYTES = 200
"""Size of every reply to an opt-out by face, hit or miss."""

PICTURE_FIELDS = ("frames", "moves")
"""Fields of request bodies that hold pictures."""

IDENTIFY, ENROL = ("identify",), ("enrol",)  # scopes


def blueprint(
    service: IdentityService,
    access: Access,
    once: Idempotency,
    limits: Limits,
    closed: ClosedTokens,
    own_page: me.OwnPageTools,
    at_desk: desk.DeskTools,
) -> APIBlueprint:
    """All routes of this half."""
    tag = Tag(name="identity", description="Press, recognise, enrol, opt out")
    api = APIBlueprint("identity", __name__, url_prefix=BASE, abp_tags=[tag])
    door = Door(api, access=access, once=once, limits=limits, pictures=PICTURE_FIELDS, name_errors=named_when_full)
    _recognition_routes(door, service)
    _token_routes(door, service)
    _enrolment_routes(door, service)
    _receipt_routes(door, service)
    paper_routes(door, service)
    peer.routes(door, service.config.token_keys, closed)
    me.routes(door, own_page)
    desk.routes(door, at_desk)
    return api


def recognition_reply(service: IdentityService, caller: Caller, body: RecognitionBody) -> dict[str, object]:
    """Recognise the person in the pictures; the body of the reply, RECOGNITION_BYTES long as JSON.

    Raises:
        NotAnImage, and what IdentityService.recognise raises.
    """
    frames, moves = _pictures(body.frames), _pictures(body.moves)
    return _as_reply(service.recognise(_device(caller), body.nonce, frames, moves))


def by_code_reply(service: IdentityService, caller: Caller, body: ByCodeBody) -> dict[str, object]:
    """The same for somebody who gives code and PIN. Raises what IdentityService.recognise_by_code raises."""
    return _as_reply(service.recognise_by_code(_device(caller), body.receipt, body.pin))


def _as_reply(seen: Recognition) -> dict[str, object]:
    note_decision(seen.decision)
    reply = {
        "decision": seen.decision,
        "token": seen.token,
        "expires_at": None if seen.expires_us is None else iso(seen.expires_us),
        "purposes": list(seen.purposes),
        "hint": seen.hint,
        "liveness": seen.liveness,
        "news": list(seen.news),
    }
    return padded(reply, RECOGNITION_BYTES)


def _recognition_routes(door: Door, service: IdentityService) -> None:
    @door.route(
        "POST",
        "/presses",
        scopes=IDENTIFY,
        status=201,
        lane="presses",
        prepares="recognition",
        reply=PressReply,
        summary="The customer pressed: a nonce for one look",
    )
    def press(caller: Caller, query: PressQuery, body: PressBody) -> Body:
        nonce, expires_us = service.press(_device(caller))
        moves = list(service.challenge(nonce)) if service.config.asks_for_moves else []
        return {"nonce": nonce, "expires_at": iso(expires_us), "challenge": moves}

    @door.route(
        "POST",
        "/recognitions",
        scopes=IDENTIFY,
        size=PICTURES,
        lane="recognition",
        reply=RecognitionReply,
        summary="Who pressed, as an opaque token",
    )
    def recognise(caller: Caller, body: RecognitionBody) -> Body:
        return recognition_reply(service, caller, body)

    @door.route(
        "POST",
        "/recognitions/by-code",
        scopes=IDENTIFY,
        reply=RecognitionReply,
        summary="Who has this code and PIN, as an opaque token: no face is looked at",
    )
    def recognise_by_code(caller: Caller, body: ByCodeBody) -> Body:
        return by_code_reply(service, caller, body)

    @door.route(
        "POST",
        "/opt-outs",
        scopes=IDENTIFY,
        size=PICTURES,
        lane="privacy",
        reply=OptOutReply,
        summary="Opt out by face: at once, for good",
    )
    def opt_out(caller: Caller, body: OptOutBody) -> Body:
        done = service.forget_face(_device(caller), body.nonce, _pictures(body.frames), body.pin)
        return padded({"decision": done.decision, "reference": done.reference}, OPT_OUT_BYTES)


def _token_routes(door: Door, service: IdentityService) -> None:
    @door.route(
        "POST",
        "/tokens/raise",
        scopes=IDENTIFY,
        reply=RaiseReply,
        summary="A token and a PIN: a token of higher level",
    )
    def raise_level(caller: Caller, body: RaiseBody) -> Body:
        raised = service.raise_level(_device(caller), body.token, body.pin)
        reply = {"token": raised.token, "expires_at": iso(raised.expires_us or 0)}
        return reply | {"purposes": list(raised.purposes), "news": list(raised.news)}

    @door.route(
        "POST",
        "/not-me",
        scopes=IDENTIFY,
        status=204,
        lane="privacy",
        reply=None,
        summary="That greeting was for somebody else: this visit ends",
    )
    def not_me(caller: Caller, body: NotMeBody) -> Body:
        service.customers.not_me.this_visit(_device(caller), body.token)
        note_decision("not_me")
        return None

    @door.route(
        "POST",
        "/not-me/permanent",
        scopes=IDENTIFY,
        status=204,
        lane="privacy",
        reply=None,
        summary="Never greet by this face alone again",
    )
    def not_me_for_good(caller: Caller, body: NotMeBody) -> Body:
        service.customers.not_me.for_good(_device(caller), body.token)
        return None

    @door.route(
        "DELETE",
        "/not-me/permanent",
        scopes=IDENTIFY,
        status=204,
        lane="privacy",
        reply=None,
        summary="Greet by the face again: with a token that the PIN raised",
    )
    def not_me_taken_back(caller: Caller, body: NotMeBody) -> Body:
        service.customers.not_me.take_back(_device(caller), body.token)
        return None


def _enrolment_routes(door: Door, service: IdentityService) -> None:
    _joining_route(door, service)
    _face_routes(door, service)


def _joining_route(door: Door, service: IdentityService) -> None:
    @door.route(
        "POST",
        "/enrolments",
        scopes=ENROL,
        size=PICTURES,
        lane="recognition",
        status=201,
        reply=EnrolmentReply,
        summary="Enrol the person at the device",
    )
    def enrol(caller: Caller, body: EnrolmentBody) -> Body:
        device, consent = _device(caller), body.consent
        said = Said(
            purposes=consent.purposes,
            notice_version=consent.notice_version,
            age_confirmed=consent.age_confirmed,
            language=consent.language,
            place=consent.place,
            pin=body.pin,
        )
        if body.way == "code":
            made = service.customers.joining.without_face(device, **said)
        else:
            made = service.enrol(
                device,
                body.nonce,
                _pictures(body.frames),
                somebody_else=body.somebody_else,
                earlier=body.earlier,
                **said,
            )
        return _enrolled(made)


def _enrolled(made: Enrolled) -> Body:
    """What the screen shows to somebody who has just joined."""
    setup = {"secret": made.pin_secret, "expires_at": iso(made.pin_until_us)}
    return {
        "receipt": made.receipt,
        "purposes": list(made.purposes),
        "notice_version": made.notice_version,
        "pin_setup": None if made.pin_is_set else setup,
        "in_force": False,
        "confirm_within_s": CONFIRM_WITHIN_S,
        "signed_receipt": made.signed_receipt,
        "qr": qr_svg(f"{request.host_url}me#{made.receipt}"),
    }


def _face_routes(door: Door, service: IdentityService) -> None:
    @door.route(
        "PUT",
        "/enrolments/<receipt>/face",
        scopes=ENROL,
        size=PICTURES,
        lane="recognition",
        status=204,
        reply=None,
        summary="Add a face to an enrolment with a code; the history stays",
    )
    def add_face(caller: Caller, path: ReceiptPath, body: FaceBody) -> Body:
        service.add_face(
            _device(caller),
            path.receipt,
            body.pin,
            body.nonce,
            _pictures(body.frames),
            notice_version=body.notice_version,
            language=body.language,
            somebody_else=body.somebody_else,
        )
        return None

    @door.route(
        "DELETE",
        "/enrolments/<receipt>/face",
        scopes=ENROL,
        status=204,
        lane="privacy",
        reply=None,
        summary="Drop the face: its template goes, the history stays",
    )
    def drop_face(caller: Caller, path: ReceiptPath, body: NoFaceBody) -> Body:
        service.customers.joining.drop_face(_device(caller), path.receipt, body.pin)
        return None


def _receipt_routes(door: Door, service: IdentityService) -> None:
    @door.route(
        "PUT",
        "/enrolments/<receipt>/confirmed",
        scopes=ENROL,
        status=204,
        lane="privacy",
        reply=None,
        summary="The customer has their receipt: in force from now on",
    )
    def confirm(caller: Caller, path: ReceiptPath) -> Body:
        service.confirm(_device(caller), path.receipt)
        return None

    @door.route(
        "PUT", "/enrolments/<receipt>/pin", scopes=ENROL, status=204, reply=None, summary="Set the PIN, once"
    )
    def set_pin(caller: Caller, path: ReceiptPath, body: PinBody) -> Body:
        service.set_pin(_device(caller), path.receipt, body.secret, body.pin)
        return None

    @door.route(
        "DELETE",
        "/enrolments/<receipt>",
        scopes=ENROL,
        lane="privacy",
        reply=ForgottenReply,
        summary="Opt out by receipt",
    )
    def forget(caller: Caller, path: ReceiptPath) -> Body:
        receipt = service.opt_out(_device(caller), path.receipt)
        given = service.erasures.receipts.given(receipt)
        return {"forgotten": True, "everywhere": receipt.everywhere, "erasure": given}


def padded(reply: Mapping[str, object], size: int) -> dict[str, object]:
    """`reply` with as much `padding` as its JSON needs to be `size` bytes long.

    Raises:
        ValueError: it is longer without padding.
    """
    plain = dict(reply) | {"padding": ""}
    missing = size - len(json.dumps(plain, separators=(",", ":")).encode())
    if missing < 0:
        raise ValueError(f"a reply of {size - missing} bytes does not fit into {size}")
    return plain | {"padding": "." * missing}


def _device(caller: Caller) -> Device:
    return Device(caller.tenant, caller.device, caller.site)


def _pictures(frames: Sequence[str]) -> list[bytes]:
    """The bytes of base64 texts. Raises NotAnImage."""
    try:
        return [base64.b64decode(text, validate=True) for text in frames]
    except (binascii.Error, ValueError) as error:
        raise NotAnImage("A picture is sent as base64 of a JPEG, PNG or WebP file.") from error
