"""No telemetry, on real runs: look-ups, connections and files left by all that the product starts.

`python -m tests.unbreakable.silence` is what one of the runs does under watch: an installation, its server,
visits, trainings, exports.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.measure import ROOT, Row
from tests.unbreakable.installation import PACKS, forget_prepared, installation
from tests.watch import COMPILER, Watch

SECTION = "No telemetry: by any process of a real run"
USUAL = ("-c", "from app import main; main()")
LIBRARY = """
from recommender import Orders
import numpy as np
from data.faces import people
from identity import Engine, enrol, match, read_picture
visits = {"customer": ["ann", "ann", "ann", "bob", "bob"], "item": ["tea", "tea", "pie", "soup", "soup"]}
assert Orders().fit(visits).suggest(visits, customer="ann", n=2).suggestions
engine = Engine("dlib", cache=CACHE)
vectors = [engine.embed(read_picture(people.jpeg(people.draw_face(1, k)))) for k in range(3)]
assert match(np.stack(vectors[:1]), enrol(np.stack(vectors[1:]))[None], 0.5)
"""


@dataclass(frozen=True)
class Run:
    """One thing that is done under watch. `alone` needs no server, so it is also cut off from every network."""

    name: str
    arguments: tuple[str, ...]
    alone: bool = True


def runs(folder: Path, short: bool) -> list[Run]:
    """What is done."""
    cache = ("--cache", str(PACKS))
    few = ("--customers", "8", "--strangers", "40")
    library = LIBRARY.replace("CACHE", f"__import__('pathlib').Path({str(PACKS)!r})")
    chosen = [
        Run("library", ("-c", library)),
        Run("evaluate town", (*USUAL, "evaluate", "town", *(few if short else ()), *cache)),
        Run("serve, visit, train, export", ("-m", "tests.unbreakable.silence"), alone=False),
    ]
    if not short:
        demo = (*USUAL, "demo", "--no-serve", "--port", "0", "--folder", str(folder / "demo"), *cache)
        chosen += [Run("evaluate orders", (*USUAL, "evaluate", "orders")), Run("demo", demo, alone=False)]
    return chosen


def rows(short: bool) -> list[Row]:
    """Everything done must be 0 in each row."""
    if COMPILER is None:
        return [Row(SECTION, "no C compiler: nothing was counted", float("nan"), "")]
    apart = without_network()
    found: list[Row] = []
    for run in runs(Path(tempfile.gettempdir()), short):
        with tempfile.TemporaryDirectory(prefix="usual-silence-") as place:
            watch = Watch(Path(place) / "watch")
            own = Run(
                run.name,
                tuple(text.replace(tempfile.gettempdir() + "/demo", place + "/demo") for text in run.arguments),
            )
            done = watch.run(*own.arguments, cwd=ROOT, timeout_s=1_200, within=apart if run.alone else ())
            seen = watch.seen()
            outside = seen.files_outside(watch.temporary, PACKS, Path(place) / "demo")
            kept, said = watch.kept(), done.stderr.strip().splitlines()[-1:] if done.returncode else []
        note = "; ".join([*said, *seen.lookups[:2], *seen.connections[:2], *outside[:2], *kept[:2]])
        figures = {
            "look-ups": len(seen.lookups),
            "connections": len(seen.connections),
            "files outside": len(outside),
            "files left in the home or the temporary folder": len(kept),
            "status": done.returncode,
        }
        found += [Row(SECTION, f"{run.name}: {what}", count, "", 0, note=note) for what, count in figures.items()]
        found.append(Row(SECTION, f"{run.name}: files written in all", len(seen.files), ""))
    return found


def without_network() -> tuple[str, ...]:
    """The command that cuts a program off from every network, where it is permitted."""
    command = ("unshare", "-rn")
    if shutil.which(command[0]) is None:
        return ()
    tried = subprocess.run([*command, "true"], capture_output=True, check=False)
    return command if tried.returncode == 0 else ()


def main() -> None:
    """An installation that is served, visited, trained and exported."""
    from data.demo.server import command
    from data.faces import people

    try:
        with installation() as house:
            with house.served() as server, house.client(server, "kiosk-silence") as kiosk:
                member = house.members[0].person_seed
                seen = kiosk.recognise([people.draw_face(member, 60, (1280, 960))])
                kiosk.recognise([people.draw_face(people.STRANGERS + 1, 60)])
                kiosk.suggestions("orders", seen["token"], {"site": "market"})
            for scene in ("orders", "destinations"):
                command(house.setting, "train", scene)
            command(house.setting, "export", "events", str(house.setting.folder / "events.csv"))
            command(house.setting, "identity", "status")
    finally:
        forget_prepared()


if __name__ == "__main__":
    main()
