"""Puts the parts together that deal with one customer each; `half.build` opens what they work with."""

from __future__ import annotations

from identity.audit.log import Audit
from identity.config import IdentityConfig
from identity.consent.ledger import ConsentLedger
from identity.customers.accounts import Accounts
from identity.customers.joining.enrolment import Enrolments
from identity.customers.joining.joining import Joining
from identity.customers.joining.pending import Pending
from identity.customers.leaving.erasure import Erasures
from identity.customers.leaving.held import Held
from identity.customers.leaving.opt_out import OptOuts
from identity.customers.own_page.affairs import OwnAffairs
from identity.customers.own_page.page import OwnPage
from identity.customers.pins import Pins
from identity.customers.standing import Standings
from identity.customers.visits.by_code import Codes
from identity.customers.visits.day_limits import DayLimits
from identity.customers.visits.faces import Faces
from identity.customers.visits.not_me import NotMe
from identity.customers.visits.presses import Presses
from identity.customers.visits.template_update import TemplateUpdates
from identity.matching.matcher import Matchers
from identity.metrics import IdentityMetrics
from identity.service import Customers
from identity.store import IdentityStores
from identity.store.own_page import OwnPageStore
from identity.vault.vault import Vault
from identity.web import me
from plumbing.access.access import Access
from plumbing.clock import Clock
from plumbing.limits import Limits


def own_page_of(
    customers: Customers,
    stores: IdentityStores,
    vault: Vault,
    rate_limits: Limits,
    audit: Audit,
    access: Access,
) -> me.OwnPageTools:
    store, key = OwnPageStore(stores.customers), vault.keys.derive("sign-ins")
    affairs = OwnAffairs(
        customers.accounts,
        customers.standings,
        customers.pins,
        customers.not_me,
        customers.erasures,
        store,
        audit,
        customers.joining.notices.current,
    )
    return me.OwnPageTools(OwnPage(customers.accounts, customers.pins, store, rate_limits, key), affairs, access)


def customers_of(
    config: IdentityConfig,
    stores: IdentityStores,
    vault: Vault,
    matchers: Matchers,
    ledger: ConsentLedger,
    accounts: Accounts,
    presses: Presses,
    pending: Pending,
    erasures: Erasures,
    audit: Audit,
    metrics: IdentityMetrics,
    limits: DayLimits,
    now_us: Clock,
) -> Customers:
    """What can happen to a customer, put together."""
    updates = TemplateUpdates(stores.galleries, matchers.clear, now_us)
    pins = Pins(stores.customers, vault, config, now_us)
    standings = Standings(stores, ledger, now_us, accounts.close_tokens_of)
    held = Held(stores, accounts, standings, pins, erasures, audit)
    enrolments = Enrolments(config, stores, vault, matchers, ledger, pending, pins, now_us)
    return Customers(
        accounts=accounts,
        faces=Faces(matchers, accounts, limits),
        enrolments=enrolments,
        joining=Joining(config, accounts, enrolments, pending, pins, ledger, presses, limits, audit),
        updates=updates,
        pins=pins,
        codes=Codes(config, accounts, pins, stores.code_tries, now_us),
        not_me=NotMe(accounts, stores.customers, matchers, updates, audit, metrics),
        opt_outs=OptOuts(pins, erasures, held),
        held=held,
        erasures=erasures,
        pending=pending,
        standings=standings,
    )
