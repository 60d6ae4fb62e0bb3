"""Re-enrolment: an earlier receipt keeps pseudonym, history and PIN.

The new enrolment gets the links of the earlier one (the recommender's pseudonym, and with it the history; the
audit's name) and its PIN. The earlier enrolment is deleted with its key, and so are its templates of all packs. So
an operator changes the engine pack by one setting: no picture has to be stored, and every customer enrols again on
their next visit.
"""

from __future__ import annotations

import secrets
from dataclasses import replace

from identity.customers.accounts import holder_of
from identity.customers.links import Links
from identity.errors import EnrolmentUnknown, KeyDestroyed
from identity.store.customers import CustomerRow, CustomerStore
from identity.vault.vault import Vault


def continue_as(store: CustomerStore, vault: Vault, earlier: CustomerRow, later: CustomerRow) -> Links:
    """Hand links and PIN of `earlier` to `later`, both of one tenant, and delete `earlier`; the links from now on.

    The consent that counts is the new one; the earlier records are withdrawn. Raises EnrolmentUnknown when the
    earlier customer has opted out meanwhile: then the later one is a new customer.
    """
    ours, theirs = holder_of(later), holder_of(earlier)
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
        store.delete_customer(earlier.tenant, earlier.customer_id)
    try:
        vault.keys.destroy(earlier.slot, theirs.owner)
    except KeyDestroyed:
        # They opted out in this very moment, and the recommender is about to forget the pseudonym.
        links = replace(links, pseudonym=secrets.token_urlsafe(16), audit=fresh.audit)
        store.set_links(later.tenant, later.customer_id, vault.seal(ours, "links", links.packed()))
    store.database.scrub_soon()
    return links
