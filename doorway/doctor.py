"""What `usual doctor` says of devices that send vectors: what makes them, signs them, and was measured of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from doorway.browser_engine.prepare import check_pack
from identity.cli.commands import open_half
from identity.desk.recognition import of_path
from identity.engines.manifests import load_pack
from identity.errors import ManifestUnfit, SealKeysDamaged
from identity.web.desk import WORDS
from identity.web.half import IdentityHalf
from plumbing.access.device_modes import DeviceModes
from plumbing.access.tables import migrations
from plumbing.cli import state_of
from plumbing.doctor.finding import Finding, remark, well, wrong
from plumbing.settings import Config
from plumbing.storage.moved import MOVED
from screens.engine import EngineFolder

SIGNS = "Open its page once, or pair it again; a helper of an earlier pairing: `usual edge kiosk --pair`."


def look(config: Config) -> Iterator[Finding]:
    """A finding for the engine, each device without a key, and each tenant; none where no device sends vectors."""
    if config.only == "recommender" or (config.home / MOVED).exists() or not _is_there("access", config):
        return
    with closing(state_of(config.home).database("access", migrations)) as database:
        found = DeviceModes(database).sending_vectors()
    if not found:
        return
    yield engine(config, sorted({name for _, name, _ in found}))
    for tenant, name, has_key in found:
        if not has_key:
            yield remark(f"device {name} of {tenant}", "sends vectors and has no key to sign them with yet", SIGNS)
    if not _is_there("identity", config):
        return
    half = open_half(config.home, config.pack)
    try:
        for tenant in sorted({tenant for tenant, _, _ in found}):
            yield from measured(half, tenant)
    finally:
        half.close()


def _is_there(name: str, config: Config) -> bool:
    """Whether the database was made: looking at it would make it."""
    return config.database is not None or (config.home / f"{name}.db").exists()


def engine(config: Config, names: list[str]) -> Finding:
    """Whether the browsers of these devices can make vectors that this house compares."""
    what, devices = "engine of browsers", ", ".join(names)
    pack, there = load_pack(config.pack), EngineFolder.of(config.home).description
    try:
        check_pack(pack)
    except ManifestUnfit:
        says = f"no browser can run the pack {pack.name}: without a helper nobody is recognised at {devices}"
        return remark(what, says, "docs/kiosk.md: `usual edge kiosk`, or the pack open-model-zoo.")
    if there is None:
        says = f"not fetched: without it, or a helper, nobody is recognised at {devices}"
        return remark(
            what, says, "Fetch it: usual screens fetch. With helpers alone (`usual edge kiosk`) it is not needed."
        )
    if there["pack"] != pack.id:
        return wrong(
            what, f"makes vectors of {there['pack']}, and the house compares {pack.id}", "usual screens fetch"
        )
    return well(what, f"{pack.id}, for {devices}")


def measured(half: IdentityHalf, tenant: str) -> Iterator[Finding]:
    """Whether the house opens what is sealed to it, and whether it is known how strangers score on vectors."""
    what = f"vectors of {tenant}"
    try:
        half.seal_keys.valid(tenant, b"")  # reads the keys, and makes none
    except SealKeysDamaged as error:
        yield wrong(what, "the keys that they are sealed to cannot be read", error.detail)
        return
    agreement = half.matchers.clear.thresholds.agreement(tenant)
    says = WORDS.say("en", of_path(agreement))
    if agreement == "same":
        yield well(what, says)
    else:
        yield remark(what, says, 'docs/kiosk.md, "Measuring strangers".')
