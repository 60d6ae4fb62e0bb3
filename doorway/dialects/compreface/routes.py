"""CompreFace's routes: recognise who stands before a paired device, and forget one customer by their receipt.

The call is the customer's press: the device makes it when they ask to be recognised. So the press is opened here,
for that device alone, and used up at once. The subject that is answered is the opaque token that the recommender
takes; the similarity is a constant, and so is the box: no number of a face leaves recognition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, Field

from doorway.dialects.compreface.picture import picture_of
from doorway.dialects.compreface.refused import REFUSED, ROOT, NotOffered, Refused
from identity.service import Device, IdentityService
from identity.web.codes import LOOKED_AT, RECEIPT
from identity.web.routes import RECOGNITION_BYTES, padded
from plumbing.access.caller import Caller
from plumbing.access.device_figures import note_decision
from plumbing.demands import MIB, BodySize
from plumbing.describing.later import Api
from plumbing.door import Body, Door
from plumbing.problem import Problem
from plumbing.query import Query
from plumbing.shared import Shared

NAME = "compreface"
OF_DIALECT = ("dialect_off", "device_needed")
SIZE = BodySize(4 * MIB, 4 * MIB, "Send one picture of at most 2 MB.")  # any byte may look like a part of JSON
UNREAD = BodySize(2 * MIB, 2 * MIB)  # pictures that are not looked at
SIMILARITY = 1.0
BOX = {"probability": 1.0, "x_min": 0, "y_min": 0, "x_max": 0, "y_max": 0}


class DeviceNeeded(Problem):
    """A key that belongs to no device: nobody stands before it."""

    code = "device_needed"
    status = 403
    title = "A paired device is needed"
    says = "Recognition needs the key of a device: `usual keys create --device NAME --scope identify`."


class NotRepeatable(Problem):
    """A look with an `Idempotency-Key`: a kept reply could greet the next person as the one before."""

    code = "not_repeatable"
    status = 422
    title = "A look at a picture is not repeated"
    says = "Leave `Idempotency-Key` out: each call looks at its own picture, and nothing of one is kept."


class PluginRefused(Problem):
    """A plugin that would read something from a face, or give away its numbers."""

    code = "plugin_refused"
    status = 422
    title = "This plugin is not offered"
    says = "Neither age, gender, mask, landmarks nor the numbers of a face are given: leave `face_plugins` out."


class RecognizeQuery(Query):
    """CompreFace's options. Whatever is asked for, at most one face is looked at and one subject answered."""

    limit: int = Field(0, ge=0)
    prediction_count: int = Field(1, ge=0)
    det_prob_threshold: float = Field(0.8, ge=0, le=1)
    face_plugins: str = Field("", max_length=200)
    status: str = Field("", max_length=10)
    detect_faces: str = Field("", max_length=10)


class SubjectPath(BaseModel):
    subject: str = Field(min_length=1, max_length=200, description="the customer's receipt")


class ImagePath(BaseModel):
    image_id: str = Field(min_length=1, max_length=200)


class Box(BaseModel):
    probability: float
    x_min: int
    y_min: int
    x_max: int
    y_max: int


class Subject(BaseModel):
    subject: str = Field(description="a token: opaque, good for minutes")
    similarity: float = Field(description="a constant")


class Found(BaseModel):
    box: Box
    subjects: list[Subject] = Field(description="empty for everybody who is not greeted, for whatever reason")


class RecognizeReply(BaseModel):
    """Equally long for everybody."""

    result: list[Found]
    hint: str | None = Field(description="what the person can do when they are not greeted")
    padding: str


class DeletedReply(BaseModel):
    subject: str


def compreface(shared: Shared, service: IdentityService) -> APIBlueprint:
    """The routes of the dialect."""
    tag = Tag(name=NAME, description="CompreFace's recognition routes, where they are switched on")
    api = Api(NAME, __name__, abp_tags=[tag])
    door = Door(api, access=shared.access, limits=shared.limits, once=shared.once, before_kept=_keep_nothing)
    _recognize_route(door, shared, service)
    _delete_route(door, shared, service)
    for one in REFUSED:
        _refuse(door, shared, one)
    return api


def _recognize_route(door: Door, shared: Shared, service: IdentityService) -> None:
    @door.route(
        "POST",
        ROOT + "/recognize",
        scopes=("identify",),
        size=SIZE,
        lane="recognition",
        reply=RecognizeReply,
        summary="Who stands before this device, as an opaque token",
        errors=(*OF_DIALECT, "plugin_refused", "not_repeatable", *LOOKED_AT),
    )
    def compreface_recognize(caller: Caller, query: RecognizeQuery) -> Body:
        """One picture, in a form or as base64 in JSON. Everybody gets an equally long reply."""
        with _in_words_of_compreface():
            shared.dialects.require(caller.tenant, NAME)
            device = _device_of(caller)
            if query.face_plugins.strip(" ,"):
                raise PluginRefused
            picture = picture_of(request)
            nonce, _ = service.press(device)
            seen = service.recognise(device, nonce, [picture])
        note_decision(seen.decision)
        greeted = seen.token if seen.decision == "matched" else None
        subjects = [] if greeted is None else [{"subject": greeted, "similarity": SIMILARITY}]
        return padded({"result": [{"box": BOX, "subjects": subjects}], "hint": seen.hint}, RECOGNITION_BYTES)


def _delete_route(door: Door, shared: Shared, service: IdentityService) -> None:
    @door.route(
        "DELETE",
        ROOT + "/subjects/<subject>",
        scopes=("enrol",),
        lane="privacy",
        reply=DeletedReply,
        summary="Opt out the holder of a receipt: at once, for good",
        errors=(*OF_DIALECT, *RECEIPT, "recommender_unreachable", "too_many_codes"),
    )
    def compreface_delete_subject(caller: Caller, path: SubjectPath) -> Body:
        """The subject is the receipt that the customer has: no other name of theirs is known."""
        with _in_words_of_compreface():
            shared.dialects.require(caller.tenant, NAME)
            service.opt_out(_device_of(caller), path.subject)
        return {"subject": path.subject}


def _refuse(door: Door, shared: Shared, one: Refused) -> None:
    """A route that says why it is none."""

    def refuse(caller: Caller) -> Body:
        with _in_words_of_compreface():
            shared.dialects.require(caller.tenant, NAME)
            raise NotOffered(one.why)

    def refuse_subject(caller: Caller, path: SubjectPath) -> Body:
        return refuse(caller)

    def refuse_image(caller: Caller, path: ImagePath) -> Body:
        return refuse(caller)

    work: Callable[..., Body] = refuse
    if "<" in one.path:
        work = refuse_subject if "<subject>" in one.path else refuse_image
    work.__name__, work.__doc__ = f"{NAME}_{one.name}", one.why
    summary = "Not offered, and the answer says why"
    errors = ("dialect_off", NotOffered.code)
    door.route(
        one.method, one.path, scopes=("identify",), size=UNREAD, reply=None, summary=summary, errors=errors
    )(work)


def _keep_nothing() -> None:
    """Raises NotRepeatable."""
    raise NotRepeatable


def _device_of(caller: Caller) -> Device:
    """Raises DeviceNeeded."""
    if caller.device.startswith("key:"):  # of no device
        raise DeviceNeeded
    return Device(caller.tenant, caller.device, caller.site)


@contextmanager
def _in_words_of_compreface() -> Iterator[None]:
    """Its clients show the field `message` of an answer that is no result."""
    try:
        yield
    except Problem as error:
        error.extra.setdefault("message", error.detail)
        raise
