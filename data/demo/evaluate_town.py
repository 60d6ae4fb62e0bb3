"""How well drawn customers are recognised and drawn strangers rejected.

The thresholds come from drawn people who are neither.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from data.faces import people
from identity.capture.attempt import usable_vectors
from identity.cli.models import cache_option, folder_option
from identity.engines.load import open_pack
from identity.engines.protocol import FaceEngine
from identity.errors import PackError
from identity.evaluation.identification import interval
from identity.matching.calibration import Calibration, calibrate
from identity.matching.decide import decide
from identity.matching.tails import own_tops, shipped_scoring
from identity.matching.thresholds import TEMPLATE_FRAMES, careful_tail
from identity.vectors import mean_template
from plumbing.cli import WholeNumber, track
from plumbing.storage.files import write_atomic

Vectors = NDArray[np.float32]
Watch = Callable[[range, str], Iterator[int]]
PASSERS_BY = (
    people.STRANGERS + 50_000
)  # neither customers of the demo nor people whom its thresholds are measured on


@dataclass(frozen=True)
class TownFigures:
    """Shares and counts at one promise; `recognised` and its 95 % interval are over the customers' visits."""

    pack: str
    promise: float
    frames: int
    customers: int
    visits: int
    recognised: float
    recognised_interval: tuple[float, float]
    wrong_customer: int
    strangers: int
    greeted: int
    cohort: int
    threshold: float


def measure(
    engine: FaceEngine,
    *,
    customers: int = 60,
    strangers: int = 1_000,
    cohort: int = 120,
    visits: int = 5,
    promise: float = 0.01,
    frames: int = 1,
    watch: Watch | None = None,
) -> TownFigures:
    """Enrol drawn people with three frames, let them come back and strangers pass by.

    Thresholds come from the same code and recipe as a tenant's own cohort (`thresholds.Thresholds.learn`).
    """
    known = list(_seen(engine, 0, customers, TEMPLATE_FRAMES + visits * frames, "drawing customers", watch))
    others = list(_seen(engine, people.STRANGERS, cohort, TEMPLATE_FRAMES, "drawing a cohort", watch))
    passers = list(_seen(engine, PASSERS_BY, strangers, frames, "drawing passers-by", watch))
    gallery = np.stack([mean_template(vectors[:TEMPLATE_FRAMES]) for vectors in known])
    threshold = _calibration(engine, known, gallery, others, promise)
    found = [
        (row, decide(vectors[start : start + frames], gallery, threshold).index)
        for row, vectors in enumerate(known)
        for start in range(TEMPLATE_FRAMES, len(vectors) - frames + 1, frames)
    ]
    count, right = len(found), sum(index == row for row, index in found)
    return TownFigures(
        pack=engine.pack.id,
        promise=promise,
        frames=frames,
        customers=len(known),
        visits=count,
        recognised=right / count,
        recognised_interval=interval(right / count, count),
        wrong_customer=sum(index not in (row, None) for row, index in found),
        strangers=len(passers),
        greeted=sum(decide(vectors[:frames], gallery, threshold).index is not None for vectors in passers),
        cohort=len(others),
        threshold=threshold.threshold,
    )


def _calibration(
    engine: FaceEngine, known: list[Vectors], gallery: Vectors, others: list[Vectors], promise: float
) -> Calibration:
    scoring = shipped_scoring(engine.pack.calibration)
    templates = np.stack([mean_template(vectors[:TEMPLATE_FRAMES]) for vectors in others])
    who = np.arange(len(known))
    probes = np.concatenate([vectors[:TEMPLATE_FRAMES] for vectors in known])
    tops = own_tops(probes, np.repeat(who, TEMPLATE_FRAMES), gallery, who, scoring)
    return calibrate(
        pack=engine.pack.id,
        gallery_size=len(gallery),
        target=promise,
        made_at_us=0,
        pack_tail=careful_tail(others, templates),
        gallery_tops=tops,
        scoring=scoring,
    )


def _seen(
    engine: FaceEngine, first: int, count: int, frames: int, what: str, watch: Watch | None
) -> Iterator[Vectors]:
    """(frames, d) vectors of drawn people; people who are not found in every frame are left out, as at a kiosk."""
    for n in range(count) if watch is None else watch(range(count), what):
        pictures = [people.jpeg(people.draw_face(first + n, moment)) for moment in range(frames)]
        vectors = usable_vectors(engine, pictures)
        if len(vectors) == frames:
            yield np.stack(vectors)


@click.command("town")
@click.option("--pack", default="dlib", show_default=True, help="Which engine pack.")
@click.option("--customers", default=60, show_default=True, help="How many drawn people are enrolled.")
@click.option("--strangers", default=1_000, show_default=True, help="How many others pass by.")
@click.option("--frames", default=1, show_default=True, type=WholeNumber(1, 3), help="Of one press.")
@click.option("--json", "out", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures here.")
@folder_option
@cache_option
def evaluate_town(
    pack: str, customers: int, strangers: int, frames: int, out: Path | None, folder: Path | None, cache: Path
) -> None:
    """How well a pack recognises the demo's drawn people. It says nothing about real faces."""

    def watch(numbers: range, what: str) -> Iterator[int]:
        yield from track(numbers, what, unit=" people")

    try:
        engine = open_pack(pack, folder, cache)
    except PackError as error:
        raise click.ClickException(error.detail) from error
    found = measure(engine, customers=customers, strangers=strangers, frames=frames, watch=watch)
    if out is not None:
        write_atomic(out, (json.dumps(asdict(found), indent=2) + "\n").encode())
    low, high = found.recognised_interval
    click.echo(f"{found.pack}, {found.customers} drawn customers, {found.frames} frame(s) a press:")
    click.echo(f"  recognised {found.recognised:.3f} [{low:.3f}, {high:.3f}] of {found.visits} visits")
    click.echo(f"  {found.wrong_customer} visits taken for another customer")
    click.echo(
        f"  {found.greeted} of {found.strangers} drawn strangers greeted; promised {100 * found.promise:g} %"
    )
