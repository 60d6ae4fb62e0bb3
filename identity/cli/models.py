"""`usual models`: which engine packs there are, fetch one, prepare one, check one."""

from __future__ import annotations

import sys
import time
from contextlib import closing
from pathlib import Path

import click

from identity.engines.fetch import OPENCV_ZOO, fetch_pack
from identity.engines.load import open_pack
from identity.engines.manifests import load_pack, located, pack_names
from identity.errors import PackError

folder_option = click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="USUAL_MODELS",
    help="Where the files of open-model-zoo lie (USUAL_MODELS).",
)
cache_option = click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="USUAL_CACHE",
    default=Path(".cache/models"),
    show_default=True,
    help="Where fetched and converted files are kept (USUAL_CACHE).",
)


@click.group()
def models() -> None:
    """Engine packs: what turns a face into numbers."""


@models.command("list")
@folder_option
@cache_option
def list_packs(folder: Path | None, cache: Path) -> None:
    """Every pack with its grade, licence and whether it can be used here."""
    for name in pack_names():
        pack = load_pack(name)
        try:
            located(pack, folder, cache)
            state = "ready"
        except PackError as error:
            state = error.detail
        licences = sorted({pack.licence, *(file.licence for file in pack.files)})
        click.echo(f"{pack.id}  {pack.grade}  {', '.join(licences)}  {pack.vendor}")
        click.echo(f"    {state}")
        if pack.note:
            click.echo(f"    {pack.note}")


@models.command()
@click.argument("name", metavar="PACK")
@cache_option
@click.option("--base-url", default=OPENCV_ZOO, show_default=True, help="Where the pack's files are published.")
def fetch(name: str, cache: Path, base_url: str) -> None:
    """Fetch PACK's files; each is kept only when it is the pinned one."""
    from tqdm import tqdm

    bars: dict[str, tqdm] = {}

    def progress(file: str, done: int, total: int) -> None:
        if file not in bars:
            # A bar is for a terminal only; a log gets the closing lines.
            bars[file] = tqdm(total=total, unit="B", unit_scale=True, desc=file, disable=not sys.stderr.isatty())
        bars[file].update(done - bars[file].n)

    try:
        paths = fetch_pack(load_pack(name), cache, base_url, progress)
    except PackError as error:
        raise click.ClickException(error.detail) from error
    finally:
        for bar in bars.values():
            bar.close()
    for path in paths:
        click.echo(f"{path.name}: {path.stat().st_size} bytes, as pinned")


@models.command()
@click.argument("name", metavar="PACK", default="dlib")
@folder_option
@cache_option
def prepare(name: str, folder: Path | None, cache: Path) -> None:
    """Check PACK's files and convert what has to be converted, so that a server starts at once."""
    started = time.perf_counter()
    try:
        engine = open_pack(name, folder, cache)
    except PackError as error:
        raise click.ClickException(error.detail) from error
    click.echo(f"{engine.pack.id} is ready ({time.perf_counter() - started:.1f} s)")


@models.command()
@click.argument("name", metavar="PACK")
@folder_option
@cache_option
def check(name: str, folder: Path | None, cache: Path) -> None:
    """Hold PACK against what every pack must be, at arm's length: files, licence, vendor, shape, length, the same
    answer twice, speed, and what a mask or a blur does to people who do not exist."""
    from identity.evaluation.conformance import Finding, examine
    from identity.sandbox.connection import Launch
    from identity.sandbox.pool import EnginePool

    told = click.get_current_context().find_object(dict) or {}
    try:
        engine, twin = (EnginePool(Launch(name, folder, cache)) for _ in range(2))
        with closing(engine), closing(twin):
            engine.start()
            walls = Finding("no file, socket, program or database", bool(engine.walls), ", ".join(engine.walls))
            findings = [*examine(engine, told["people"]() if "people" in told else None, twin), walls]
    except PackError as error:
        raise click.ClickException(error.detail) from error
    for finding in findings:
        click.echo(f"{'ok   ' if finding.passed else 'FAIL '} {finding.name}: {finding.detail}")
    if not all(finding.passed for finding in findings):
        raise click.ClickException(f"{name} is not fit for use.")
