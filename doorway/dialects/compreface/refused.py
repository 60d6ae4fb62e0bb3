"""CompreFace's routes that are not offered, and the reason of each: it is the answer to whoever calls one."""

from __future__ import annotations

from typing import NamedTuple

from plumbing.problem import Problem

ROOT = "/api/v1/recognition"


class NotOffered(Problem):
    """A route of CompreFace that would break a promise to customers."""

    code = "not_offered"
    status = 403
    title = "This is not offered here"
    what_to_do = "Do without this call; the reply says why, and what there is in its place."


class Refused(NamedTuple):
    """A route and why it is refused; `name` is that of its operation."""

    method: str
    path: str
    name: str
    why: str


NO_LIST = "There is no list of customers: nobody can ask who is enrolled."
JOINING = (
    "Customers enrol themselves, at a paired screen, after they read the notice and agreed"
    " (POST /identity/v1/enrolments): no picture, file or program enrols anybody."
)
NO_NAMES = "No name is kept of a customer, so there is none to add or change. " + JOINING
NO_PICTURES = "No picture is kept of anybody: there is none to list, load or delete."
ONE_BY_ONE = "Nobody is erased but by their own receipt: DELETE /api/v1/recognition/subjects/RECEIPT."
NO_COMPARING = "Two pictures are never compared, and nobody is looked for in one: a press is looked at, once."
NO_DETECTION = "No face is looked for, counted or described in a picture: a press is looked at, once."

REFUSED = (
    Refused("GET", ROOT + "/subjects", "list_subjects", NO_LIST),
    Refused("POST", ROOT + "/subjects", "add_subject", NO_NAMES),
    Refused("PUT", ROOT + "/subjects/<subject>", "rename_subject", NO_NAMES),
    Refused("DELETE", ROOT + "/subjects", "delete_all_subjects", ONE_BY_ONE),
    Refused("GET", ROOT + "/faces", "list_faces", NO_LIST),
    Refused("POST", ROOT + "/faces", "add_face", JOINING),
    Refused("DELETE", ROOT + "/faces", "delete_subject_faces", ONE_BY_ONE),
    Refused("DELETE", ROOT + "/faces/<image_id>", "delete_face", NO_PICTURES),
    Refused("POST", ROOT + "/faces/delete", "delete_faces", NO_PICTURES),
    Refused("GET", ROOT + "/faces/<image_id>/img", "download_face", NO_PICTURES),
    Refused("POST", ROOT + "/faces/<image_id>/verify", "verify_face", NO_COMPARING),
    Refused("POST", "/api/v1/verification/verify", "verify", NO_COMPARING),
    Refused("POST", "/api/v1/detection/detect", "detect", NO_DETECTION),
)
