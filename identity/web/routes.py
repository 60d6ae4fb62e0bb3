"""TODO."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Response, request
from flask_openapi3 import APIBlueprint, Tag

from identity.config import PURPOSES
from identity.consent import PURPOSE_TEXTS
from identity.errors import NotAnImage
from identity.service import Device, IdentityService, Recognition
from identity.store.schema import named_when_full
from identity.web.schemas import (
    BASE,
    EnrolmentBody,
    EnrolmentReply,
    ForgottenReply,
    NoticeReply,
    NotMeBody,
    OptOutReply,
    PinBody,
    PressBody,
    PressReply,
    RaiseBody,
    RaiseReply,
    ReceiptPath,
    RecognitionBody,
    RecognitionReply,
)
from plumbing.access import Access, Caller
from plumbing.clock import SECOND
from plumbing.idempotency import Idempotency, Reply

Work = Callable[[Caller], Reply]


RECOGNITION_BYTES = 1_000  # of every answer to a recognition, hit or miss


OPT_OUT_BYTES = 200


@dataclass(frozen=True)
class RouteContext:
    """What every route does before and after its own work."""

    access: Access
    once: Idempotency
    secret: bytes

    def answer(self, scope: str, work: Work, *told: str) -> Response:
        """Authenticate, do `work` (once per Idempotency-Key) and make the response.

        `told` is what was asked, without frames: the nonce stands for them.
        """
        caller = self.access.authenticate(request, scope)
        name = request.headers.get("Idempotency-Key") if request.method == "POST" else None
        asked = json.dumps([request.path, *told]).encode()
        # Keyed, because what is asked may be a PIN.
        fingerprint = hmac.digest(self.secret, asked, hashlib.sha256).hex()
        with named_when_full():
            reply = self.once.run(caller, name, fingerprint, lambda: work(caller))
        content = json.dumps(reply.body, separators=(",", ":")) if reply.status != 204 else ""
        response = Response(content, status=reply.status, mimetype="application/json")
        response.headers["Cache-Control"] = "no-store"
        return response


def _recognised(service: IdentityService, caller: Caller, body: RecognitionBody) -> dict[str, Any]:
    pictures, moves = _pictures(body.frames), _pictures(body.moves)
    seen: Recognition = service.recognise(_device(caller), body.nonce, pictures, moves)
    told = {
        "decision": seen.decision,
        "token": seen.token,
        "expires_at": None if seen.expires_us is None else iso(seen.expires_us),
        "purposes": list(seen.purposes),
        "hint": seen.hint,
        "liveness": seen.liveness,
    }
    return padded(told, RECOGNITION_BYTES)


def _blueprint(service: IdentityService, door: RouteContext) -> APIBlueprint:
    api = APIBlueprint(
        "identity",
        __name__,
        url_prefix=BASE,
        abp_tags=[Tag(name="identity", description="Press, recognise, enrol, opt out")],
    )
    _recognition_routes(api, service, door)
    _enrolment_routes(api, service, door)
    return api


def _recognition_routes(api: APIBlueprint, service: IdentityService, door: RouteContext) -> None:
    @api.post("/presses", responses={"201": PressReply}, summary="The customer pressed: a nonce for one look")
    def press(body: PressBody) -> Response:
        def work(caller: Caller) -> Reply:
            nonce, expires_us = service.press(_device(caller))
            moves = list(service.challenge(nonce)) if service.config.asks_for_moves else []
            return Reply(201, {"nonce": nonce, "expires_at": iso(expires_us), "challenge": moves})

        return door.answer("identify", work)

    @api.post("/recognitions", responses={"200": RecognitionReply}, summary="Who pressed, as an opaque token")
    def recognise(body: RecognitionBody) -> Response:
        return door.answer("identify", lambda caller: Reply(200, _recognised(service, caller, body)), body.nonce)

    @api.post("/tokens/raise", responses={"200": RaiseReply}, summary="A token and a PIN: a token of higher level")
    def raise_level(body: RaiseBody) -> Response:
        def work(caller: Caller) -> Reply:
            raised = service.raise_level(_device(caller), body.token, body.pin)
            told = {"token": raised.token, "expires_at": iso(raised.expires_us or 0)}
            return Reply(200, told | {"purposes": list(raised.purposes)})

        return door.answer("identify", work, body.token, body.pin)

    @api.post("/not-me", responses={"204": None}, summary="That greeting was for somebody else: never again so")
    def not_me(body: NotMeBody) -> Response:
        def work(caller: Caller) -> Reply:
            service.not_me(_device(caller), body.token)
            return Reply(204, {})

        return door.answer("identify", work, body.token)

    @api.post("/opt-outs", responses={"200": OptOutReply}, summary="Opt out by face: at once, for good")
    def opt_out(body: RecognitionBody) -> Response:
        def work(caller: Caller) -> Reply:
            found = service.forget_face(_device(caller), body.nonce, _pictures(body.frames))
            return Reply(200, padded({"decision": "forgotten" if found else "unknown"}, OPT_OUT_BYTES))

        return door.answer("identify", work, body.nonce)


def _enrolment_routes(api: APIBlueprint, service: IdentityService, door: RouteContext) -> None:
    @api.get("/notice", responses={"200": NoticeReply}, summary="What a customer reads before they decide")
    def notice() -> Response:
        def work(_: Caller) -> Reply:
            now = service.notice
            told = {"version": now.version, "sha256": now.sha256, "text": now.text}
            told_purposes = [{"name": name, "text": PURPOSE_TEXTS[name]} for name in PURPOSES]
            kept = {"retention_months": now.retention_months, "minimum_age": now.minimum_age}
            return Reply(200, told | {"purposes": told_purposes, "grade": service.engine.pack.grade} | kept)

        return door.answer("enrol", work)

    @api.post("/enrolments", responses={"201": EnrolmentReply}, summary="Enrol the person at the device")
    def enrol(body: EnrolmentBody) -> Response:
        def work(caller: Caller) -> Reply:
            made = service.enrol(
                _device(caller),
                body.nonce,
                _pictures(body.frames),
                purposes=body.consent.purposes,
                notice_version=body.consent.notice_version,
                age_confirmed=body.consent.age_confirmed,
                somebody_else=body.somebody_else,
                earlier=body.earlier,
            )
            told = {"receipt": made.receipt, "purposes": list(made.purposes)}
            setup = {"secret": made.pin_secret, "expires_at": iso(made.pin_until_us)}
            return Reply(201, told | {"notice_version": made.notice_version, "pin_setup": setup})

        return door.answer(
            "enrol", work, body.nonce, body.consent.model_dump_json(), str(body.somebody_else), body.earlier or ""
        )

    @api.put("/enrolments/<receipt>/pin", responses={"204": None}, summary="Set the PIN, once")
    def set_pin(path: ReceiptPath, body: PinBody) -> Response:
        def work(caller: Caller) -> Reply:
            service.set_pin(_device(caller), path.receipt, body.secret, body.pin)
            return Reply(204, {})

        return door.answer("enrol", work)

    @api.delete("/enrolments/<receipt>", responses={"200": ForgottenReply}, summary="Opt out by receipt")
    def forget(path: ReceiptPath) -> Response:
        def work(caller: Caller) -> Reply:
            everywhere = service.forget(_device(caller), path.receipt)
            return Reply(200, {"forgotten": True, "everywhere": everywhere})

        return door.answer("enrol", work)


def iso(time_us: int) -> str:
    """Microseconds UTC as ISO 8601 with offset, always of the same length."""
    return datetime.fromtimestamp(time_us / SECOND, UTC).isoformat(timespec="microseconds")


def padded(told: Mapping[str, Any], size: int) -> dict[str, Any]:
    """`told` with as much `padding` as its JSON needs to have `size` bytes."""
    plain = dict(told) | {"padding": ""}
    missing = size - len(json.dumps(plain, separators=(",", ":")).encode())
    if missing < 0:
        raise ValueError(f"an answer of {size - missing} bytes does not fit into {size}")
    return plain | {"padding": "." * missing}


def _device(caller: Caller) -> Device:
    return Device(caller.tenant, caller.device)


def _pictures(frames: Sequence[str]) -> list[bytes]:
    """The bytes of base64 texts. Raises NotAnImage."""
    try:
        return [base64.b64decode(text, validate=True) for text in frames]
    except (binascii.Error, ValueError) as error:
        raise NotAnImage("A picture is sent as base64 of a JPEG, PNG or WebP file.") from error
