"""`python -m bench.fleet`: a day of a fleet, simulated: load on each part, what breaks first, what to buy next."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from bench.fleet.costs import RECORDED, Costs
from bench.fleet.databases import with_postgresql
from bench.fleet.fleet import Fleet
from bench.fleet.report import as_json, as_text, run
from bench.measure import ROOT, shared


def main() -> int:
    """Measure what requests cost here, simulate, print."""
    options = _options()
    if wrong := _wrong(options):
        print(wrong, file=sys.stderr)
        return 2
    fleet = Fleet(
        terminals=options.terminals,
        sites=options.sites,
        faces=options.faces,
        peak_faces_s=options.peak,
        replicas=options.replicas,
        searched=options.searched,
        seed=options.seed,
    )
    try:
        costs = Costs.load(options.costs) if options.costs else _measured(options.quick)
        if options.save_costs:
            costs.save(options.save_costs)
        costs = with_postgresql(costs) if fleet.replicas > 1 else costs
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    report = run(fleet, costs, _say)
    print(json.dumps(as_json(report), indent=2) if options.json else as_text(report))
    if options.plot:
        from bench.fleet.plot import draw

        options.plot.write_bytes(draw(report))
    return int(not report.day.balances)


def _wrong(options: argparse.Namespace) -> str | None:
    """What cannot be simulated, in a sentence."""
    if not 1 <= options.sites <= options.terminals:
        return "There are at least as many terminals as sites, and at least one site."
    if options.faces < 1 or not 0 < options.searched <= 1:
        return (
            "A gallery has at least one face, and a press is compared with more than 0 and at most all (1) of it."
        )
    if not 0 < options.peak <= 1000:
        return "The busiest hour has more than 0 and at most 1000 faces a second."
    return None


def _options() -> argparse.Namespace:
    reader = argparse.ArgumentParser(prog="python -m bench.fleet", description=__doc__)
    reader.add_argument("--json", action="store_true", help="JSON instead of tables")
    reader.add_argument("--plot", type=Path, help="draw the day into this PNG file")
    reader.add_argument("--costs", type=Path, help="read what requests cost instead of measuring it")
    reader.add_argument(
        "--recorded",
        dest="costs",
        action="store_const",
        const=RECORDED,
        help="the costs that docs/scale.md was written with",
    )
    reader.add_argument("--save-costs", type=Path, help="keep what was measured in this file")
    reader.add_argument("--quick", action="store_true", help="measure with fewer repetitions")
    fleet = Fleet()
    reader.add_argument("--terminals", type=int, default=fleet.terminals)
    reader.add_argument("--sites", type=int, default=fleet.sites)
    reader.add_argument("--faces", type=int, default=fleet.faces, help="templates in the gallery")
    reader.add_argument(
        "--peak", type=float, default=fleet.peak_faces_s, help="faces a second in the busiest hour"
    )
    reader.add_argument(
        "--searched", type=float, default=fleet.searched, help="share of the gallery that a press is compared with"
    )
    reader.add_argument("--replicas", type=int, choices=range(1, 65), metavar="N", default=fleet.replicas)
    reader.add_argument("--seed", type=int, default=fleet.seed)
    return reader.parse_args()


def _measured(quick: bool) -> Costs:
    from bench.fleet.measured import SHORT, Repeats, measured

    beside = shared() / "models"
    configured = os.environ.get("USUAL_MODELS")
    models = Path(configured) if configured else beside if beside.is_dir() else None
    _say("what requests cost on this machine (a server is set up; a minute or two)")
    pack = "open-model-zoo" if models else "dlib"
    return measured(pack, models, ROOT / ".cache" / "models", SHORT if quick else Repeats())


def _say(what: str) -> None:
    print(f"{what} ...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
