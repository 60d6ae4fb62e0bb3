"""`usual evaluate faces`: how well a pack recognises the people in a folder. No picture is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np

from identity.cli.models import cache_option, folder_option
from identity.engines.load import open_pack
from identity.engines.manifests import Pack
from identity.errors import PackError
from identity.evaluation.challenge_rates import rates
from identity.evaluation.covered import masked_pictures, occlusion_rows
from identity.evaluation.duplicates import merge, read_pairs, suspects
from identity.evaluation.folder import Picture, embed_all, list_pictures
from identity.evaluation.groups import by_group, scores_of
from identity.evaluation.identification import LabelledVectors, gallery_sizes, identify, verification
from identity.evaluation.masks import mask_rows, mask_tails
from identity.evaluation.plot import draw_curve
from identity.evaluation.promise import measure_promise, tails_to_ship
from identity.evaluation.report import report_lines
from identity.evaluation.simulation import simulate_promise
from identity.matching.tails import Scoring, shipped_scoring
from plumbing.storage.files import write_atomic

TARGETS = (0.01, 0.001)
CLEAR_SHARE = 0.3  # the share of the clear pictures in a masked template, where a manifest gives none


def identification_rows(album: LabelledVectors, scoring: Scoring, seed: int) -> list[dict[str, Any]]:
    """Rows for all gallery sizes that the album allows, 1 and 3 enrolled images, 1 and 3 probe frames. Few people
    have enough pictures for three frames, so there are more random splits for these."""
    rows: list[dict[str, Any]] = []
    for enrolled in (3, 1):
        for frames in (1, 3):
            for size in gallery_sizes(album, enrolled, frames):
                found = identify(
                    album,
                    enrolled=enrolled,
                    frames=frames,
                    targets=TARGETS,
                    size=size,
                    rng=np.random.default_rng([seed, enrolled, frames, size]),
                    scoring=scoring,
                    deals=5 if frames == 1 else 20,
                )
                rows += [row.to_dict() for row in found]
    return rows


@click.command("faces")
@click.option(
    "--images",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="DIR/<person>/<image>: pictures of people who consented.",
)
@click.option("--pack", default="dlib", show_default=True, help="The engine pack.")
@click.option(
    "--json", "out", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures to this file."
)
@click.option("--seed", default=6, show_default=True, help="Seed of the random splits of people.")
@click.option("--occlusion/--no-occlusion", default=True, show_default=True, help="Also measure covered faces.")
@click.option("--tails", is_flag=True, help="Also measure the tails for a pack's manifest.")
@click.option(
    "--groups",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV of person,group, written by you: adds a row of figures for each group.",
)
@click.option(
    "--same",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV of person,person: two names of one person, who is counted once.",
)
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw the curve into this PNG file.")
@click.option("--worlds", is_flag=True, help="Also test the promise in simulated galleries up to 30,000 people.")
@folder_option
@cache_option
def evaluate_faces(
    images: Path,
    pack: str,
    out: Path | None,
    seed: int,
    occlusion: bool,
    tails: bool,
    worlds: bool,
    groups: Path | None,
    same: Path | None,
    plot: Path | None,
    folder: Path | None,
    cache: Path,
) -> None:
    """Measure verification and open-set identification on a folder of people, also with masks and bad light.

    Thresholds are set on other people than they are tested on. Two names that look like one person are listed, and
    count as two people unless --same lists them. No picture is written.
    """
    try:
        engine = open_pack(pack, folder, cache)
    except PackError as error:
        raise click.ClickException(error.detail) from error
    scoring = shipped_scoring(engine.pack.calibration)
    shots = list_pictures(images)
    merged = [] if same is None else merge(shots, read_pairs(same))
    album, hints = embed_all(engine, shots)
    seen = [shot for shot in shots if shot.vector is not None]
    unreadable = _unreadable(shots, images)
    share = mask_share(engine.pack.calibration)
    masked = None
    if occlusion or tails:
        masked = masked_pictures(engine, seen, album, seed, templates_too=tails or share is not None)
    covered = [] if masked is None else mask_rows(masked, share, scoring, np.random.default_rng(seed))
    if occlusion:
        covered += occlusion_rows(engine, seen, album, scoring, seed, 400)
    result = figures(engine.pack, album, scoring, seed) | {
        "people": len({shot.person for shot in shots}),
        "images": len(shots),
        "unreadable": unreadable,
        "same": merged,
        "suspects": suspects(album, [shot.path.parent.name for shot in seen]),
        "without_a_face": len(shots) - len(unreadable) - len(album.vectors),
        "hints": hints,
        "hints_masked": {} if masked is None else masked.hints,
        "occlusion": covered,
        "groups": group_rows(album, shots, groups, scoring, seed),
        "worlds": simulate_promise(scoring) if worlds else [],
    }
    if tails:
        result["tails"] = tails_to_ship(album, np.random.default_rng(seed), scoring)
        if masked is not None:
            result["tails"]["masked"] = mask_tails(masked, CLEAR_SHARE, scoring)
    scores = scores_of(album, scoring, np.random.default_rng(seed))
    if plot is not None and scores is not None:
        write_atomic(plot, draw_curve(scores))
    if out is not None:
        write_atomic(out, (json.dumps(result, indent=2) + "\n").encode())
    click.echo(report_lines(result))


def _unreadable(shots: list[Picture], images: Path) -> list[str]:
    """The names of pictures that cannot be read; each is also printed."""
    names = [str(shot.path.relative_to(images)) for shot in shots if not shot.readable]
    for name in names:
        click.echo(f"{name} cannot be read and is skipped.", err=True)
    return names


def figures(pack: Pack, album: LabelledVectors, scoring: Scoring, seed: int) -> dict[str, Any]:
    """The figures that are computed from vectors alone, and the rates of the challenge, which need no vectors."""
    return {
        "pack": pack.id,
        "grade": pack.grade,
        "seed": seed,
        "scoring": {"cohort_weight": scoring.cohort_weight, "cohort_ranks": scoring.cohort_ranks},
        "verification": verification(album, np.random.default_rng(seed)),
        "identification": identification_rows(album, scoring, seed),
        "promise": measure_promise(
            album, np.random.default_rng(seed), scoring, TARGETS, calibration=pack.calibration
        ),
        "liveness": rates(np.random.default_rng(seed)),
    }


def group_rows(
    album: LabelledVectors, shots: list[Picture], groups: Path | None, scoring: Scoring, seed: int
) -> list[dict[str, Any]]:
    """`groups.by_group` for the groups in the operator's file. Raises click.ClickException on a line without a
    comma."""
    if groups is None:
        return []
    numbers = {shot.path.parent.name: shot.person for shot in shots}
    named = {}
    for line in groups.read_text("utf-8").splitlines():
        person, comma, group = line.partition(",")
        if line.strip() and not comma:
            raise click.ClickException(f"{groups} holds a line without a comma: person,group is expected.")
        if person.strip() in numbers:
            named[numbers[person.strip()]] = group.strip()
    return by_group(album, named, scoring, np.random.default_rng(seed))


def mask_share(calibration: Mapping[str, Any]) -> float | None:
    """The share of the clear pictures in a pack's masked templates; None for a pack not calibrated for masks."""
    masked = calibration.get("masked")
    return None if masked is None else float(masked.get("clear_share", CLEAR_SHARE))
