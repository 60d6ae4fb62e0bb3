"""Objects whose references are not counted: processes that part from this one share them."""

from __future__ import annotations

import gc
import sys
from types import SimpleNamespace

import pytest

from plumbing.serving import uncounted

pytestmark = pytest.mark.skipif(sys.version_info < (3, 12), reason="no object is immortal before Python 3.12")


class Counted:
    """An object of this test."""


def test_references_to_what_is_shared_are_not_counted() -> None:
    shared, other = Counted(), Counted()
    assert uncounted.stop_counting((shared,))

    before = sys.getrefcount(shared), sys.getrefcount(other)
    several = [(shared, other)] * 3 + [shared, other]

    assert sys.getrefcount(shared) == before[0]
    assert sys.getrefcount(other) == before[1] + 2
    del several
    assert sys.getrefcount(shared) == before[0]


def test_what_is_shared_can_be_changed_and_is_never_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []
    monkeypatch.setattr(Counted, "__del__", lambda one: ended.append(one.name), raising=False)
    shared, other = Counted(), Counted()
    shared.name, other.name = "shared", "other"  # type: ignore[attr-defined]
    uncounted.stop_counting((shared,))

    del shared, other

    assert ended == ["other"]


def test_nothing_is_changed_where_python_counts_in_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uncounted, "_count_of", lambda one: 7)
    one = Counted()
    before = sys.getrefcount(one)

    assert not uncounted.stop_counting((one,))

    assert sys.getrefcount(one) == before


def test_functions_are_shared_with_their_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def function() -> None:
        """Of this test."""

    one = SimpleNamespace(get_objects=lambda: [function], get_referents=gc.get_referents)
    monkeypatch.setattr(uncounted, "gc", one)
    assert uncounted.share_all()

    before = sys.getrefcount(function.__code__), sys.getrefcount(function)
    several = [function.__code__, function] * 3

    assert (sys.getrefcount(function.__code__), sys.getrefcount(function)) == before
    del several
