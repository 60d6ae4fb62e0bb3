"""The routes of the identity half: press, recognise, enrol, opt out."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from identity.frames.texts import pictures
from identity.results import Seal
from identity.service import IdentityService, Recognition
from identity.store.schema import named_when_full
from identity.web import desk, me, peer
from identity.web.codes import AT_A_BOX, BY_CODE, LOOKED_AT, PIN, RECOGNITION, TOKEN
from identity.web.enrolments import enrolment_routes
from identity.web.papers import paper_routes
from identity.web.schemas import (
    BASE,
    ByCodeBody,
    NotMeBody,
    OptOutBody,
    OptOutReply,
    PressBody,
    PressQuery,
    PressReply,
    RaiseBody,
    RaiseReply,
    RecognitionBody,
    RecognitionReply,
)
from identity.web.sent import device_of, of_face
from identity.web.times import iso
from plumbing.access.access import Access, Caller
from plumbing.access.device_figures import note_decision
from plumbing.closed import ClosedTokens
from plumbing.demands import PICTURES
from plumbing.describing.later import Api
from plumbing.door import Body, Door
from plumbing.idempotency import Idempotency
from plumbing.limits import Limits

RECOGNITION_BYTES = 1_000
"""Size of every reply to a recognition, hit or miss."""

OPT_OUT_BYTES = 200
"""Size of every reply to an opt-out by face, hit or miss."""

PICTURE_FIELDS = ("frames", "moves", "device_message")
"""Fields of request bodies that hold pictures, or what was made of them."""

IDENTIFY = ("identify",)  # scopes


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
    api = Api("identity", __name__, url_prefix=BASE, abp_tags=[tag])
    door = Door(api, access=access, once=once, limits=limits, pictures=PICTURE_FIELDS, name_errors=named_when_full)
    _recognition_routes(door, service)
    _token_routes(door, service)
    enrolment_routes(door, service)
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
    sent, moves = of_face(body.frames, body.device_message), pictures(body.moves)
    return _as_reply(service.recognise(device_of(caller), body.nonce, sent, moves))


def by_code_reply(service: IdentityService, caller: Caller, body: ByCodeBody) -> dict[str, object]:
    """The same for somebody who gives code and PIN. Raises what IdentityService.recognise_by_code raises."""
    return _as_reply(service.recognise_by_code(device_of(caller), body.receipt, body.pin))


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
        errors=("seal_keys_damaged", "too_many_failures", *RECOGNITION),
    )
    def press(caller: Caller, query: PressQuery, body: PressBody) -> Body:
        """The customer pressed the button: the reply has a nonce that is good for one look, on this device, for
        10 seconds. Nothing is looked at without one.
        """
        device = device_of(caller)
        seal = _as_json(service.seal_for(device))  # before the press: without keys there is none
        nonce, expires_us = service.press(device)
        moves = list(service.challenge(nonce)) if service.config.asks_for_moves else []
        return {"nonce": nonce, "expires_at": iso(expires_us), "challenge": moves, "seal": seal}

    @door.route(
        "POST",
        "/recognitions",
        scopes=IDENTIFY,
        size=PICTURES,
        lane="recognition",
        reply=RecognitionReply,
        summary="Who pressed, as an opaque token",
        errors=LOOKED_AT,
    )
    def recognise(caller: Caller, body: RecognitionBody) -> Body:
        """One to three pictures of one press, or the message of a device that sends vectors. `token` is opaque,
        and null for everybody who gets no greeting: a stranger, somebody unclear and somebody who pauses look the
        same, in size too. No picture is kept.
        """
        return recognition_reply(service, caller, body)

    @door.route(
        "POST",
        "/recognitions/by-code",
        scopes=IDENTIFY,
        reply=RecognitionReply,
        summary="Who has this code and PIN, as an opaque token: no face is looked at",
        errors=(*BY_CODE, *RECOGNITION),
    )
    def recognise_by_code(caller: Caller, body: ByCodeBody) -> Body:
        """The equal way without a face: code and PIN give the same token."""
        return by_code_reply(service, caller, body)

    @door.route(
        "POST",
        "/opt-outs",
        scopes=IDENTIFY,
        size=PICTURES,
        lane="privacy",
        reply=OptOutReply,
        summary="Opt out by face: at once, for good",
        errors=(*LOOKED_AT, *PIN, "pin_invalid", "held_of_several"),
    )
    def opt_out_by_face(caller: Caller, body: OptOutBody) -> Body:
        """One press, and everything of this customer is erased, everywhere, within a second. A stranger gets a
        reply of the same size.
        """
        done = service.forget_face(
            device_of(caller), body.nonce, of_face(body.frames, body.device_message), body.pin
        )
        return padded({"decision": done.decision, "reference": done.reference}, OPT_OUT_BYTES)


def _as_json(seal: Seal | None) -> dict[str, object] | None:
    if seal is None:
        return None
    public_key = base64.urlsafe_b64encode(seal.public_key).rstrip(b"=").decode()
    named = {"device": seal.device, "pack": seal.pack, "size": seal.size, "masks": seal.twins}
    return {"public_key": public_key, "key_id": seal.key_id.hex(), **named}


def _token_routes(door: Door, service: IdentityService) -> None:
    @door.route(
        "POST",
        "/tokens/raise",
        scopes=IDENTIFY,
        reply=RaiseReply,
        summary="A token and a PIN: a token of higher level",
        errors=(*TOKEN, *PIN, *AT_A_BOX, "pin_invalid"),
    )
    def raise_token(caller: Caller, body: RaiseBody) -> Body:
        """A face alone opens orders and offers; with the PIN, places, history and redeeming as well."""
        raised = service.raise_level(device_of(caller), body.token, body.pin)
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
        errors=TOKEN,
    )
    def end_visit_not_me(caller: Caller, body: NotMeBody) -> Body:
        """The customer says that the greeting was not for them: the token is void."""
        service.customers.not_me.this_visit(device_of(caller), body.token)
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
        errors=(*TOKEN, *AT_A_BOX),
    )
    def refuse_face(caller: Caller, body: NotMeBody) -> Body:
        """This face alone greets nobody any more; code and PIN still do."""
        service.customers.not_me.for_good(device_of(caller), body.token)
        return None

    @door.route(
        "DELETE",
        "/not-me/permanent",
        scopes=IDENTIFY,
        status=204,
        lane="privacy",
        reply=None,
        summary="Greet by the face again: with a token that the PIN raised",
        errors=(*TOKEN, *AT_A_BOX, "second_factor_required"),
    )
    def allow_face(caller: Caller, body: NotMeBody) -> Body:
        """Takes `refuse_face` back; needs a token that the PIN raised."""
        service.customers.not_me.take_back(device_of(caller), body.token)
        return None


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
