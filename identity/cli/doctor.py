"""What `usual doctor` says of recognition: engine pack, thresholds, erasures, opt-outs that wait for the staff."""

from __future__ import annotations

from collections.abc import Iterator

from identity.cli.commands import open_half
from identity.customers.leaving.erasure_receipts import TRAINING
from identity.engines.manifests import Pack, checked_files, load_pack
from identity.errors import PackError
from identity.matching.thresholds import ONE_FRAME
from identity.web.half import IdentityHalf
from plumbing.doctor.finding import Finding, remark, well, wrong
from plumbing.settings import Config


def look(config: Config) -> Iterator[Finding]:
    """Every finding about recognition. Raises the Problem that keeps the half from opening."""
    if config.only == "recommender":
        return
    try:
        pack = load_pack(config.pack)
        checked_files(pack, config.models, config.cache)
    except PackError as error:
        yield wrong("engine pack", error.detail, "See: usual models list, usual models fetch")
        return
    yield grade(pack)
    if config.database is None and not (config.home / "identity.db").exists():
        yield well("thresholds", "nobody is enrolled yet")
        return
    half = open_half(config.home, config.pack)
    try:
        yield from thresholds(half, pack)
        yield from erasures(half)
    finally:
        half.close()


def grade(pack: Pack) -> Finding:
    """What the pack is good for."""
    if pack.grade == "production":
        return well("engine pack", f"{pack.id}, grade production")
    says = f"{pack.id} is of grade {pack.grade}: good enough to suggest what a person then confirms"
    return remark("engine pack", says, 'README.md, "Going to production", names others.')


def thresholds(half: IdentityHalf, pack: Pack) -> Iterator[Finding]:
    """Whether each tenant's gallery has a threshold of this pack."""
    found = False
    for tenant, name, state in half.stores.galleries.galleries():
        what = f"threshold of {tenant}"
        if name != pack.id:
            if state.size and not name.startswith(pack.name):
                says = f"{state.size} templates of the pack {name}, which is not in use"
                yield remark(what, says, f"When their owners were asked again: usual identity retire {name}")
            continue
        found = True
        made = half.stores.thresholds.calibration(tenant, name, ONE_FRAME)
        if made is None:
            yield wrong(what, "not calibrated: everybody is a guest", "Calibrate: usual calibrate")
        else:
            yield well(what, f"{made['threshold']:.3f} for {made['gallery_size']} templates")
    if not found:
        yield well("thresholds", "nobody is enrolled with this pack yet")


def erasures(half: IdentityHalf) -> Iterator[Finding]:
    """Whether somebody who opted out waits for something."""
    open_ = half.vault.keys.counts()["erasures"]
    training = sum(
        any(state == TRAINING for _, state in one.stores) for one in half.service.erasures.receipts.all()
    )
    held = len(half.service.customers.held.waiting())
    if open_:
        mend = "Start the server: it goes on. With two processes look at `recommender_url` and `recommender_key`."
        yield wrong("erasures", f"{open_} are not finished: a place has not confirmed", mend)
    elif training:
        mend = "Train: usual train orders, destinations, offers. Their rows are gone already."
        yield remark("erasures", f"{training} wait for a version that was trained without them", mend)
    else:
        yield well("erasures", "none is unfinished")
    if unclean := half.stores.database.unclean():
        says = f"free space of identity.db is to be overwritten after {unclean} deletions"
        yield remark("erasures", says, "A running server does it within minutes: start it.")
    if held:
        yield remark("opt-outs", f"{held} wait for a member of staff", "See: usual identity held")
