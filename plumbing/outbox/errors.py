"""What can go wrong between a store box and the centre."""

from __future__ import annotations

from typing import ClassVar

from plumbing.problem import Problem


class EdgeError(Problem):
    """Something that concerns store boxes and cannot be done."""

    code: ClassVar[str] = "edge"
    status: ClassVar[int] = 400
    title: ClassVar[str] = "The store box cannot do this"
    what_to_do: ClassVar[str | None] = (
        "Do as the reply says; `usual edge list` at the centre shows how each box is."
    )


class SealRefused(EdgeError):
    """A message does not open, or its signature is not the other side's."""

    code = "edge_seal_refused"
    status = 403
    title = "A message between box and centre is not genuine"
    says = "It was altered, or it is for another box. Pair the box again if this goes on."


class BoxNameTaken(EdgeError):
    """Another box of the tenant has this name."""

    code = "box_name_taken"
    status = 409
    title = "There is a box of this name"
    what_to_do = "Choose another name, or end the box that has it (`usual edge list` shows them)."

    def __init__(self, name: str) -> None:
        super().__init__(f"Choose another name than {name!r}, or put a new box in its place with --replace.")


class BoxUnknown(EdgeError):
    """The tenant has no box of this name."""

    code = "box_unknown"
    status = 404
    title = "There is no box of this name"
    says = "`usual edge list` shows the boxes."


class BoxCodeRefused(EdgeError):
    """The pairing code is unknown, used or too old."""

    code = "box_code_refused"
    status = 403
    title = "The pairing code is not valid"
    says = "A code is good once and for a day: make another one at the centre with `usual edge pair --replace`."
    security_event = "pairing_refused"


class BoxNotPaired(EdgeError):
    """The centre does not know this box any more, or the box has no pairing."""

    code = "box_not_paired"
    status = 403
    title = "This box is not paired"
    says = "Make a code at the centre with `usual edge pair`, and start the box with `--code`."


class CentreUnreachable(EdgeError):
    """The line to the centre is cut, or what answers there is not the centre."""

    code = "centre_unreachable"
    status = 503
    title = "The centre does not answer"
    what_to_do = "Nothing: the box goes on by itself and tries again. If it lasts, look at the line to the centre."


class NatsMissing(EdgeError):
    """The program nats-server or the package nats-py is not installed."""

    code = "nats_missing"
    status = 500
    title = "NATS is not installed"
    says = "A store box needs it: .venv/bin/pip install 'usual[scale]'"


class OutboxClosed(EdgeError):
    """The outbox takes nothing now: its server does not answer, or its disk is full."""

    code = "outbox_closed"
    status = 503
    title = "The outbox takes nothing at the moment"
    says = "The event was not kept for the centre. Send it again in a second."
    retry_after = 1


class NoMemoryFolder(EdgeError):
    """There is no folder in memory for what the box must forget without power."""

    code = "no_memory_folder"
    status = 500
    title = "No folder in memory"
    what_to_do = "Name a folder in memory (tmpfs), such as /dev/shm."


class NotAtBox(EdgeError):
    """A store box does not offer this."""

    code = "not_at_a_box"
    status = 409
    title = "This is not done at a store box"
    says = "Joining, PINs and changes of what somebody agreed to are done at the centre. Orders go on without."


class NotOfThisBox(EdgeError):
    """An event of another tenant or of another site."""

    code = "not_of_this_box"
    status = 409
    title = "This box is of another place"
    what_to_do = "Send it to the box of its own place, or to the centre."
