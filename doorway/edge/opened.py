"""Both halves of a state folder, as the commands of store boxes open them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from doorway.edge.folder import BoxFolder
from doorway.edge.hub import Deliveries
from doorway.edge.keeper import Opened
from doorway.news import of_identity, of_recommender
from identity.cli.commands import open_half
from plumbing.access.token_keys import TokenKeys
from plumbing.cli import state_of
from plumbing.clock import system_clock
from plumbing.outbox.boxes import Boxes
from plumbing.settings import Config
from plumbing.shared import Shared
from recommender.assembly import open_stores
from recommender.config import RecommenderConfig
from recommender.edge.goods import Goods
from recommender.service import service_of


def _recommender(home: Path) -> RecommenderConfig:
    settings = Config.from_environment().model_copy(update={"home": home})
    return RecommenderConfig.of(settings, TokenKeys(home, system_clock))


def opened(folder: BoxFolder, pack: str) -> Opened:
    """A box's folder in memory. Inside a command: erasures reach both halves."""
    identity = open_half(folder.home, pack)
    stores = open_stores(_recommender(folder.home))
    return Opened(identity, stores, Goods(stores, folder.home))


@contextmanager
def deliveries_of(home: Path, pack: str) -> Iterator[Deliveries]:
    """What carries out the messages of boxes at the centre. Webhooks are queued; the server sends them."""
    identity, config = open_half(home, pack), _recommender(home)
    stores, state = open_stores(config), state_of(home)
    boxes, shared = Boxes(state, system_clock), Shared.open(state, system_clock)
    recommender = service_of(config, stores, system_clock)
    of_recommender(shared, recommender)
    of_identity(shared, identity.service.erasures)
    try:
        yield Deliveries(boxes, identity, recommender, system_clock)
    finally:
        shared.close()
        boxes.close()
        identity.close()
        stores.database.close()
