"""Routes of the house's rules: what holds, the draft, publishing, earlier documents, and the preview."""

from __future__ import annotations

from datetime import UTC, date
from typing import Any, Literal

from flask import request
from pydantic import BaseModel, Field

from plumbing.access.caller import Caller
from plumbing.access.errors import SiteRefused
from plumbing.access.record import note_change, who_is
from plumbing.demands import BATCH
from plumbing.door import Body, Door
from plumbing.etags import note_tag, require_unchanged
from plumbing.words import language_of
from recommender.desk.preview import Asked, moment_of, people, preview
from recommender.desk.rules import RulesDesk
from recommender.destinations.places import PlaceError
from recommender.errors import PositionRefused
from recommender.rules.document import RuledScene, RulesDocument
from recommender.rules.errors import NoSuchPerson
from recommender.rules.people import MOST_ORDERS, PastOrder, drawn_people
from recommender.schemas import BASE, Daypart, Id, Strict, Word
from recommender.web.codes import CHANGED_RULES, MOMENT

READ, WRITE = ("view",), ("train",)  # scopes
RULES = BASE + "/desk/rules"


class FindingModel(BaseModel):
    rules: list[str] = Field(description="ids of the rules it is about")
    code: str
    message: str


class RuleRow(BaseModel):
    id: str
    kind: str
    scene: str
    sentence: str
    state: str = Field(description="holds, waits (another weekday), later, ended or paused")
    state_text: str
    note: str


class CheckedReply(BaseModel):
    rules: list[RuleRow]
    conflicts: list[FindingModel] = Field(description="why it would not be published")
    remarks: list[FindingModel]


class RulesReply(BaseModel):
    """What was published last, and what of it holds today."""

    answer: str
    document: dict[str, Any]
    number: int | None
    number_now: int | None = Field(description="of the document that holds today; another one may be published")
    published_at: str | None
    who: str
    trouble: str
    rules: list[RuleRow]
    remarks: list[FindingModel]


class DraftReply(CheckedReply):
    document: dict[str, Any] | None
    saved_at: str | None = None
    who: str = ""


class HistoryReply(BaseModel):
    rows: list[dict[str, Any]]


class RuleChoicesReply(BaseModel):
    scenes: dict[str, Any]
    sites: list[str]
    people: dict[str, list[dict[str, Any]]]


class RestoreBody(Strict):
    number: int = Field(ge=1, le=10**9)


class OrderModel(Strict):
    """An order that never happened."""

    items: list[Id] = Field(min_length=1, max_length=20)
    days_ago: int = Field(1, ge=0, le=730)
    hour: int | None = Field(None, ge=0, le=23, description="of the local clock")
    site: Word = ""


class PersonModel(Strict):
    """A guest, one of the drawn people by name, or somebody imagined by their orders. Never a customer."""

    kind: Literal["guest", "drawn", "imaginary"] = "guest"
    name: Word = Field(default="", description="of a drawn person")
    orders: list[OrderModel] = Field(default_factory=list, max_length=MOST_ORDERS)


class PreviewBody(Strict):
    scene: RuledScene = "orders"
    customer: PersonModel = PersonModel()
    daypart: Daypart = "lunch"
    weekday: int | None = Field(None, ge=0, le=6, description="0 is Monday; left out: today")
    hour: int | None = Field(None, ge=0, le=23)
    day: date | None = Field(None, ge=date(1970, 1, 1), le=date(9000, 12, 31), description="left out: today")
    site: Word = ""
    basket: list[Id] = Field(default_factory=list, max_length=100)
    without_allergens: list[Word] = Field(default_factory=list, max_length=30)
    pickup: Word = ""
    n: int = Field(5, ge=1, le=50)
    rules: Literal["live", "draft", "none"] = "live"
    document: RulesDocument | None = Field(
        None, description="rules that are not saved; takes the place of `rules`"
    )
    about: list[Id] = Field(
        default_factory=list, max_length=10, description="items to say of: why not, or why there"
    )
    offer: bool = False


class PreviewReply(BaseModel):
    scene: str
    model_version: str | None
    moment: str
    answer: str
    before: list[dict[str, Any]]
    after: list[dict[str, Any]]
    moves: list[dict[str, Any]] = Field(description="what each rule did")
    about: list[dict[str, Any]]
    offers: list[dict[str, Any]] = Field(description="offers that could be shown; none is decided or counted")


def rules_routes(door: Door, desk: RulesDesk) -> None:
    """Put the routes on the door."""
    _live_routes(door, desk)
    _draft_routes(door, desk)
    _history_routes(door, desk)
    _preview_routes(door, desk)


def _live_routes(door: Door, desk: RulesDesk) -> None:
    @door.route(
        "GET",
        RULES,
        scopes=READ,
        sites="own",
        reply=RulesReply,
        summary="The rules for what screens show",
        errors=("rules_conflict",),
    )
    def get_rules(caller: Caller) -> Body:
        """The document of rules that holds now: what is pinned, hidden, limited or sponsored."""
        shown = desk.shown(caller.tenant, language_of(request), caller.sites)
        note_tag(shown["document"])
        return shown

    @door.route(
        "PUT",
        RULES,
        scopes=WRITE,
        sites="own",
        size=BATCH,
        reply=RulesReply,
        summary="Publish rules for what screens show",
        errors=CHANGED_RULES,
    )
    def publish_rules(caller: Caller, body: RulesDocument) -> Body:
        """Replaces the document; it holds from the next suggestion on."""
        with desk.service.stores.rules.transaction():
            require_unchanged(desk.shown(caller.tenant, "en", caller.sites)["document"])
            document = desk.whole(caller, body)
            desk.may_publish(caller.tenant, document, language_of(request), caller)
            note_change("rules", earlier=desk.shown(caller.tenant, "en")["document"], later=document.to_json())
            desk.publish(caller.tenant, document, who_is(caller))
        return get_rules(caller)

    @door.route(
        "GET",
        RULES + "/choices",
        scopes=READ,
        sites="own",
        reply=RuleChoicesReply,
        summary="What rules can be about",
    )
    def list_rule_choices(caller: Caller) -> Body:
        """The items, categories, sites and parts of the day that a rule can name."""
        words = desk.words(caller.tenant, language_of(request))
        found = desk.choices(caller.tenant)
        if caller.sites:
            found["sites"] = [site for site in found["sites"] if caller.may_see(site)]
        return found | {"people": people(desk.service, caller.tenant, words)}

    @door.route(
        "POST",
        RULES + "/check",
        scopes=READ,
        sites="own",
        size=BATCH,
        reply=CheckedReply,
        summary="What is wrong with rules",
        errors=("rules_conflict",),
    )
    def check_rules(caller: Caller, body: RulesDocument) -> Body:
        """What is wrong with a document of rules, without saving it."""
        return desk.checked(caller.tenant, body, desk.words(caller.tenant, language_of(request)))


def _draft_routes(door: Door, desk: RulesDesk) -> None:
    path = RULES + "/draft"

    def stored(caller: Caller) -> dict[str, Any] | None:
        """The draft as a whole. Raises when the caller saw another one."""
        seen = desk.shown_draft(caller.tenant, "en", caller.sites)
        require_unchanged(seen["document"] if seen else None)
        shown = desk.shown_draft(caller.tenant, "en")
        return shown["document"] if shown else None

    def save(caller: Caller, document: RulesDocument | None, earlier: dict[str, Any] | None) -> None:
        note_change("rules draft", earlier=earlier, later=document.to_json() if document else None)
        desk.save_draft(caller, document, who_is(caller))

    @door.route("GET", path, scopes=READ, sites="own", reply=DraftReply, summary="The draft of the rules")
    def get_rules_draft(caller: Caller) -> Body:
        """The draft that somebody is working on, if there is one."""
        shown = desk.shown_draft(caller.tenant, language_of(request), caller.sites)
        shown = shown or {"document": None, "rules": [], "conflicts": [], "remarks": []}
        note_tag(shown["document"])
        return shown

    @door.route(
        "PUT",
        path,
        scopes=WRITE,
        sites="own",
        size=BATCH,
        reply=DraftReply,
        summary="Save a draft of the rules",
        errors=CHANGED_RULES,
    )
    def save_rules_draft(caller: Caller, body: RulesDocument) -> Body:
        """Keeps a draft; nothing of it holds until it is published."""
        with desk.service.stores.rules.transaction():
            earlier = stored(caller)
            save(caller, desk.whole(caller, body, draft=True), earlier)
        return get_rules_draft(caller)

    @door.route(
        "DELETE",
        path,
        scopes=WRITE,
        sites="own",
        status=204,
        reply=None,
        summary="Throw the draft of the rules away",
        errors=("rules_of_other_sites",),
    )
    def delete_rules_draft(caller: Caller) -> Body:
        """The published rules stay as they are."""
        with desk.service.stores.rules.transaction():
            save(caller, None, stored(caller))
        return None


def _history_routes(door: Door, desk: RulesDesk) -> None:
    @door.route(
        "GET",
        RULES + "/history",
        scopes=READ,
        sites="own",
        reply=HistoryReply,
        summary="The last 20 documents of rules",
    )
    def list_rules_history(caller: Caller) -> Body:
        """The last 20 documents with who published them."""
        return {"rows": desk.history(caller.tenant, caller.sites)}

    @door.route(
        "POST",
        RULES + "/restore",
        scopes=WRITE,
        sites="own",
        reply=RulesReply,
        summary="Publish an earlier document of rules again",
        errors=(*CHANGED_RULES, "no_such_rules"),
    )
    def restore_rules(caller: Caller, body: RestoreBody) -> Body:
        """Publishes an earlier document again, as a new one."""
        with desk.service.stores.rules.transaction():
            earlier = desk.shown(caller.tenant, "en")["document"]
            document = desk.earlier(caller.tenant, body.number)
            desk.may_publish(caller.tenant, document, language_of(request), caller)
            note_change(f"rules as in {body.number}", earlier=earlier, later=document.to_json())
            desk.publish(caller.tenant, document, who_is(caller))
        shown = desk.shown(caller.tenant, language_of(request), caller.sites)
        note_tag(shown["document"])
        return shown


def _preview_routes(door: Door, desk: RulesDesk) -> None:
    @door.route(
        "POST",
        BASE + "/desk/preview",
        scopes=READ,
        sites="own",
        size=BATCH,
        reply=PreviewReply,
        summary="What somebody imaginary would see; nothing of it is stored or learned from",
        errors=(*MOMENT, "no_such_person", "rules_conflict", "site_unknown"),
    )
    def preview_rules(caller: Caller, body: PreviewBody) -> Body:
        """What a drawn person with a history of your choice would see, with and without a draft of rules."""
        if body.site and not caller.may_see(body.site):
            raise SiteRefused(caller.sites)
        try:
            return preview(
                desk.service,
                caller.tenant,
                _asked(desk, caller.tenant, body),
                desk.words(caller.tenant, language_of(request)),
            )
        except PlaceError as error:
            raise PositionRefused(f"{error}.") from error


def _asked(desk: RulesDesk, tenant: str, body: PreviewBody) -> Asked:
    zone = desk.service.caches.rules(tenant).zone
    moment = moment_of(body.day or desk.today(tenant), body.weekday, body.hour, body.daypart, zone or UTC)
    return Asked(
        scene=body.scene,
        moment=moment,
        site=body.site,
        basket=tuple(body.basket),
        without_allergens=tuple(body.without_allergens),
        pickup=body.pickup,
        orders=_orders(desk, tenant, body),
        document=_document(desk, tenant, body),
        n=body.n,
        about=tuple(body.about),
        offer=body.offer,
    )


def _document(desk: RulesDesk, tenant: str, body: PreviewBody) -> RulesDocument | None:
    """The rules of the preview; None: those that are published for the day."""
    if body.document is not None:
        return body.document
    if body.rules == "draft":
        draft = desk.service.stores.rules.draft(tenant)
        return RulesDocument() if draft is None else draft.document()
    return RulesDocument() if body.rules == "none" else None


def _orders(desk: RulesDesk, tenant: str, body: PreviewBody) -> tuple[PastOrder, ...] | None:
    """The orders that the person is imagined with; None: a guest."""
    person = body.customer
    if person.kind == "guest":
        return None
    if person.kind == "imaginary":
        return tuple(PastOrder(tuple(one.items), one.days_ago, one.hour, one.site) for one in person.orders)
    items = desk.service.caches.menu(tenant, desk.service.scenes[body.scene].kind).items
    drawn = {one.name: one for one in drawn_people(items, together=body.scene == "orders")}
    found = drawn.get(person.name)
    if found is None:
        raise NoSuchPerson(person.name, sorted(drawn))
    return found.orders
