"""`usual batch orders`: predictions in bulk from files to a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from recommender.scenes.base import Progress

FILE = click.Path(dir_okay=False, path_type=Path)


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A bar on a terminal, nothing in a file."""
    from tqdm import tqdm

    with tqdm(total=100, disable=None, leave=False, bar_format="{desc}: {bar} {percentage:3.0f} %") as bar:

        def tell(what: str, share: float) -> None:
            bar.set_description_str(what)
            bar.update(max(0, round(share * 100) - bar.n))

        yield tell


@click.command("orders")
@click.option(
    "--history", required=True, type=FILE, help="customer, order_id, order_index, item [, timestamp ...]"
)
@click.option("--requests", required=True, type=FILE, help="The same columns without item: one row an order.")
@click.option("--out", required=True, type=FILE, help="Where to write customer, rank, item.")
@click.option(
    "--top", default=20, show_default=True, type=click.IntRange(1, 1000), help="Items for each customer."
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Of every draw.")
def batch_orders(history: Path, requests: Path, out: Path, top: int, seed: int) -> None:
    """Predict the next order of each customer asked about. Same input, same bytes out."""
    from plumbing.files import write_atomic
    from recommender.datasets import DatasetError, read_history
    from recommender.orders.batch import predict_orders

    try:
        seen, asked = read_history(history, requests)
        if not len(seen):
            raise DatasetError(f"{history}: holds no order; there is nothing to predict from")
    except DatasetError as error:
        raise click.ClickException(str(error)) from error
    with progress_bar() as progress:
        predicted = predict_orders(seen, asked, top=top, seed=seed, progress=progress)
    try:
        write_atomic(out, predicted.to_csv())
    except OSError as error:
        raise click.ClickException(f"{out}: cannot be written ({error})") from error
    click.echo(f"{len(predicted.customers)} customers answered; {predicted.fitted.why}.", err=True)
