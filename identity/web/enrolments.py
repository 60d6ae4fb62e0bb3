"""The routes of joining and leaving: enrol, faces, PIN, receipts."""

from __future__ import annotations

from flask import request

from identity.consent.qr import qr_svg
from identity.customers.joining.pending import CONFIRM_WITHIN_S
from identity.results import Said
from identity.service import Enrolled, IdentityService
from identity.web.codes import AT_A_BOX, BY_CODE, CONSENT, LOOKED_AT, PIN, RECEIPT
from identity.web.schemas import (
    EnrolmentBody,
    EnrolmentReply,
    FaceBody,
    ForgottenReply,
    NoFaceBody,
    PinBody,
    ReceiptPath,
)
from identity.web.sent import device_of, of_face
from identity.web.times import iso
from plumbing.access.access import Caller
from plumbing.demands import PICTURES
from plumbing.door import Body, Door

ENROL = ("enrol",)  # scopes


def enrolment_routes(door: Door, service: IdentityService) -> None:
    """Put the routes on the door."""
    _joining_route(door, service)
    _face_routes(door, service)
    _receipt_routes(door, service)


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
        errors=(
            *LOOKED_AT,
            *CONSENT,
            *AT_A_BOX,
            *RECEIPT,
            "already_enrolled",
            "frames_differ",
            "frames_identical",
            "language_unknown",
            "name_too_long",
            "pin_invalid",
            "pin_needed",
            "place_unknown",
            "receipt_keys_damaged",
            "too_few_frames",
        ),
    )
    def enrol(caller: Caller, body: EnrolmentBody) -> Body:
        """The person at the device has read the notice and agreed to at least one purpose. It is in force once
        they have seen the receipt (`confirm_enrolment`). With `way` = `code` no picture is sent.
        """
        device, consent = device_of(caller), body.consent
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
                of_face(body.frames, body.device_message),
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
        errors=(
            *LOOKED_AT,
            *CONSENT,
            *RECEIPT,
            *PIN,
            *BY_CODE,
            *AT_A_BOX,
            "already_enrolled",
            "face_held",
            "frames_differ",
            "frames_identical",
            "language_unknown",
            "too_few_frames",
        ),
    )
    def add_face(caller: Caller, path: ReceiptPath, body: FaceBody) -> Body:
        """Somebody who joined with a code adds a face; history and code stay."""
        service.add_face(
            device_of(caller),
            path.receipt,
            body.pin,
            body.nonce,
            of_face(body.frames, body.device_message),
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
        errors=(*RECEIPT, *PIN, *BY_CODE, *AT_A_BOX),
    )
    def drop_face(caller: Caller, path: ReceiptPath, body: NoFaceBody) -> Body:
        """The template is erased at once; history and code stay."""
        service.customers.joining.drop_face(device_of(caller), path.receipt, body.pin)
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
        errors=(*RECEIPT, *AT_A_BOX),
    )
    def confirm_enrolment(caller: Caller, path: ReceiptPath) -> Body:
        """Without this an enrolment is erased after some minutes: nobody is greeted who has no way out in their
        hands.
        """
        service.confirm(device_of(caller), path.receipt)
        return None

    @door.route(
        "PUT",
        "/enrolments/<receipt>/pin",
        scopes=ENROL,
        status=204,
        reply=None,
        summary="Set the PIN, once",
        errors=(*RECEIPT, *AT_A_BOX, "pin_invalid", "pin_setup_refused"),
    )
    def set_pin(caller: Caller, path: ReceiptPath, body: PinBody) -> Body:
        """With the secret of the enrolment's reply, within minutes."""
        service.set_pin(device_of(caller), path.receipt, body.secret, body.pin)
        return None

    @door.route(
        "DELETE",
        "/enrolments/<receipt>",
        scopes=ENROL,
        lane="privacy",
        reply=ForgottenReply,
        summary="Opt out by receipt",
        errors=(*RECEIPT, "recommender_unreachable", "too_many_codes"),
    )
    def opt_out_by_receipt(caller: Caller, path: ReceiptPath) -> Body:
        """Everything of this customer is erased, everywhere. The reply has the receipt of the erasure."""
        receipt = service.opt_out(device_of(caller), path.receipt)
        given = service.erasures.receipts.given(receipt)
        return {"forgotten": True, "everywhere": receipt.everywhere, "erasure": given}
