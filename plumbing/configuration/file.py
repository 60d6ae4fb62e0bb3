"""`usual.toml`: the settings in one file. What it says is added to the environment, which wins."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from pydantic import ValidationError

from plumbing.sentence import ended
from plumbing.settings import PREFIX, Config, WrongSetting, wrong_in

FILE = Path("usual.toml")
VARIABLE = "USUAL_CONFIG"
"""Names another file; without it FILE in the working folder is read, if it is there."""

KEYS = tuple(Config.model_fields)
OTHERS = ("config", "shared", "edge_home")
"""Variables that are no settings: the file itself, the evaluation data, the folder of `usual edge run`."""

PATHS = frozenset(
    name for name, about in Config.model_fields.items() if Path in (about.annotation, *get_args(about.annotation))
)
ALIKE = 0.8  # of 1: how alike a wrong name must be to one that is known, to be called a slip


@dataclass(frozen=True, slots=True)
class Found:
    """What a settings file says: text for each key, as a variable would have it; and what cannot be."""

    path: Path | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    wrong: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What the file is called in a sentence."""
        return str(self.path) if self.path else "no settings file"


def find(environment: Mapping[str, str]) -> Found:
    """Read the settings file that counts, if there is one."""
    named = environment.get(VARIABLE)
    path = Path(named) if named else FILE
    if not named and not path.exists():
        return Found()
    try:
        if path.stat().st_mode & 0o002:
            return Found(path, wrong=(f"{path}: everybody may write to it. Close it: chmod o-w {path}",))
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        return Found(path, wrong=(f"{path} cannot be read: {error.strerror}",))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return Found(path, wrong=(f"{path} is no TOML: {error}",))
    values: dict[str, str] = {}
    wrong: list[str] = []
    for key, value in content.items():
        if key not in KEYS:
            near = nearest(key)
            wrong.append(f"{path}: there is no setting {key!r}" + (f"; {near} was meant?" if near else ""))
        elif (text := _text(key, value, path.parent)) is None:
            wrong.append(f"{path}: {key} is a text, a number, true or false, or a list of texts")
        else:
            values[key] = text
    return Found(path, values, tuple(wrong))


def apply(environment: MutableMapping[str, str]) -> Found:
    """Add what the settings file says to `environment`, where it says nothing itself.

    Raises WrongSetting: the file, or a variable, says something that cannot be; every such thing is named.
    """
    found = find(environment)
    wrong = wrong_settings(found, environment)
    if wrong:
        raise WrongSetting(f"{' '.join(map(ended, wrong))} docs/settings.md lists what each setting may be.")
    for key, text in found.values.items():
        name = variable(key)
        if not environment.get(name):
            environment[name] = text
    return found


def wrong_settings(found: Found, environment: Mapping[str, str]) -> list[str]:
    """Every wrong thing of the file and of the environment together, a sentence without its full stop for each."""
    wrong = [*found.wrong, *slips(environment)]
    try:
        Config.model_validate({**found.values, **given(environment)})
    except ValidationError as error:
        wrong += [f"{origin(name, found, environment)}: {why}" for name, why in wrong_in(error)]
    return wrong


def origin(key: str, found: Found, environment: Mapping[str, str]) -> str:
    """The name under which a setting was given: its variable, or the file and its key."""
    return variable(key) if environment.get(variable(key)) or key not in found.values else f"{found.name}, {key}"


def given(environment: Mapping[str, str]) -> dict[str, str]:
    """The settings of the environment alone."""
    return {key: text for key in KEYS if (text := environment.get(variable(key)))}


def slips(environment: Iterable[str]) -> list[str]:
    """Variables that are no setting, but nearly one. Others may be somebody else's (`USUAL_SERVICE_HOST`)."""
    found = sorted(name.removeprefix(PREFIX).lower() for name in environment if name.startswith(PREFIX))
    unknown = [name for name in found if name not in KEYS and name not in OTHERS]
    return [
        f"there is no variable {variable(name)}; {variable(near)} was meant?"
        for name in unknown
        if (near := nearest(name))
    ]


def nearest(name: str) -> str:
    """The setting that was probably meant; nothing where none is alike."""
    return next(iter(difflib.get_close_matches(name.lower(), KEYS, n=1, cutoff=ALIKE)), "")


def variable(key: str) -> str:
    """The variable of the environment for a setting."""
    return PREFIX + key.upper()


def _text(key: str, value: object, folder: Path) -> str | None:
    """The value as a variable would have it; None if it is of no kind that a setting has. Folders and files that
    are not absolute begin at the folder of the settings file."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ",".join(value)
    if not isinstance(value, str):
        return None
    return os.path.normpath(folder.absolute() / value) if key in PATHS and value else value
