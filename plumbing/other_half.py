"""Whether the other half has the same keys of tokens, as two processes: asked at a start and by `usual doctor`."""

from __future__ import annotations

import http.client
from collections.abc import Iterator, Sequence
from urllib.parse import urlencode

from plumbing.access.token_keys import TokenKeys
from plumbing.clock import system_clock
from plumbing.doctor.finding import Finding, remark, well, wrong
from plumbing.handover import HEARTBEATS, KEYS_DIFFER, OPT_OUTS, UNSIGNED, Refused, call
from plumbing.peers import new_challenge, sign
from plumbing.settings import Config

WITHIN_S = 1.0


def address_of(config: Config) -> str | None:
    """Where the other half answers, as the settings say; None in a process that serves both."""
    return {"identity": config.recommender_url, "recommender": config.identity_url}.get(config.only or "")


def keys_agree(config: Config, token_keys: Sequence[bytes]) -> bool | None:
    """Whether the other half takes what is signed here; None while it does not answer, or has no address."""
    url, asks = address_of(config), new_challenge()
    if url is None:
        return None
    try:
        if config.only == "identity":
            said = {"challenge": "", "asks": asks, "entries": ""}
            body = said | {"signature": sign(token_keys, "heartbeat", said)}
            call(url, "POST", HEARTBEATS, body=body, within_s=WITHIN_S)
        else:
            query = {"challenge": asks, "have": " ", "signature": sign(token_keys, "pull", asks, " ")}
            call(url, "GET", f"{OPT_OUTS}?{urlencode(query)}", within_s=WITHIN_S)
    except Refused as error:
        return False if error.status == UNSIGNED else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    return True


def look(config: Config) -> Iterator[Finding]:
    """What `usual doctor` says of the other half."""
    if config.only is None:
        return
    other = "recommender" if config.only == "identity" else "identity"
    setting = "recommender_url" if config.only == "identity" else "identity_url"
    if address_of(config) is None:
        yield wrong(other, "nobody says where it answers", f"Set `{setting}`, as README.md says.")
        return
    if config.only == "identity" and not config.recommender_key:
        yield wrong(other, "opt-outs cannot be handed over", "Set `recommender_key` to a key of scope `privacy`.")
    agree = keys_agree(config, TokenKeys(config.home, system_clock))
    if agree is None:
        yield remark(other, f"does not answer at {address_of(config)}", f"Start it, or look at `{setting}`.")
    elif agree:
        yield well(other, "answers, with the same token.key")
    else:
        sentence, _, mend = KEYS_DIFFER.partition(". ")
        yield wrong(other, sentence, mend)
