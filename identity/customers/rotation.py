"""Give stored templates a new rotation, without the customers: what leaked before matches nothing afterwards."""

from __future__ import annotations

from identity.customers.accounts import holder_of
from identity.engines.manifests import Pack
from identity.errors import KeyDestroyed
from identity.matching.gallery import Galleries, sealed_template
from identity.store import IdentityStores
from identity.vault.vault import Vault, new_salt


def renew_templates(stores: IdentityStores, vault: Vault, galleries: Galleries, pack: Pack, tenant: str) -> int:
    """Turn all templates of a tenant's gallery by a new matrix, all or nothing; returns how many.

    Cosines stay as they are, so thresholds and customers do too. It starts again when somebody enrols or leaves
    meanwhile.
    """
    while True:
        gallery = galleries.current(tenant)
        if gallery.rotation is None:
            return 0
        salt = new_salt()
        fresh = vault.rotation(tenant, pack.id, salt, pack.size)
        turn = gallery.rotation @ fresh.T
        sealed = {}
        for customer_id, template in galleries.templates(tenant, gallery.state):
            row = stores.customers.customer(tenant, customer_id)
            if row is None:
                continue
            try:
                sealed[customer_id] = sealed_template(vault, holder_of(row), pack.id, salt, template @ turn)
            except KeyDestroyed:
                continue
        with stores.galleries.writing():
            if stores.galleries.gallery(tenant, pack.id) == gallery.state:
                stores.galleries.renew_gallery(tenant, pack.id, salt, sealed)
                stores.database.note_erased()
                break
    stores.database.scrub_soon()
    return len(sealed)
