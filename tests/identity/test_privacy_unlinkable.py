"""Two tenants' templates of one person cannot be linked; a stolen file opens nothing.

D_sys is the global linkability measure of Gomez-Barrero, Galbally, Rathgeb and Busch, "General framework to
evaluate unlinkability in biometric template protection systems" (IEEE TIFS 2018): 0 is unlinkable, 1 is linkable.
"""

from __future__ import annotations

import secrets
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from identity.errors import KeyFileDamaged, SealBroken
from identity.store.customers import CustomerStore
from identity.vault import vault
from identity.vault.keyfile import KeyFile
from identity.vault.vault import Holder, Vault
from plumbing.storage.sqlite import SQLiteDatabase
from tests.identity.halves import World

SIZE, PEOPLE = 128, 300


def linkability(mated: np.ndarray, others: np.ndarray, bins: int = 20) -> float:
    """D_sys of two samples of scores, by histograms over their common range; equal priors."""
    edges = np.histogram_bin_edges(np.concatenate([mated, others]), bins)
    same, different = (np.histogram(scores, edges)[0] / len(scores) for scores in (mated, others))
    ratio = np.divide(same, different, out=np.full(bins, np.inf), where=different > 0)
    local = np.where(ratio > 1, 2 * (1 - 1 / (1 + np.where(np.isinf(ratio), 1e12, ratio))) - 1, 0.0)
    return float((local * same).sum())


def templates(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The same people enrolled at two tenants, in other pictures: cosines of one person around .8."""
    people = rng.normal(size=(PEOPLE, SIZE))
    taken = (people + 0.5 * rng.normal(size=people.shape) for _ in range(2))
    north, south = (t / np.linalg.norm(t, axis=1, keepdims=True) for t in taken)
    return north.astype(np.float32), south.astype(np.float32)


def scores(north: np.ndarray, south: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    table = north @ south.T
    same = np.eye(PEOPLE, dtype=bool)
    return table[same], table[~same]


def null_of(table: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """D_sys with shuffled identities: what chance alone gives."""
    found = []
    for _ in range(200):
        order = rng.permutation(PEOPLE)
        same = np.zeros_like(table, dtype=bool)
        same[np.arange(PEOPLE), order] = True
        found.append(linkability(table[same], table[~same]))
    return np.array(found)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_two_tenants_templates_of_one_person_are_as_unlinkable_as_chance(seed: int) -> None:
    rng = np.random.default_rng(seed)
    north, south = templates(rng)
    ours = north @ vault.rotation(b"s" * 32, b"north", bytes([seed]) * 32, SIZE).T
    theirs = south @ vault.rotation(b"s" * 32, b"south", bytes([seed]) * 32, SIZE).T

    measured = linkability(*scores(ours, theirs))

    chance = null_of(ours @ theirs.T, rng)
    assert chance.min() <= measured <= np.quantile(chance, 0.995)
    assert linkability(*scores(north, south)) > 0.95  # the same measure sees what is linkable


def test_renewed_templates_are_unlinkable_to_the_old_ones() -> None:
    rng = np.random.default_rng(4)
    north, again = templates(rng)
    old = north @ vault.rotation(b"s" * 32, b"north", b"old " * 8, SIZE).T
    new = again @ vault.rotation(b"s" * 32, b"north", b"new " * 8, SIZE).T

    assert linkability(*scores(old, new)) <= np.quantile(null_of(old @ new.T, rng), 0.995)


def test_a_stolen_database_opens_nothing_without_the_key_file(world: World, tmp_path: Path) -> None:
    for person in range(5):
        world.enrol(person)
    gallery = world.half.galleries.current("north")
    world.half.databases[0].scrub()
    theft = tmp_path / "theft"
    theft.mkdir()
    shutil.copy(tmp_path / "identity.db", theft)

    database = SQLiteDatabase(theft / "identity.db")
    rows = database.rows(
        "SELECT t.customer_id, c.slot, t.sealed FROM templates t JOIN customers c USING (tenant, customer_id)"
    )
    theirs = Vault(KeyFile(theft / "identity-keys", lambda: [secrets.token_bytes(32)]))
    assert CustomerStore(database, theirs).customer("north", rows[0]["customer_id"]) is not None
    for row in rows:
        # The best a thief can do is a key of their own in the same slot.
        slot, _ = theirs.keys.allocate(Holder("north", row["customer_id"], row["slot"]).owner)
        with pytest.raises(SealBroken):
            theirs.open(Holder("north", row["customer_id"], slot), "template", row["sealed"])
        # Read as numbers, the sealed bytes know as much about a template as noise does.
        noise = np.frombuffer(row["sealed"][12 : 12 + gallery.matrix.shape[1]], np.int8).astype(np.float32)
        likeness = gallery.matrix @ (noise / np.linalg.norm(noise))
        assert np.abs(likeness).max() < 0.4
    with pytest.raises(KeyFileDamaged):
        KeyFile(tmp_path / "identity-keys", lambda: [secrets.token_bytes(32)])
    database.close()
    theirs.keys.close()


def test_either_database_alone_names_no_pseudonym(world: World) -> None:
    """The recommender's dump beside identity's: they have no value in common to be joined on."""
    world.enrol(1)
    world.half.databases[0].scrub()
    customer_id = world.half.galleries.current("north").ids[0]
    assert customer_id is not None
    account = world.service.customers.accounts.find("north", customer_id)
    assert account is not None

    with sqlite3.connect(world.home / "identity.db") as raw:
        dump = "\n".join(raw.iterdump())
    raw.close()

    assert account.links.pseudonym not in dump
    assert account.row.customer_id in dump
