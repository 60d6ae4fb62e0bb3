"""`usual evaluate faces`: how well a pack recognises the people in a folder. Pictures are read, never written."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np

from identity import evaluation, promises
from identity.calibration import Scoring, shipped_scoring
from identity.capture import isolate
from identity.engines import Face, FaceEngine, Pixels, open_pack
from identity.errors import PackError
from identity.evaluation import Album
from identity.models_cli import cache_option, folder_option
from identity.occlusion import KINDS
from plumbing.files import write_atomic

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".pgm"}
LEAST_SIDE = 500  # smaller pictures are enlarged to it: detectors look for faces of 80 pixels and more
TARGETS = (0.01, 0.001)
Vectors = evaluation.Vectors


@dataclass
class Shot:
    """One picture: whose it is, where it lies, and its vector, or None without a face."""

    person: int
    path: Path
    vector: Vectors | None = None


def read_picture(path: Path) -> Pixels | None:
    """BGR pixels of a picture in the operator's own folder, or None when it cannot be read."""
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        return None
    factor = LEAST_SIDE / max(pixels.shape[:2])
    if factor > 1:
        pixels = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    return np.asarray(pixels, np.uint8)


def subject(faces: list[Face], shape: tuple[int, ...]) -> Face | None:
    """The face that an archive picture is of: large and near the middle."""
    height, width = shape[:2]

    def weight(face: Face) -> float:
        x, y, w, h = face.box
        away = np.hypot(x + w / 2 - width / 2, y + h / 2 - height / 2) / (0.2 * width)
        return float(face.area * np.exp(-away * away))

    return max(faces, key=weight) if faces else None


def embed(engine: FaceEngine, pixels: Pixels) -> Vectors | None:
    """The vector of a picture's subject; everybody else is blanked, as at a kiosk. None without a face."""
    faces = engine.detect(pixels)
    face = subject(faces, pixels.shape)
    if face is None:
        return None
    crop, moved = isolate(pixels, faces, face)
    return engine.embed(crop, moved)


def shots_of(folder: Path) -> list[Shot]:
    """FOLDER/<person>/<image>, in the order of names. Raises click.ClickException when it holds too little."""
    people = sorted(path for path in folder.iterdir() if path.is_dir())
    shots = [
        Shot(number, path)
        for number, person in enumerate(people)
        for path in sorted(person.iterdir())
        if path.suffix.lower() in SUFFIXES
    ]
    if len({shot.person for shot in shots}) < 2:
        raise click.ClickException(f"{folder} holds no two people: DIR/<person>/<image> is expected.")
    return shots


def watched(shots: list[Shot], what: str) -> Iterator[Shot]:
    """`shots`, with a progress bar on a terminal."""
    from tqdm import tqdm

    yield from tqdm(shots, desc=what, unit=" pictures", disable=not sys.stderr.isatty())


def embed_all(engine: FaceEngine, shots: list[Shot]) -> Album:
    """Give every shot its vector; the album of those that have one."""
    for shot in watched(shots, "embedding"):
        pixels = read_picture(shot.path)
        shot.vector = None if pixels is None else embed(engine, pixels)
    seen = [shot for shot in shots if shot.vector is not None]
    if not seen:
        raise click.ClickException("No face was found in any picture.")
    return evaluation.album_of([s.vector for s in seen if s.vector is not None], [s.person for s in seen])


def identification_rows(album: Album, scoring: Scoring, seed: int) -> list[dict[str, Any]]:
    """All sizes that the album allows, 1 and 3 enrolled images, 1 and 3 probe frames."""
    rows: list[dict[str, Any]] = []
    for enrolled in (3, 1):
        for frames in (1, 3):
            largest = evaluation.largest_gallery(album, enrolled, frames)
            for size in [*(size for size in evaluation.SIZES if size < largest), largest]:
                rng = np.random.default_rng([seed, enrolled, frames, size])
                found = evaluation.identify(
                    album, enrolled=enrolled, frames=frames, targets=TARGETS, size=size, rng=rng, scoring=scoring
                )
                rows += [row.to_dict() for row in found]
    return rows


def occlusion_rows(
    engine: FaceEngine, shots: list[Shot], album: Album, scoring: Scoring, seed: int, most: int
) -> list[dict[str, Any]]:
    """Probes with something before the face, at the threshold of clear ones (1 %): {kind, fpir, fnir, ...}."""
    plan = evaluation.occlusion_plan(album, np.random.default_rng(seed), most)
    if plan is None:
        return []
    seen = [shot for shot in shots if shot.vector is not None]
    rows = []
    for kind in KINDS:
        wanted = [*plan.probes, *plan.strangers]
        vectors = []
        for shot in watched([seen[row] for row in wanted], kind):
            vectors.append(occluded(engine, shot.path, kind))
        count = len(plan.probes)
        rows.append(
            {"kind": kind} | evaluation.occlusion_row(album, plan, vectors[:count], vectors[count:], scoring)
        )
    return rows


def occluded(engine: FaceEngine, path: Path, kind: str) -> Vectors | None:
    """The vector of a picture after `kind` was drawn over its subject; None when no face is found then."""
    pixels = read_picture(path)
    face = None if pixels is None else subject(engine.detect(pixels), pixels.shape)
    if pixels is None or face is None:
        return None
    return embed(engine, KINDS[kind](pixels, face))


@click.command("faces")
@click.option(
    "--images",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="DIR/<person>/<image>: pictures of people who agreed to it.",
)
@click.option("--pack", default="dlib", show_default=True, help="Which engine pack.")
@click.option("--json", "out", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures here.")
@click.option("--seed", default=6, show_default=True, help="How people are dealt into customers and strangers.")
@click.option("--occlusion/--no-occlusion", default=True, show_default=True, help="Draw masks, hands and so on.")
@click.option("--tails", is_flag=True, help="Also measure the tails that a pack's manifest ships.")
@folder_option
@cache_option
def evaluate_faces(
    images: Path,
    pack: str,
    out: Path | None,
    seed: int,
    occlusion: bool,
    tails: bool,
    folder: Path | None,
    cache: Path,
) -> None:
    """Verification and open-set identification on a folder of people, and what masks and bad light do to it.

    Thresholds are set on people apart from those they are tested on. No picture is written.
    """
    try:
        engine = open_pack(pack, folder, cache)
    except PackError as error:
        raise click.ClickException(error.detail) from error
    scoring = shipped_scoring(engine.pack.calibration)
    shots = shots_of(images)
    album = embed_all(engine, shots)
    result: dict[str, Any] = {
        "pack": engine.pack.id,
        "grade": engine.pack.grade,
        "seed": seed,
        "people": len({shot.person for shot in shots}),
        "images": len(shots),
        "without_a_face": len(shots) - len(album.vectors),
        "scoring": {"cohort_weight": scoring.cohort_weight, "cohort_ranks": scoring.cohort_ranks},
        "verification": evaluation.verification(album, np.random.default_rng(seed)),
        "identification": identification_rows(album, scoring, seed),
        "promise": promises.kept(album, np.random.default_rng(seed), scoring, TARGETS),
        "occlusion": occlusion_rows(engine, shots, album, scoring, seed, 400) if occlusion else [],
    }
    if tails:
        result["tails"] = promises.tails_to_ship(album, np.random.default_rng(seed))
    if out is not None:
        write_atomic(out, (json.dumps(result, indent=2) + "\n").encode())
    click.echo(told(result))


def told(result: dict[str, Any]) -> str:
    """The figures as text, shares in per cent with their 95 % intervals."""
    lines = [
        f"{result['pack']}: {result['people']} people, {result['images']} pictures,"
        f" {result['without_a_face']} without a face that was found",
        "",
        "Identification: strangers greeted (FPIR) and customers missed (FNIR), %",
        "enrolled  frames  gallery  promise  greeted             missed              threshold",
    ]
    for row in result["identification"]:
        lines.append(
            f"{row['enrolled_images']:8d}  {row['probe_frames']:6d}  {row['gallery']:7d}"
            f"  {100 * row['fpir_target']:6.1f}"
            f"  {_share(row['fpir'], row['fpir_interval']):18s}  {_share(row['fnir'], row['fnir_interval']):18s}"
            f"  {row['threshold']:.3f}"
        )
    if not result["identification"]:
        lines.append("  too few people, or too few pictures of them")
    if result["promise"]:
        lines += ["", "Promise kept by the product's own threshold: greeted / promised, mean over splits"]
        for row in result["promise"]:
            low, high = row["ratio_interval"]
            lines.append(
                f"  gallery {row['gallery']:5d}, {row['probe_frames']} frame(s), {100 * row['fpir_target']:.1f} %:"
                f" {row['ratio']:.2f} [{low:.2f}, {high:.2f}], missed {100 * row['fnir']:.2f} %"
                f" ({row['splits']} splits)"
            )
    if result["occlusion"]:
        lines += ["", "Covered and bad pictures at the threshold of clear ones (promise 1 %), %"]
        for row in result["occlusion"]:
            lines.append(
                f"  {row['kind']:11s} found {100 * row['detected']:5.1f}  greeted {100 * row['fpir']:5.2f}"
                f"  missed {100 * row['fnir']:5.2f}  (gallery {row['gallery']})"
            )
    checked = result["verification"]
    if "eer" in checked:
        lines += ["", f"Verification: EER {100 * checked['eer']:.2f} %"]
        for point in checked["tar_at_far"]:
            lines.append(
                f"  FAR {point['far']:g}: TAR {100 * point['tar']:.2f} % at cosine {point['threshold']:.3f}"
            )
    return "\n".join(lines)


def _share(value: float, bounds: tuple[float, float]) -> str:
    return f"{100 * value:.2f} [{100 * bounds[0]:.2f}, {100 * bounds[1]:.2f}]"
