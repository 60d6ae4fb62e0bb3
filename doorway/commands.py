"""What commands of one half need of the other one. Imported by the command that asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plumbing import handover
from plumbing.clock import system_clock
from plumbing.settings import Config

if TYPE_CHECKING:
    from recommender.service import RecommenderService


def hand_over(home: Path, token_keys: Sequence[bytes]) -> Callable[[str], handover.Forgotten]:
    """What hands an erasure token to the recommender from a command: to its own process, or into its database."""
    config = Config.from_environment()
    if config.recommender_url:
        return handover.erasures(config.recommender_url, config.recommender_key, token_keys)

    def erase(token: str) -> handover.Forgotten:
        with _recommender_of(home, token_keys) as service:
            return service.forget(token)

    return erase


def waiting(home: Path, token_keys: Sequence[bytes]) -> Callable[[str, Mapping[str, int]], Sequence[str]]:
    """What asks the recommender from a command which scenes were trained before an erasure."""
    config = Config.from_environment()
    if config.recommender_url:
        return handover.waiting(config.recommender_url, token_keys)

    def ask(tenant: str, marks: Mapping[str, int]) -> Sequence[str]:
        with _recommender_of(home, token_keys) as service:
            return service.waiting(tenant, marks)

    return ask


def own_history(home: Path, token_keys: Sequence[bytes]) -> Callable[[str], dict[str, Any] | None]:
    """What puts the recommender's part of an export together for a command: of its own process, or from its
    database; None where there is neither. It raises RecommenderUnreachable."""
    from pydantic import ValidationError

    from recommender.web.me import OwnPageTools
    from recommender.web.me_schemas import OwnHistoryReply

    url = Config.from_environment().recommender_url
    if url:
        ask = handover.own_history(url)

        def held_there(token: str) -> dict[str, Any]:
            try:
                return OwnHistoryReply.model_validate(ask(token)).model_dump()
            except ValidationError as error:
                raise handover.RecommenderUnreachable("What answers there is no recommender.") from error

        return held_there

    def held(token: str) -> dict[str, Any] | None:
        if not (home / "recommender.db").exists():
            return None
        with _recommender_of(home, token_keys) as service:
            return OwnPageTools(service, system_clock).held(token)

    return held


@contextmanager
def _recommender_of(home: Path, token_keys: Sequence[bytes]) -> Iterator[RecommenderService]:
    """The recommender of a state folder, for a moment. Raises RecommenderUnreachable when it has none."""
    from recommender.assembly import open_stores
    from recommender.config import RecommenderConfig
    from recommender.service import service_of

    if not (home / "recommender.db").exists():
        raise handover.RecommenderUnreachable("It has no database in this folder.")
    own = RecommenderConfig(home=home, token_keys=token_keys, tombstones=Config.from_environment().tombstones)
    stores = open_stores(own)
    try:
        yield service_of(own, stores, system_clock)
    finally:
        stores.database.close()
