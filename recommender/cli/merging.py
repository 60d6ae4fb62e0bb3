"""`usual items|places merge|unmerge|former`: ids that changed, and what left the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from recommender.cli.commands import common, opened

if TYPE_CHECKING:  # the rest is imported by the command that needs it: --help stays quick
    from recommender.config import RecommenderConfig
    from recommender.scene import Kind


def _merge_of(kind: Kind) -> click.Command:
    @click.command("merge", help=f"OLD is an earlier id of the {kind} NEW. Both count as one from now on.")
    @click.argument("old")
    @click.argument("new")
    @common
    def merge(config: RecommenderConfig, tenant: str, old: str, new: str) -> None:
        with opened(config) as stores:
            stores.catalogue.merge(tenant, kind, old, new)
        click.echo(f"{old} counts as {new} now; `usual {kind}s unmerge {old}` takes it back.")

    return merge


def _unmerge_of(kind: Kind) -> click.Command:
    @click.command("unmerge", help=f"Take a merge back: the {kind} OLD stands for itself again.")
    @click.argument("old")
    @common
    def unmerge(config: RecommenderConfig, tenant: str, old: str) -> None:
        with opened(config) as stores:
            one = stores.catalogue.unmerge(tenant, kind, old)
        click.echo(f"{old} does not count as {one.merged_into} any more.")

    return unmerge


def _former_of(kind: Kind) -> click.Command:
    @click.command("former", help=f"The {kind}s that were deleted, and earlier ids of {kind}s.")
    @common
    def former(config: RecommenderConfig, tenant: str) -> None:
        with opened(config) as stores:
            found = stores.catalogue.former(tenant, kind)
        for one in found:
            what = f"counts as {one.merged_into}" if one.merged_into else "deleted"
            click.echo(f"{one.item_id}  {one.name}  {what}")
        if not found:
            click.echo(f"{tenant} has none.")

    return former


merge_items, unmerge_items, former_items = _merge_of("item"), _unmerge_of("item"), _former_of("item")
merge_places, unmerge_places, former_places = _merge_of("place"), _unmerge_of("place"), _former_of("place")
