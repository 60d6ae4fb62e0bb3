"""Who gives a command."""

from __future__ import annotations

import getpass


def who_commands() -> str:
    """The user of the command, as the record of changes names them."""
    return f"command:{getpass.getuser()}"
