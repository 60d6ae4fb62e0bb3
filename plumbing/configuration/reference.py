"""`docs/settings.md`, written from the code: every setting with its meaning, default and what it may be."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from plumbing.configuration.file import FILE, KEYS, VARIABLE, variable
from plumbing.settings import Config

HEAD = f"""# Settings

Written by `scripts/settings_reference.py` from `plumbing/settings.py`; a test compares the two.

Each setting is a key of `{FILE}` and a variable of the environment, which wins over the file; an option of a
command wins over both. The file is `{FILE}` in the working folder, or the one that `{VARIABLE}` names. Paths in it
begin at its own folder. A key that does not exist, and a value that cannot be, stop every command with a sentence.
A file to which everybody may write is refused.

```toml
home = "/var/lib/usual"
listen = "127.0.0.1:8000"
organisation = "Market Grill Ltd"
contact = "privacy@grill.example"
retention_months = 6
image_hosts = ["img.grill.example"]
```

`usual config show` says where each value comes from (secrets are masked), `usual config check` names everything
that is wrong at once, `usual doctor` looks at the machine around it.

| key | variable | meaning | default | may be |
|---|---|---|---|---|
"""


WORDS = {"int": "whole number", "float": "number", "Path": "path"}
BOUNDS = {"ge": "at least {:,}", "gt": "above {:,}", "le": "at most {:,}", "max_length": "at most {:,} characters"}


def is_secret(about: FieldInfo) -> bool:
    """Whether a value is never shown."""
    return about.repr is False


def page() -> str:
    """The whole page."""
    return HEAD + "".join(_row(key) for key in KEYS)


def _row(key: str) -> str:
    about = Config.model_fields[key]
    meaning = " ".join((about.description or "").split())
    default = "none" if about.default in (None, PydanticUndefined) else f"`{_short(about.default)}`"
    allowed = "; ".join(_allowed(about)) + ("; secret" if is_secret(about) else "")
    return f"| `{key}` | `{variable(key)}` | {meaning} | {default} | {allowed} |\n"


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _allowed(about: FieldInfo) -> Iterator[str]:
    kind = about.annotation
    if get_origin(kind) in (Union, types.UnionType):
        kind = next(one for one in get_args(kind) if one is not type(None))
    if get_origin(kind) is Literal:
        yield ", ".join(f"`{value}`" for value in get_args(kind))
    else:
        yield WORDS.get(str(getattr(kind, "__name__", "")), "text")
    for bound, words in BOUNDS.items():
        for rule in about.metadata:
            if hasattr(rule, bound):
                yield words.format(getattr(rule, bound))
