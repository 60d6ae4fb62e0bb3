"""`usual keys rotate vectors`: another key for devices to seal vectors to."""

from __future__ import annotations

from pathlib import Path

import click

from identity.device_vectors.seal_keys import OVERLAP_US, SealKeys
from identity.vault.keyfile import KeyFile, master_keys
from plumbing.cli import errors_as_one_line, home_option, state_of, tenant_option
from plumbing.clock import MINUTE, system_clock
from plumbing.problem import Problem


@click.command()
@home_option
@tenant_option
def rotate(home: Path, tenant: str) -> None:
    """Let the devices of a tenant seal vectors to a new key, from their next press on.

    The key before stays valid for an hour; then it is destroyed.
    """
    with errors_as_one_line(Problem, OSError):
        state = state_of(home)
        files = state.files("identity-keys", keys=True)
        keys = KeyFile(files.place("identity-keys"), lambda: master_keys(home / "master.key"))
        try:
            fresh = SealKeys.of(state, keys, system_clock).rotate(tenant)
        finally:
            keys.close()
            files.close()
    click.echo(f"{fresh.key_id.hex()} is the key now; the one before is valid for {OVERLAP_US // MINUTE} minutes.")
