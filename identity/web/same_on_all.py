"""What all machines of an installation have alike: without it one would not open what another sealed."""

from __future__ import annotations

from pathlib import Path

from identity.consent.receipts import ReceiptKeys
from identity.vault.keyfile import master_keys
from identity.vault.vault import Vault
from plumbing.storage import machines
from plumbing.storage.state import State

SHARE = "set USUAL_KEYS_DATABASE on all of them, so that they share the keys of customers"


def secrets(state: State, master: Path) -> None:
    """The secrets in files. Raises SecretDiffers."""
    papers = ReceiptKeys.of(state)
    in_files = state.keys_url is None and not papers.remark()
    signing = papers.all_public() if in_files else {}
    found = {f"receipt-key {tenant}": [key.encode() for key in keys] for tenant, keys in signing.items()}
    machines.require_same(state, "identity", found | {"master.key": master_keys(master)})


def keys(state: State, vault: Vault) -> None:
    """The key file, where it is one of the home. On a machine with another one every customer would seem to have
    left. Raises SecretDiffers."""
    if state.keys_url is None:
        found = {"identity-keys": [vault.keys.derive("the same on all machines")]}
        machines.require_same(state, "identity", found, mend=SHARE)
