"""`usual models`: list the engine packs, fetch one, prepare one, check one."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from pathlib import Path

import click

from identity.engines.fetch import OPENCV_ZOO, fetch_pack
from identity.engines.load import open_pack
from identity.engines.manifests import checked_files, load_pack, pack_names
from identity.errors import PackError
from plumbing.cli import ProgressBar, progress_bar

folder_option = click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="USUAL_MODELS",
    help="The folder with the files of a pack that you supply, such as open-model-zoo (USUAL_MODELS).",
)
cache_option = click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="USUAL_CACHE",
    default=Path(".cache/models"),
    show_default=True,
    help="The folder for fetched and converted files (USUAL_CACHE).",
)


@click.group()
def models() -> None:
    """Engine packs: the models that turn a face into numbers."""


@models.command("list")
@folder_option
@cache_option
def list_packs(folder: Path | None, cache: Path) -> None:
    """List every pack with its grade, licences, vendor, and whether it can be used here."""
    for name in pack_names():
        pack = load_pack(name)
        try:
            checked_files(pack, folder, cache)
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
@click.option(
    "--base-url", default=OPENCV_ZOO, show_default=True, help="The address where the pack's files are published."
)
def fetch(name: str, cache: Path, base_url: str) -> None:
    """Download PACK's files; a file with another hash than the pinned one is deleted."""
    with ExitStack() as stack:
        bars: dict[str, ProgressBar] = {}

        def progress(file: str, done: int, total: int) -> None:
            if file not in bars:
                bars[file] = stack.enter_context(progress_bar(file, total, unit="B"))
            bars[file].show("", done / max(total, 1))

        try:
            paths = fetch_pack(load_pack(name), cache, base_url, progress)
        except PackError as error:
            raise click.ClickException(error.detail) from error
    for path in paths:
        click.echo(f"{path.name}: {path.stat().st_size} bytes, as pinned")


@models.command()
@click.argument("name", metavar="PACK", default="dlib")
@folder_option
@cache_option
def prepare(name: str, folder: Path | None, cache: Path) -> None:
    """Check PACK's files and convert its network if necessary, so that a server starts fast."""
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
    """Check PACK in its sandbox: files, licence, vendor, shape and length of vectors, determinism, speed, and the
    effect of masks and blur on drawn people."""
    from identity.evaluation.conformance import Finding, examine_pack
    from identity.sandbox.connection import Launch
    from identity.sandbox.pool import EnginePool

    settings = click.get_current_context().find_object(dict) or {}
    draw = settings["people"]() if "people" in settings else None
    try:
        engine, second = (EnginePool(Launch(name, folder, cache)) for _ in range(2))
        with closing(engine), closing(second):
            for one in (engine, second):
                one.start()
            walls = Finding("no file, socket, program or database", bool(engine.walls), ", ".join(engine.walls))
            findings = [*examine_pack(engine, draw, second), walls]
    except PackError as error:
        raise click.ClickException(error.detail) from error
    for finding in findings:
        click.echo(f"{'ok   ' if finding.passed else 'FAIL '} {finding.name}: {finding.detail}")
    if not all(finding.passed for finding in findings):
        raise click.ClickException(f"{name} is not fit for use.")
