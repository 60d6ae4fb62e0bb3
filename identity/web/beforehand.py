"""Before the server's processes part, large galleries are opened once for all of them: `matching/preloaded.py`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib import import_module

from identity.engines.manifests import load_pack, masked_pack
from identity.matching import preloaded
from identity.matching.gallery import EXACT_UP_TO, Galleries
from identity.matching.gallery_rows import GalleryRows
from identity.store import IdentityStores
from identity.store.galleries import GalleryState
from identity.vault.keyfile import NAME, KeyFile
from identity.vault.vault import Vault
from plumbing.settings import Config
from plumbing.storage.state import State

WORTH = 8 << 20  # bytes of the key file, of some 16,000 customers; fewer are opened faster than a process begins
BYTES_OF_ONE = 512  # of the key file, for each customer


def open_galleries(config: Config) -> Callable[[], None]:
    """Begin to open the galleries of a house with many customers; what ends it in this process, to be called when
    the worker processes have parted. Replicas, which share their keys in PostgreSQL, open their own."""
    with suppress(OSError):  # a new house has no key file
        keys = (config.home / NAME).stat().st_size
        if keys >= WORTH and not State.of(config).is_shared:
            preloaded.begin(partial(_galleries, config))
        if keys > BYTES_OF_ONE * EXACT_UP_TO:
            import_module("faiss")  # large galleries are searched with it: it is in memory once for all processes
    return preloaded.forget


def _galleries(config: Config) -> dict[tuple[str, str], tuple[GalleryState, GalleryRows]]:
    vault = Vault(KeyFile.in_home(config.home))
    stores = IdentityStores.open(State.of(config), vault)
    clear = load_pack(config.pack)
    found: dict[tuple[str, str], tuple[GalleryState, GalleryRows]] = {}
    for pack in filter(None, (clear, masked_pack(clear))):
        galleries = Galleries(stores.galleries, vault, pack.id, pack.size)
        galleries.warm()
        found |= galleries.opened()
    return found
