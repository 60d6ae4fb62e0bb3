"""`python -m bench`: every figure of one run in one table; `--json` for a machine."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

try:
    from bench import (
        auditing,
        before,
        beside,
        browser_engine,
        cluster,
        columns,
        consent,
        deciding,
        desk,
        earning,
        experiments,
        faces,
        gallery_size,
        helper,
        index,
        ordering,
        replicas,
        riding,
        ruling,
        scaled_jpeg,
        screens,
        served,
        suggesting,
        training,
        vectors,
        versions,
        visits,
        writing,
    )
    from bench.fleet.section import section as fleet
    from bench.measure import ROOT, Row, as_json, machine, shared, table
except ModuleNotFoundError as error:
    sys.exit(
        f"{error.name} is not installed: measuring needs the tools of developers. Run `scripts/setup.sh dev`."
    )

SECTIONS = (
    "stages",
    "dlib",
    "pipelines",
    "apart",
    "scaled_jpeg",
    "index",
    "gallery_size",
    "audit",
    "served",
    "visits",
    "before",
    "vectors",
    "consent",
    "factors",
    "suggestions",
    "training",
    "beside",
    "cluster",
    "columns",
    "ordering",
    "riding",
    "deciding",
    "desk",
    "earning",
    "experiments",
    "fleet",
    "versions",
    "postgres",
    "replicas",
    "rules",
    "screens",
    "browser_engine",
    "helper",
)


def default_models() -> Path | None:
    """USUAL_MODELS, else the models beside the project when they are there."""
    configured = os.environ.get("USUAL_MODELS")
    beside = shared() / "models"
    return Path(configured) if configured else beside if beside.is_dir() else None


def plan(options: argparse.Namespace) -> dict[str, Callable[[], list[Row]]]:
    """What is measured under each name."""
    models, cache, few = options.models, options.cache, options.quick
    packs = ["dlib", *(["open-model-zoo"] if models else [])]
    return {
        "stages": lambda: faces.stages(models, cache, 10 if few else 40),
        "dlib": lambda: faces.against_dlib(cache, 10 if few else 30),
        "pipelines": lambda: faces.pipelines(models, cache, 10 if few else 40),
        "apart": lambda: faces.in_own_process(models, cache, 20 if few else 100),
        "scaled_jpeg": lambda: scaled_jpeg.scaled_jpeg(models, cache, 12 if few else 200) if models else [],
        "index": lambda: index.index(30_000 if few else 100_000, 30 if few else 200),
        "gallery_size": lambda: gallery_size.gallery_size(*((40_000, 60) if few else ())),
        "desk": lambda: desk.desk(*((100_000, 5_000, 10) if few else ())),
        "audit": lambda: auditing.auditing(10_000 if few else 100_000),
        "served": lambda: [
            row for pack in packs for row in served.served(pack, models, cache, 30 if few else 200)
        ],
        "visits": lambda: visits.visits(packs[-1], models, cache, 6 if few else 60),
        "vectors": lambda: vectors.vectors(models, cache, *((5.0, (2_000,)) if few else (20.0,))),
        "before": lambda: before.before(cache, 2 if few else 8, 3.0 if few else 8.0),
        "consent": lambda: consent.consent(cache, 12 if few else 120),
        "factors": lambda: suggesting.dot_product(200 if few else 2_000),
        "suggestions": lambda: [
            row
            for items in (suggesting.ITEMS, suggesting.MANY_ITEMS)
            for row in suggesting.suggestions(300 if few else 3_000, 50_000 if few else 200_000, items)
        ],
        "training": lambda: training.training((20_000, 100_000) if few else training.SIZES),
        "beside": lambda: beside.beside(*((beside.QUICK, 10) if few else (beside.EVENTS, 50))),
        "cluster": lambda: cluster.cluster(
            cluster.QUICK if few else cluster.FULL if options.full else cluster.SIZE
        ),
        "columns": lambda: columns.columns(columns.QUICK if few else columns.EVENTS),
        "ordering": lambda: [] if few else ordering.against_tifu(),
        "versions": lambda: versions.versions(3 if few else 20),
        "deciding": lambda: deciding.deciding(200 if few else 2_000),
        "earning": lambda: earning.earning(20_000, 2_000, 6_000) if few else earning.earning(),
        "experiments": lambda: experiments.experiments(200 if few else 2_000, 5_000 if few else 50_000),
        "fleet": lambda: fleet(packs[-1], models, cache, few=few),
        "riding": lambda: riding.request_time(100 if few else 1_000) + ([] if few else riding.fit_time()),
        "replicas": lambda: replicas.replicas(packs[-1], models, cache, 2 if few else 6, 3.0 if few else 8.0),
        "browser_engine": lambda: browser_engine.browser_engine(models, cache, 20 if few else 100),
        "helper": lambda: helper.helper(models, cache, 20 if few else 100),
        "screens": lambda: screens.screens(cache, 5 if few else 20),
        "rules": lambda: ruling.rules(300 if few else 3_000),
        "postgres": lambda: writing.writing(0.5 if few else 2.0, 1 if few else 5),
    }


def main() -> int:
    """Measure and print; status 1 when a target was missed."""
    reader = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    reader.add_argument("--json", action="store_true", help="JSON instead of a table")
    reader.add_argument(
        "--quick", action="store_true", help="fewer repetitions and smaller towns: to see that it runs"
    )
    reader.add_argument("--full", action="store_true", help="cluster: 20 million events, which takes an hour")
    reader.add_argument("--only", action="append", choices=SECTIONS, help="one section; repeat for several")
    reader.add_argument(
        "--models", type=Path, default=default_models(), help="folder of packs that are not installed"
    )
    reader.add_argument(
        "--cache", type=Path, default=ROOT / ".cache" / "models", help="where converted packs are kept"
    )
    options = reader.parse_args()
    where = machine()
    rows: list[Row] = []
    for name, measure in plan(options).items():
        if options.only and name not in options.only:
            continue
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        rows += measure()
    if options.json:
        print(as_json(rows, where))
    else:
        print(table(rows))
        print(f"\n{where['cpus']} processors, {where['cpu']}, Python {where['python']}", end="")
        print(f"; load before the run {where['load_before']:.1f}")
        if where["load_before"] > where["cpus"]:
            print("The machine was busy with something else: read the ratios, not the milliseconds.")
    return int(any(row.met is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
