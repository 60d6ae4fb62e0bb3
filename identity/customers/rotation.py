"""Give templates a new rotation without the customers: what leaked before is worth nothing afterwards."""

from __future__ import annotations

from identity.engines.manifests import Pack
from identity.errors import KeyDestroyed
from identity.matching.gallery import Galleries, sealed_template
from identity.store.customers import Store
from identity.vault.vault import Holder, Vault, new_salt


def renew_templates(store: Store, vault: Vault, galleries: Galleries, pack: Pack, tenant: str) -> int:
    """Turn all templates of a tenant's gallery by a new matrix, all or nothing; returns how many.

    Cosines stay as they are, so thresholds and customers do too. Somebody who enrols or leaves meanwhile makes it
    start again.
    """
    while True:
        gallery = galleries.current(tenant)
        if gallery.rotation is None:
            return 0
        salt = new_salt()
        fresh = vault.rotation(tenant, pack.id, salt, pack.size)
        turn = gallery.rotation @ fresh.T
        sealed = {}
        for customer_id, kept in galleries.templates(tenant, gallery.state):
            row = store.customer(tenant, customer_id)
            if row is None:
                continue
            try:
                holder = Holder(tenant, customer_id, row.slot)
                sealed[customer_id] = sealed_template(vault, holder, pack.id, salt, kept @ turn)
            except KeyDestroyed:
                continue
        with store.writing():
            if store.gallery(tenant, pack.id) == gallery.state:
                store.renew_gallery(tenant, pack.id, salt, sealed)
                break
    store.database.scrub()
    return len(sealed)
