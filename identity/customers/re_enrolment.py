"""A customer who enrols anew and shows the receipt of before goes on as who they were.

The new enrolment gets what the earlier one's links lead to (the recommender's pseudonym and with it the history,
the audit's name) and its PIN. The earlier one goes with its key, and with that its templates, of whatever pack. So
an engine pack is changed by one word: nobody's picture is needed, everybody is asked again on their next visit.
"""

from __future__ import annotations

import secrets
from dataclasses import replace

from identity.customers.links import Links
from identity.errors import EnrolmentUnknown, KeyDestroyed
from identity.store.customers import CustomerRow, Store
from identity.vault.vault import Holder, Vault


def succeed(store: Store, vault: Vault, earlier: CustomerRow, later: CustomerRow, now_us: int) -> Links:
    """Hand what is known of `earlier` to `later`, both of one tenant, and end `earlier`; the links from now on.

    Consent is the one just given; the earlier records are withdrawn. Raises EnrolmentUnknown when the earlier
    customer has opted out meanwhile: then the later one is a new customer.
    """
    ours = Holder(later.tenant, later.customer_id, later.slot)
    theirs = Holder(earlier.tenant, earlier.customer_id, earlier.slot)
    fresh = Links.unpacked(vault.open(ours, "links", later.links))
    try:
        before = Links.unpacked(vault.open(theirs, "links", earlier.links))
        pin = None if earlier.pin is None else vault.seal(ours, "pin", vault.open(theirs, "pin", earlier.pin))
    except KeyDestroyed as error:
        raise EnrolmentUnknown from error
    links = replace(before, consents=fresh.consents)
    with store.writing():
        if store.customer(earlier.tenant, earlier.customer_id) is None:
            raise EnrolmentUnknown
        store.set_links(later.tenant, later.customer_id, vault.seal(ours, "links", links.packed()))
        if pin is not None:
            store.set_pin(later.tenant, later.customer_id, pin)
        store.delete_customer(earlier.tenant, earlier.customer_id, tuple(before.consents.values()), now_us)
    try:
        vault.keys.destroy(earlier.slot, theirs.owner)
    except KeyDestroyed:
        # They opted out in this very moment, and the recommender is being told to forget the pseudonym.
        links = replace(links, pseudonym=secrets.token_urlsafe(16), audit=fresh.audit)
        store.set_links(later.tenant, later.customer_id, vault.seal(ours, "links", links.packed()))
    store.database.scrub()
    return links
