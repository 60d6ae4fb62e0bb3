"""`usual screens fetch`: the engine for browsers, into the home."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from plumbing.cli import ProgressBar, errors_as_one_line, home_option, progress_bar
from plumbing.problem import Problem
from plumbing.settings import Config


@click.command()
@home_option
@click.option("--registry", help="Where npm's packages are; left out: where npm itself looks.")
@click.option("--check", is_flag=True, help="Fetch nothing: say whether everything is there as pinned.")
def fetch(home: Path, registry: str | None, check: bool) -> None:
    """Fetch what a browser needs to turn a face into numbers itself: 33 MB, of which 4.5 are sent to a device with
    TLS, 6 without. They are made that small here, once: it takes a minute or two.

    It goes into the folder `screens/engine` of the home, each file checked against its pinned sha256; the networks
    come from the engine pack of this house (USUAL_PACK, USUAL_MODELS).
    """
    from doorway.browser_engine.prepare import differing, prepare
    from doorway.browser_engine.runtime import registry as registry_of_npm
    from identity.engines.manifests import load_pack
    from screens.engine import EngineFolder

    config, folder = Config.from_environment(), EngineFolder.of(home)
    given = load_pack(config.pack), config.models, config.cache
    with errors_as_one_line(Problem), ExitStack() as stack:
        bars: dict[str, ProgressBar] = {}

        def progress(file: str, done: int, total: int) -> None:
            if file not in bars:
                bars[file] = stack.enter_context(progress_bar(file, total, unit="B"))
            bars[file].show("", done / max(total, 1))

        if not check:
            prepare(*given, folder, registry or registry_of_npm(), progress)
        wrong = differing(*given, folder)
    if wrong:
        raise click.ClickException(f"Missing or altered: {', '.join(wrong)}. Run `usual screens fetch`.")
    for role, file in folder.files.items():
        click.echo(f"{role}: {file.bytes} bytes, {file.sent} as sent, as pinned")
    click.echo(f"{sum(file.sent for file in folder.files.values()) / 1e6:.2f} MB for the first visit of a device")
    click.echo("Next: open /screens/engine on the device, then `usual keys mode NAME vectors`.")
