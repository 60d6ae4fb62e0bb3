"""`usual images add|list|remove`: the pictures of dishes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from plumbing.cli import EXISTING_FILE
from recommender.cli.commands import common, opened

if TYPE_CHECKING:  # the rest is imported by the command that needs it: --help stays quick
    from pathlib import Path

    from recommender.config import RecommenderConfig


@click.command("add")
@click.argument("file", type=EXISTING_FILE)
@click.argument("item")
@common
def add(config: RecommenderConfig, tenant: str, file: Path, item: str) -> None:
    """Give the dish ITEM the picture of FILE: a JPEG, PNG or WebP file of at most 20 MiB.

    It is made small for screens, turned upright, and freed of all that a camera wrote into it.
    """
    from plumbing.pictures.convert import check_bytes, made_small

    with opened(config) as stores:
        stores.catalogue.get(tenant, "item", item)
        check_bytes(file.stat().st_size)
        files = made_small(file.read_bytes())
        stores.catalogue.set_image(tenant, item, files)
    sizes = ", ".join(f"{width} x {height}" for (width, height), _ in files)
    click.echo(f"{item} has a picture: {sizes}, {sum(len(content) for _, content in files)} bytes.")


@click.command("list")
@common
def list_images(config: RecommenderConfig, tenant: str) -> None:
    """The pictures that are kept, and the dishes that show them."""
    with opened(config) as stores:
        found = stores.images.all(tenant)
    for image in found:
        click.echo(f"{image.name}  {image.size} bytes  {', '.join(image.items)}")
    if not found:
        click.echo(f"{tenant} has no pictures.")


@click.command("remove")
@click.argument("item")
@common
def remove(config: RecommenderConfig, tenant: str, item: str) -> None:
    """Take the picture of the dish ITEM away; it is deleted when no other dish shows it."""
    with opened(config) as stores:
        stores.catalogue.set_image(tenant, item, None)
    click.echo(f"{item} has no picture now.")
