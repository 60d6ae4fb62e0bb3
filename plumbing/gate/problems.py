"""What the gate refuses, by name."""

from __future__ import annotations

from plumbing.problem import Problem


class HeadRefused(Problem):
    """A head that two servers could read in two ways, or that asks for another protocol."""

    code = "head_refused"
    status = 400
    title = "The head of the request is refused"
    what_to_do = "Send each header once, under its own name, and a short address; do as the reply says."


class LengthRequired(Problem):
    """A body without its length: a second length could hide behind it."""

    code = "length_required"
    status = 411
    title = "The length of the body is needed"
    says = "Send the body with a Content-Length; chunked bodies are not taken."


class BodyTooSlow(Problem):
    """The body did not arrive in time."""

    code = "body_too_slow"
    status = 408
    title = "The body did not arrive in time"
    says = "Send the whole request again."


class Overloaded(Problem):
    """More requests of this kind than can be answered in time. Refused at once, so that a screen goes on."""

    code = "overloaded"
    status = 503
    title = "Too much to do right now"
    retry_after = 1
    says = "Nothing was stored. Go on without it, or send the request again in a second."
