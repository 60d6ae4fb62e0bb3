"""Objects whose references are not counted any more, so that processes which part from this one share them.

Counting a reference writes to the object. A process that shares its memory with another one gets its own copy of a
page of memory as soon as either writes to it, so in time each would have its own copy of nearly everything. Python
counts no references to objects that are immortal, such as None (PEP 683); it has no function that makes others so.
"""

from __future__ import annotations

import ctypes
import gc

import numpy as np

COUNT = ctypes.c_uint32  # the part of an object's head that says whether it is immortal


def share_all() -> bool:
    """Count no references to what is there now; it stays as long as this process. False: this Python cannot."""
    held = gc.get_objects()  # without texts, numbers and code: those are what others of them refer to
    return stop_counting((*held, *gc.get_referents(*held)))


def stop_counting(objects: tuple[object, ...]) -> bool:
    """Count no references to `objects`; one may be there twice. False: this Python cannot, and nothing changed."""
    if not _can_stop():
        return False
    inside = id(objects) + tuple.__basicsize__  # asking each for its id takes .2 s of a start
    at = np.frombuffer((ctypes.c_int64 * len(objects)).from_address(inside), np.int64)
    if [int(at[0]), int(at[-1])] != [id(objects[0]), id(objects[-1])]:
        return False
    first, last = int(np.min(at)), int(np.max(at))
    heads = np.frombuffer((COUNT * ((last - first) // 4 + 1)).from_address(first), np.uint32)
    heads[(at - first) // 4] = _count_of(None)
    return True


def _count_of(one: object) -> int:
    return COUNT.from_address(id(one)).value


def _can_stop() -> bool:
    """Whether an object's count is where it is looked for, and stands still when it is that of None; by trying."""
    probe = object()
    before, several = _count_of(probe), [probe] * 9
    if _count_of(probe) != before + len(several):
        return False
    COUNT.from_address(id(probe)).value = stands = _count_of(None)
    del several
    return _count_of(probe) == stands
