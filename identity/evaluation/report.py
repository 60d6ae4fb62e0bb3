"""The figures of `usual evaluate faces` as text and tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

Rows = Sequence[dict[str, Any]]
SHARES = (("greeted", "fpir"), ("missed", "fnir"))


def report_lines(result: dict[str, Any]) -> str:
    """The figures as text, shares in per cent with their 95 % intervals."""
    lines = [
        f"{result['pack']}: {result['people']} people, {result['images']} pictures,"
        f" {len(result['unreadable'])} unreadable, {result['without_a_face']} without a face that was found",
        *_two_names(result["same"], result["suspects"]),
        f"What a kiosk would say about them: {_counts(result['hints'])}",
        f"and about those with a drawn mask: {_counts(result['hints_masked']) or 'not drawn'}",
        *_identification(result["identification"]),
        *_promise(result["promise"]),
        *_occlusion(result["occlusion"]),
        *_groups(result["groups"]),
        *_worlds(result["worlds"]),
        "",
        "The challenge, on simulated heads and sheets (landmarks alone): passed, %",
        *(f"  {row['kind']:16s} {100 * row['passed']:6.2f} of {row['tries']}" for row in result["liveness"]),
        *_verification(result["verification"]),
    ]
    return "\n".join(lines)


def _two_names(same: Sequence[tuple[str, str]], suspects: Sequence[tuple[str, str]]) -> Iterator[str]:
    if same:
        yield f"Counted as one person each (--same): {_pairs(same)}"
    if suspects:
        yield f"Perhaps one person under two names; check, and list them with --same: {_pairs(suspects)}"


def _pairs(pairs: Sequence[tuple[str, str]]) -> str:
    return f"{len(pairs)} ({'; '.join(f'{one}, {other}' for one, other in pairs)})"


def _identification(rows: Rows) -> Iterator[str]:
    yield ""
    yield "Identification: strangers greeted (FPIR) and customers missed (FNIR), %"
    yield "enrolled  frames  gallery  filled  promise  greeted             missed              threshold"
    for row in rows:
        yield (
            f"{row['enrolled_images']:8d}  {row['probe_frames']:6d}  {row['gallery']:7d}  {row['filled']:6d}"
            f"  {100 * row['fpir_target']:6.1f}"
            f"  {_share(row['fpir'], row['fpir_interval']):18s}  {_share(row['fnir'], row['fnir_interval']):18s}"
            f"  {row['threshold']:.3f}{'  ' + row['warning'] if row['warning'] else ''}"
        )
    if any(row["filled"] for row in rows):
        yield "filled: customers with too few pictures to be probed, mostly enrolled from one"
    if not rows:
        yield "  too few people, or too few pictures of them"


def _promise(rows: Rows) -> Iterator[str]:
    if rows:
        yield ""
        yield "The promise at the product's own threshold: greeted / promised, mean over splits"
    for row in rows:
        low, high = row["ratio_interval"]
        yield (
            f"  tails {row['tails']:8s}, gallery {row['gallery']:3d} ({row['filled']:3d} filled),"
            f" {row['probe_frames']} frame(s),"
            f" {100 * row['fpir_target']:.1f} %:"
            f" {row['ratio']:.2f} [{low:.2f}, {high:.2f}], missed {100 * row['fnir']:.2f} %"
            f" ({row['splits']} splits)"
        )


def _occlusion(rows: Rows) -> Iterator[str]:
    if rows:
        yield ""
        yield "Covered and bad pictures, masks at their own threshold where the pack has one (promise 1 %), %"
    for row in rows:
        yield (
            f"  {row['kind']:29s} found {100 * row['detected']:5.1f}  greeted {100 * row['fpir']:5.2f}"
            f"  missed {_share(row['fnir'], row['fnir_interval']):20s}"
            f"  (gallery {row['gallery']}{_filled(row)})"
        )


def _groups(rows: Rows) -> Iterator[str]:
    for row in rows:
        parts = [
            f"{name} {_share(row[key], row[f'{key}_interval'])}" for name, key in SHARES if row[key] is not None
        ]
        yield f"  group {row['group']}: {', '.join(parts)}"


def _worlds(rows: Rows) -> Iterator[str]:
    if rows:
        yield ""
        yield "The promise in simulated worlds: greeted / promised, mean over worlds"
    for row in rows:
        low, high = row["ratio_interval"]
        head = f"  gallery {row['gallery']:6d}, {100 * row['fpir_target']:.1f} %: {row['ratio']:.2f}"
        yield f"{head} [{low:.2f}, {high:.2f}] ({row['worlds']} worlds)"


def _verification(checked: dict[str, Any]) -> Iterator[str]:
    if "eer" not in checked:
        return
    yield ""
    yield f"Verification: EER {100 * checked['eer']:.2f} %"
    for point in checked["tar_at_far"]:
        yield f"  FAR {point['far']:g}: TAR {100 * point['tar']:.2f} % at cosine {point['threshold']:.3f}"


def _share(value: float, bounds: tuple[float, float]) -> str:
    return f"{100 * value:.2f} [{100 * bounds[0]:.2f}, {100 * bounds[1]:.2f}]"


def _counts(counted: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counted.items())


def _filled(row: dict[str, Any]) -> str:
    return f", {row['filled']} filled" if row.get("filled") else ""
