"""The errors that the web framework finds by itself, with a code each."""

from __future__ import annotations

from plumbing.problem import Problem


class BadRequest(Problem):
    """The request cannot be read, such as a body that is no JSON."""

    code = "bad_request"
    title = "Bad Request"
    what_to_do = "Send JSON in UTF-8, as the description of the API says."


class NotFound(Problem):
    """There is nothing at this address, or no such thing of this tenant: the two look the same."""

    code = "not_found"
    status = 404
    title = "Not Found"
    what_to_do = "Check the address and the id; the description of the API (`/docs`) lists every address."


class MethodNotAllowed(Problem):
    """The address is right, and it does not take this method."""

    code = "method_not_allowed"
    status = 405
    title = "Method Not Allowed"
    what_to_do = "Use one of the methods that the description of the API (`/docs`) lists for this address."


class UnsupportedMediaType(Problem):
    """The body is of another type than the operation takes."""

    code = "unsupported_media_type"
    status = 415
    title = "Unsupported Media Type"
    what_to_do = "Send the header Content-Type: application/json."


class InvalidRequest(Problem):
    """A parameter or a field of the body is missing, unknown or of another kind; `fields` name the first 20."""

    code = "invalid_request"
    status = 422
    title = "The request is not valid"
    what_to_do = "Mend the fields that the reply names, as the description of the API says."


class InternalServerError(Problem):
    """A mistake of this product. Its traceback is in the server's log, without anything about a person."""

    code = "internal_server_error"
    status = 500
    title = "Internal Server Error"
    what_to_do = "Go on as a guest, and tell who looks after the installation."


class ReplicaAway(Problem):
    """The proxy in front of several replicas reached none of them (`deploy/replicas/nginx.conf`)."""

    code = "replica_away"
    status = 503
    title = "The server does not answer"
    says = "Send the request again in a second, with the same Idempotency-Key."


OF_STATUS = {one.status: one for one in (BadRequest, NotFound, MethodNotAllowed, UnsupportedMediaType)}


IN_WORDS = {
    404: "There is no such address; /docs lists them all.",
    405: "This address does not take this method; /docs lists which it takes.",
}
"""In place of what the framework says of a whole web site."""


def kind_of(status: int) -> type[Problem]:
    """The error that stands for a status of the framework."""
    return OF_STATUS.get(status, BadRequest if status < 500 else InternalServerError)
