"""The errors of the recommender.

RecommenderError(Problem)
├── TokenError          a token that is not accepted (tokens.py)
├── EventError          events that cannot be recorded (service.py)
├── CatalogueError      items, places and offers that are wrong or missing (store/, exchange/)
├── FileUnreadable      files that are no CSV or JSON lines, or lack columns (exchange/)
├── CustomerError       what a customer asks for about their own data (customer/, store/ties.py)
└── TrainingError       runs, versions, schedules (training/, store/versions.py)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from recommender.errors.base import RecommenderError as RecommenderError
from recommender.errors.training import (
    ArtifactError as ArtifactError,
)
from recommender.errors.training import (
    ClusterError as ClusterError,
)
from recommender.errors.training import (
    NoSuchChoice as NoSuchChoice,
)
from recommender.errors.training import (
    NoSuchRun as NoSuchRun,
)
from recommender.errors.training import (
    NoSuchVersion as NoSuchVersion,
)
from recommender.errors.training import (
    NotAccepted as NotAccepted,
)
from recommender.errors.training import (
    NotEnoughEvents as NotEnoughEvents,
)
from recommender.errors.training import (
    NothingLeft as NothingLeft,
)
from recommender.errors.training import (
    NotPinned as NotPinned,
)
from recommender.errors.training import (
    PartUnreadable as PartUnreadable,
)
from recommender.errors.training import (
    RunEnded as RunEnded,
)
from recommender.errors.training import (
    SceneUntrained as SceneUntrained,
)
from recommender.errors.training import (
    ScheduleRefused as ScheduleRefused,
)
from recommender.errors.training import (
    TrainingCancelled as TrainingCancelled,
)
from recommender.errors.training import (
    TrainingError as TrainingError,
)
from recommender.errors.training import (
    TrainingRunning as TrainingRunning,
)
from recommender.errors.training import (
    TrainingTooLarge as TrainingTooLarge,
)

# --- tokens ------------------------------------------------------------------------------------------


class TokenError(RecommenderError):
    """A token that is not accepted. The reply never contains whose it is."""

    code = "token_refused"
    status = 401
    title = "The recognition token was not accepted"


class TokenAltered(TokenError):
    code = "token_altered"
    security_event = "token_refused"
    says = "The token is not one of ours or was changed. Recognise the customer again."


class TokenExpired(TokenError):
    code = "token_expired"
    says = "The token has expired. Recognise the customer again, or continue as a guest."


class TokenForeign(TokenError):
    code = "token_foreign"
    security_event = "token_refused"
    status = 403
    says = "The token belongs to another tenant or another device."


class PurposeNotGiven(TokenError):
    code = "purpose_not_given"
    status = 403
    title = "The customer did not agree to this purpose"

    def __init__(self, purpose: str) -> None:
        super().__init__(f"This token has no consent for {purpose!r}. Continue as a guest.")


class SecondFactorRequired(TokenError):
    code = "second_factor_required"
    status = 403
    title = "A face alone is not enough for this"
    says = "Raise the token with the customer's PIN (POST /identity/v1/tokens/raise) and try again."


class VersionsBusy(RecommenderError):
    """Another process publishes a version and does not end."""

    code = "versions_busy"
    status = 503
    title = "The versions of the models are locked"
    retry_after = 1


class ErasureNotRemembered(RecommenderError):
    """The disk with the tombstones is full or away. The customer is erased; it is to be handed over again."""

    code = "erasure_not_remembered"
    status = 507
    title = "The erasure is done, and not remembered outside of the database yet"
    says = "Send it again. Until then a database that is put back could bring the customer back."
    retry_after = 60


class Erased(TokenError):
    code = "erased"
    status = 410
    title = "This customer was erased"
    says = "Nothing is stored under this token, and nothing will be. Continue as a guest."


class PeerUnknown(RecommenderError):
    """A message between the halves without their signature."""

    code = "peer_unknown"
    status = 401
    title = "This is a message between our own processes"
    says = "It is not signed with the keys of tokens."
    security_event = "peer_refused"


class IdentitySilent(RecommenderError):
    """Nobody can say whether the customer of this token has opted out meanwhile."""

    code = "identity_silent"
    status = 503
    title = "Recognition has not been heard for a while"
    says = "Nothing was stored under this token. Send it again in a second, or continue as a guest."
    retry_after = 1


# --- times and events ------------------------------------------------------------------------------


class TimeWithoutZone(RecommenderError):
    code = "time_without_zone"
    status = 422
    title = "A time needs its zone"

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} must be ISO 8601 with an offset, as in 2026-11-23T12:30:00+01:00.", field=field)


class PositionRefused(RecommenderError):
    """A position with a missing half, with swapped halves, at 0,0, or far from what the tenant serves."""

    code = "position_refused"
    status = 422
    title = "This is not a position"


class SiteForeign(RecommenderError):
    """A key of one site spoke for another."""

    code = "site_foreign"
    status = 403
    title = "This key belongs to another site"

    def __init__(self, own: str) -> None:
        super().__init__(f"The key is one of the site {own!r} and may name no other. Leave the site out.")


class SiteUnknown(RecommenderError):
    code = "site_unknown"
    status = 422
    title = "There is no such site"
    says = "Name a site of the catalogue or of a paired screen, or leave the site out."


class TooManyEvents(RecommenderError):
    """One device stored more than any till does."""

    code = "too_many_events"
    status = 429
    title = "This device has sent too many events"

    def __init__(self, what: str, most: int, span: str, seconds: int) -> None:
        super().__init__(f"At most {most:,} {what} {span} are stored for one device. Nothing of this batch was.")
        self.retry_after = seconds


class VisitTooLarge(RecommenderError):
    """One recognition was used for more than a visit."""

    code = "too_many_for_one_visit"
    status = 429
    title = "One visit is not so many events"
    says = "Recognise the customer again for what belongs to another visit. Nothing of this batch was stored."


class EventError(RecommenderError):
    """An event that cannot be recorded. Its whole batch is refused."""

    code = "event_refused"
    status = 422
    title = "The events were not recorded"

    def __init__(self, detail: str, index: int) -> None:
        super().__init__(f"Event {index}: {detail} Nothing of the batch was stored.", index=index)
        self.what = detail
        self.index = index


class EventFromFuture(EventError):
    code = "event_from_the_future"

    def __init__(self, index: int) -> None:
        super().__init__("occurred_at lies in the future; check the device's clock.", index)


class EventBeforeClocks(EventError):
    code = "event_before_2000"

    def __init__(self, index: int) -> None:
        super().__init__("occurred_at lies before the year 2000; check the device's clock.", index)


class EventTooOld(EventError):
    code = "event_too_old"

    def __init__(self, index: int, hours: int) -> None:
        what = f"a guest's event is at most {hours} hours old; older ones are imported (usual import events)."
        super().__init__(what, index)


class OrderOfAnother(EventError):
    code = "order_of_another"
    status = 403

    def __init__(self, index: int) -> None:
        what = "a device takes back what it sent itself; another's order is taken back by the till's own key."
        super().__init__(what, index)


class EventOutsidePress(EventError):
    code = "event_outside_press"

    def __init__(self, index: int) -> None:
        super().__init__("occurred_at lies before the press that the token comes from.", index)


class EventPosition(EventError):
    """A position in an event that cannot be one, or that the tenant does not serve."""

    code = "position_refused"


class UnknownItem(EventError):
    code = "unknown_item"

    def __init__(self, index: int, item_id: str, noun: str) -> None:
        super().__init__(f"there is no {item_id!r} in the catalogue of {noun}s.", index)


class ItemUnavailable(EventError):
    """An order of dishes that are not to be had now, or not at this site."""

    code = "item_unavailable"
    status = 409

    def __init__(self, index: int, items: Sequence[str]) -> None:
        super().__init__("none of its dishes is to be had now.", index)
        self.extra["items"] = list(items)


class EventIncomplete(EventError):
    code = "event_incomplete"

    def __init__(self, index: int, why: str) -> None:
        super().__init__(why, index)


class EventConflict(EventError):
    code = "event_conflict"
    status = 409

    def __init__(self, index: int, event_id: str) -> None:
        super().__init__(f"event_id {event_id!r} was used before for another event.", index)


# --- catalogue and files -----------------------------------------------------------------------------


class CatalogueError(RecommenderError):
    """A change of the catalogue that cannot be made."""

    code = "catalogue_error"
    status = 422
    title = "The catalogue was not changed"


class NotInCatalogue(CatalogueError):
    code = "not_found"
    status = 404
    title = "There is nothing with this id"

    def __init__(self, kind: str, item_id: str) -> None:
        super().__init__(f"The catalogue of {kind}s has no {item_id!r}.")


class ItemMerged(CatalogueError):
    """An id that was merged into another is written as if it stood for itself."""

    code = "item_merged"
    status = 409

    def __init__(self, kind: str, item_id: str, into: str) -> None:
        super().__init__(
            f"The {kind} {item_id!r} is an earlier id of {into!r}. Write that one, or take the merge back first"
            f" (DELETE /recommender/v1/former-{kind}s/ID, `usual {kind}s unmerge`)."
        )


class CannotMerge(CatalogueError):
    """Two ids that cannot be merged."""

    code = "cannot_merge"
    status = 422


class ImageHostUnknown(CatalogueError):
    """A picture on a host from which no screen may load one."""

    code = "image_host_unknown"
    status = 422

    def __init__(self, item_id: str, host: str) -> None:
        super().__init__(
            f"The picture of {item_id!r} is on {host!r}, and screens load none from there."
            " Send the picture itself, or have the host added to USUAL_IMAGE_HOSTS."
        )


@dataclass(frozen=True, slots=True)
class RowProblem:
    """What is wrong with one row. Rows of a file are counted as an editor does: a CSV's header is row 1."""

    row: int
    message: str
    value: str = ""  # that is wrong, where the message does not quote it


class BadRows(CatalogueError):
    """Rows of a bulk change or of a file that are wrong; nothing was stored. `total` counts those as well that are
    not among `wrong`: of a large file only the first ones are kept."""

    code = "bad_rows"

    def __init__(self, wrong: Sequence[RowProblem], most: int = 10, total: int | None = None) -> None:
        self.total = len(wrong) if total is None else total
        listed = "; ".join(f"row {one.row}: {one.message}" for one in wrong[:most])
        more = f"; and {self.total - most:,} more" if self.total > most else ""
        rows = [{"row": one.row, "message": one.message} for one in wrong]
        super().__init__(f"{listed}{more}. Nothing was stored.", rows=rows)
        self.wrong = tuple(wrong)


class FileUnreadable(RecommenderError):
    """Not CSV or JSON lines, or columns are missing."""

    code = "file_unreadable"
    status = 422
    title = "The file was not imported"


# --- training, versions, schedule --------------------------------------------------------------------


class CustomerError(RecommenderError):
    """Something that a customer asks for about their own data, and that cannot be done."""

    code = "customer_error"
    status = 422
    title = "Nothing was changed"


class NoSuchEvent(CustomerError):
    code = "not_found"
    status = 404
    title = "There is no such event of yours"
    says = "It may have been taken back already. An event of a shop's account is the shop's: end the tie instead."


class EventAmbiguous(CustomerError):
    code = "event_ambiguous"
    status = 409
    title = "Several of your events have this event_id"
    says = "Two devices gave the same one. Name the event by its reference."


class LinkCodeWrong(CustomerError):
    code = "link_code_wrong"
    status = 403
    title = "The code is wrong or no longer valid"
    says = "A code is valid for ten minutes and once; after five wrong ones wait ten minutes. Get a new one."


class AccountUnusable(CustomerError):
    code = "account_unusable"
    title = "This is no account that can be tied"
    says = "Name an account of the shop's own system, as its imported events do; not a customer of this house."


class TooManyLinkCodes(CustomerError):
    code = "too_many_link_codes"
    status = 429
    title = "This account has several codes that are not used yet"
    says = "Use one of them, or wait until they have expired."
    retry_after = 600
