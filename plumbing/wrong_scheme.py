"""A client speaks TLS to a port that does not, or the other way round: a sentence in place of OpenSSL's words."""

from __future__ import annotations

import http.client
import ssl

NOT_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "UNKNOWN_PROTOCOL")
"""OpenSSL's reasons when what comes back is no TLS."""
ALERT = "\x15\x03"
"""How a server begins that answers a request in the clear in TLS."""


def in_words(error: BaseException, scheme: str) -> str:
    """What is likely wrong with the address of a server that could not be asked over `scheme`; "" for nothing."""
    if isinstance(error, ssl.SSLError) and error.reason in NOT_TLS:
        return "what answers there speaks no TLS: is it another port, or an http:// address?"
    closed = isinstance(error, ConnectionResetError)  # RemoteDisconnected is one
    if scheme == "http" and (
        closed or (isinstance(error, http.client.BadStatusLine) and ALERT in str(error.args[0]))
    ):
        return "the connection was closed at once: does that port speak TLS (https://)?"
    return ""
