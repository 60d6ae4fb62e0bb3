"""The customers of a gallery's rows, as bytes side by side."""

from __future__ import annotations

import numpy as np
import pytest

from identity.matching.names import Names


def test_rows_are_put_freed_and_chosen_and_what_was_before_stays() -> None:
    before = Names().put(np.array([0, 1, 2]), ["anna", "berta", "clara"])
    after = before.without(np.array([1])).put(np.array([1, 4]), ["dora", "é" * 20])

    assert before == ["anna", "berta", "clara"]
    assert after == ["anna", "dora", "clara", None, "é" * 20]
    assert after.only(np.array([4, 0])) == ["é" * 20, "anna"]
    assert (after.index("clara"), "dora" in after, "berta" in after, None in after) == (2, True, False, False)
    for nobody in ("berta", "", None):
        with pytest.raises(ValueError, match="not in the gallery"):
            after.index(nobody)


def test_an_id_takes_its_bytes_and_nothing_beside_them() -> None:
    names = Names().put(np.arange(1_000), [f"{n:032x}" for n in range(1_000)])

    assert names._ids.nbytes == 32_000
    assert names[999] == f"{999:032x}"
