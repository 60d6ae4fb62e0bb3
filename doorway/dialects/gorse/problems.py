"""What this dialect does not do, and why."""

from __future__ import annotations

from plumbing.problem import Problem


class ListsNobody(Problem):
    """A list of people, or of what all of them did."""

    code = "gorse_lists_nobody"
    status = 403
    title = "Nobody is listed here"
    says = (
        "Ids of users are not kept, only keyed hashes of them: nobody can list them, nor what all of them did."
        " Ask for one user by the id that you have."
    )


class NotForDevices(Problem):
    """A key that stands where customers are."""

    code = "dialect_not_for_devices"
    status = 403
    title = "A device does not name users"
    says = "Who names users can invent them: use a key of a server's own, without a device."


class NoProfiles(Problem):
    """Labels or a comment about a user."""

    code = "gorse_no_profiles"
    status = 422
    title = "Nothing is kept about a user"
    says = "Of a user only what they did is kept: send Labels, Subscribe and Comment empty."


class TypeUnknown(Problem):
    """A type of feedback without a meaning here."""

    code = "gorse_feedback_type_unknown"
    status = 422
    title = "This type of feedback has no meaning here"
    what_to_do = "Send one of the types that the reply names."


class NoDelay(Problem):
    """Write-back in the future."""

    code = "gorse_no_write_back_delay"
    status = 422
    title = "Nothing is written back later"
    says = "What was shown is recorded when it is shown: leave write-back-delay out. Repeats are allowed anyway."


class UserDeleted(Problem):
    """The user was deleted, and stays so."""

    code = "gorse_user_deleted"
    status = 410
    title = "This user was deleted"
    says = "A user who was deleted stays deleted: nothing that comes late brings them back. Use another id."
