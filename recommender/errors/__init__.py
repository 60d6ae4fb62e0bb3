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

from collections import Counter
from collections.abc import Mapping, Sequence
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
    what_to_do = "Go on as a guest, or ask the customer to press again."


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
    """The customer's token does not name the purpose that this needs."""

    code = "purpose_not_given"
    status = 403
    title = "The customer did not agree to this purpose"
    what_to_do = "Ask as a guest; the customer can agree to the purpose on their own page."

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
    what_to_do = "It is tried again by itself. If it lasts, look for a process that hangs."
    retry_after = 1


class ErasureNotRemembered(RecommenderError):
    """The disk with the tombstones is full or away. The customer is erased; it is to be handed over again."""

    code = "erasure_not_remembered"
    status = 507
    title = "The erasure is done, and not remembered outside of the database yet"
    says = "Send it again. Until then a database that is put back could bring the customer back."
    retry_after = 60


class Erased(TokenError):
    """The customer of the token was erased: nothing of theirs opens any more."""

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
    """A time without its offset: nobody knows which moment is meant."""

    code = "time_without_zone"
    status = 422
    title = "A time needs its zone"
    what_to_do = "Send the time with its offset, such as 2026-05-04T12:30:00+02:00."

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} must be ISO 8601 with an offset, as in 2026-11-23T12:30:00+01:00.", field=field)


class PositionRefused(RecommenderError):
    """A position with a missing half, with swapped halves, at 0,0, or far from what the tenant serves."""

    code = "position_refused"
    status = 422
    title = "This is not a position"
    what_to_do = "Send latitude and longitude of a place that the tenant serves, or leave them out."


class SiteForeign(RecommenderError):
    """A key of one site spoke for another."""

    code = "site_foreign"
    status = 403
    title = "This key belongs to another site"
    what_to_do = "Leave `site` out, or use a key of that site."

    def __init__(self, own: str) -> None:
        super().__init__(f"The key is one of the site {own!r} and may name no other. Leave the site out.")


class SiteUnknown(RecommenderError):
    """A site that no key and no order of the tenant names."""

    code = "site_unknown"
    status = 422
    title = "There is no such site"
    says = "Name a site of the catalogue or of a paired screen, or leave the site out."


class TooManyEvents(RecommenderError):
    """One device stored more than any till does."""

    code = "too_many_events"
    status = 429
    title = "This device has sent too many events"
    what_to_do = "Wait until tomorrow, or import the history with `usual import events`."

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
    what_to_do = (
        "Mend the event that the reply names by its `index`, and send the batch again with the same event ids."
    )

    def __init__(self, detail: str, index: int) -> None:
        super().__init__(f"Event {index}: {detail} Nothing of the batch was stored.", index=index)
        self.what = detail
        self.index = index


class EventFromFuture(EventError):
    """An event whose time has not come yet by the server's clock."""

    code = "event_from_the_future"
    what_to_do = "Set the clock of the sending machine, then send the event again."

    def __init__(self, index: int) -> None:
        super().__init__("occurred_at lies in the future; check the device's clock.", index)


class EventBeforeClocks(EventError):
    """An event before the year 2000: the device's clock was never set."""

    code = "event_before_2000"

    def __init__(self, index: int) -> None:
        super().__init__("occurred_at lies before the year 2000; check the device's clock.", index)


class EventTooOld(EventError):
    """A guest's event that is older than those that are still taken."""

    code = "event_too_old"

    def __init__(self, index: int, hours: int) -> None:
        what = f"a guest's event is at most {hours} hours old; older ones are imported (usual import events)."
        super().__init__(what, index)


class OrderOfAnother(EventError):
    """An event takes back an order that another sender sent."""

    code = "order_of_another"
    status = 403
    what_to_do = "Take it back with the key of the sender: a till's own, or that of the server that sent it."

    def __init__(self, index: int) -> None:
        what = "a device takes back what it sent itself; another's order is taken back by the till's own key."
        super().__init__(what, index)


class EventOutsidePress(EventError):
    """An event names a customer's token, and lies outside of that visit."""

    code = "event_outside_press"

    def __init__(self, index: int) -> None:
        super().__init__("occurred_at lies before the press that the token comes from.", index)


class EventPosition(EventError):
    """A position in an event that cannot be one, or that the tenant does not serve."""

    code = "position_refused"
    what_to_do = "Send latitude and longitude of a place that the tenant serves, or leave them out."


class UnknownItem(EventError):
    """An event names an item that the catalogue does not have."""

    code = "unknown_item"
    what_to_do = "Add the item to the catalogue first, or mend its id."

    def __init__(self, index: int, item_id: str, noun: str) -> None:
        super().__init__(f"there is no {item_id!r} in the catalogue of {noun}s.", index)


class ItemUnavailable(EventError):
    """An order of dishes that are not to be had now, or not at this site."""

    code = "item_unavailable"
    status = 409
    what_to_do = "Read the menu again and show it; take the dish out of the order."

    def __init__(self, index: int, items: Sequence[str]) -> None:
        super().__init__("none of its dishes is to be had now.", index)
        self.extra["items"] = list(items)


class EventIncomplete(EventError):
    """An event lacks what its type needs, such as items of an order."""

    code = "event_incomplete"
    what_to_do = "Add the field that the reply names, and send the batch again with the same event ids."

    def __init__(self, index: int, why: str) -> None:
        super().__init__(why, index)


class EventConflict(EventError):
    """Another event was stored under this event id before."""

    code = "event_conflict"
    status = 409
    what_to_do = "Give what happened a new event id; the one that was sent belongs to another event."

    def __init__(self, index: int, event_id: str) -> None:
        super().__init__(f"event_id {event_id!r} was used before for another event.", index)


# --- catalogue and files -----------------------------------------------------------------------------


class CatalogueError(RecommenderError):
    """A change of the catalogue that cannot be made."""

    code = "catalogue_error"
    status = 422
    title = "The catalogue was not changed"
    what_to_do = "Mend what the reply names, and send the change again."


class NotInCatalogue(CatalogueError):
    """No item, place or offer has this id."""

    code = "not_found"
    status = 404
    title = "There is nothing with this id"
    what_to_do = "Check the id; GET the list to see which there are."

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
    what_to_do = "Take a picture of a host that USUAL_IMAGE_HOSTS names, or upload the picture."

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
    column: str = ""  # of the file, where one is known
    alike: str = ""  # rows with the same text here have one cause, and are named together


MOST_SPANS = 5
"""Of rows with one cause that a sentence names: "2-7, 9, 12"."""


class BadRows(CatalogueError):
    """Rows of a bulk change or of a file that are wrong; nothing was stored. `total` counts those as well that are
    not among `wrong`: of a large file only the first ones are kept. `causes`: how many rows have each message."""

    code = "bad_rows"
    what_to_do = "Mend the rows that the reply names, then send all of them again."

    def __init__(
        self,
        wrong: Sequence[RowProblem],
        most: int = 10,
        total: int | None = None,
        causes: Mapping[str, int] | None = None,
    ) -> None:
        self.total = len(wrong) if total is None else total
        self.causes = Counter(one.message for one in wrong) if causes is None else Counter(causes)
        by_cause: dict[str, list[RowProblem]] = {}
        for one in wrong:
            by_cause.setdefault(one.alike or one.message, []).append(one)
        named = list(by_cause.values())[:most]
        listed = "; ".join(f"{_rows(of)}: {of[0].message.removesuffix('.')}" for of in named)
        rest = self.total - sum(map(len, named))
        more = f"; and {rest:,} more. {self._summed()}" if rest > 0 else "" if listed.endswith("?") else "."
        rows = [{"row": one.row, "message": one.message} for one in wrong]
        super().__init__(f"{listed}{more} Nothing was stored.", rows=rows)
        self.wrong = tuple(wrong)

    def _summed(self, most: int = 5) -> str:
        parts = [f"{n:,} x {message.removesuffix('.')}" for message, n in self.causes.most_common(most)]
        others = len(self.causes) - most
        return f"By cause: {'; '.join(parts)}{f'; and {others:,} other causes' if others > 0 else ''}."


def _rows(wrong: Sequence[RowProblem]) -> str:
    """The numbers of rows in words: "row 2", "rows 2-7, 9 and 40 more"."""
    spans: list[list[int]] = []
    for n in sorted({one.row for one in wrong}):
        if spans and n == spans[-1][1] + 1:
            spans[-1][1] = n
        else:
            spans.append([n, n])
    named = [str(first) if first == last else f"{first}-{last}" for first, last in spans[:MOST_SPANS]]
    more = sum(last - first + 1 for first, last in spans[MOST_SPANS:])
    several = len(spans) > 1 or spans[0][0] != spans[0][1]
    return f"row{'s' if several else ''} {', '.join(named)}{f' and {more:,} more' if more else ''}"


class FileUnreadable(RecommenderError):
    """Not CSV or JSON lines, or columns are missing."""

    code = "file_unreadable"
    status = 422
    title = "The file was not imported"
    what_to_do = "Give a CSV file with a header or JSON lines, in UTF-8, with the columns that the reply names."


class PricesUnclear(FileUnreadable):
    """All prices of a menu are so low that they are likely in another unit than it says."""

    code = "prices_unclear"


class TimesUnlikely(FileUnreadable):
    """Most orders of a file fall outside the opening hours, and would not if its times were moved."""

    code = "times_unlikely"


# --- training, versions, schedule --------------------------------------------------------------------


class CustomerError(RecommenderError):
    """Something that a customer asks for about their own data, and that cannot be done."""

    code = "customer_error"
    status = 422
    title = "Nothing was changed"
    what_to_do = "Read what is held now, and send the change again if it is still wanted."


class NoSuchEvent(CustomerError):
    code = "not_found"
    status = 404
    title = "There is no such event of yours"
    says = "It may have been taken back already. An event of a shop's account is the shop's: end the tie instead."


class EventAmbiguous(CustomerError):
    """Several events of the customer have this id, and nothing says which is meant."""

    code = "event_ambiguous"
    status = 409
    title = "Several of your events have this event_id"
    says = "Two devices gave the same one. Name the event by its reference."


class LinkCodeWrong(CustomerError):
    """The code of the shop's own account is unknown, used, or too old."""

    code = "link_code_wrong"
    status = 403
    title = "The code is wrong or no longer valid"
    says = "A code is valid for ten minutes and once; after five wrong ones wait ten minutes. Get a new one."


class AccountUnusable(CustomerError):
    """The shop's own account is empty, too long or not one that the shop has named."""

    code = "account_unusable"
    title = "This is no account that can be tied"
    says = "Name an account of the shop's own system, as its imported events do; not a customer of this house."


class TooManyLinkCodes(CustomerError):
    """So many codes were made for the account and are not used yet."""

    code = "too_many_link_codes"
    status = 429
    title = "This account has several codes that are not used yet"
    says = "Use one of them, or wait until they have expired."
    retry_after = 600
