"""OpenID Connect: a provider of the house signs people in (authorization code with PKCE).

Nothing here is imported where no provider is set up. What it calls: the provider's description, its keys and its
token address; all of them at the host of the issuer or at one that the operator has named. Redirects and proxies
of the environment are not followed. An ID token counts when its signature is by a key of the provider, and issuer,
audience, nonce, and times (with a minute of skew) are right.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from urllib3.exceptions import HTTPError

from plumbing.clock import HOUR, MINUTE, SECOND, Clock
from plumbing.people.provider_errors import ProviderAway, ProviderRefused
from plumbing.settings import Config, WrongSetting

SCOPE = "openid email profile"
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures with a key pair alone: "none" and shared secrets are refused."""

SKEW_S = 60
PATIENCE_S = (3.0, 5.0)
"""For a connection, and for an answer: somebody waits in front of the page."""

MOST_BYTES = 512 * 1024
DESCRIBED_US = HOUR
KEYS_AGAIN_US = MINUTE
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that has begun: where the browser goes, and what it has to bring back or we have to know then."""

    address: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Known:
    """Whom the provider has signed in. `roles` None: it says nothing about roles."""

    issuer: str
    subject: str
    email: str
    roles: tuple[str, ...] | None


class Provider:
    """The provider of an installation. Safe with threads."""

    def __init__(self, config: Config, now_us: Clock) -> None:
        """Raises WrongSetting: an issuer without TLS that is another machine, no client id, no secret file."""
        issuer = config.oidc_issuer or ""
        if urlsplit(issuer).scheme != "https" and urlsplit(issuer).hostname not in LOCAL:
            raise WrongSetting("USUAL_OIDC_ISSUER: an address that begins with https://.")
        if not config.oidc_client_id:
            raise WrongSetting("USUAL_OIDC_CLIENT_ID: the provider has given one for this installation.")
        self.issuer = issuer.rstrip("/")
        self.name = config.oidc_name or urlsplit(issuer).hostname or issuer
        self._client = config.oidc_client_id
        self._secret = _secret_of(config)
        self._domains = frozenset(_words(config.oidc_domains))
        self._roles_claim = config.oidc_roles_claim
        self._hosts = {urlsplit(issuer).netloc.lower(), *_words(config.oidc_hosts)}
        self._now_us = now_us
        self._lock = threading.Lock()
        self._described: tuple[int, Mapping[str, Any]] | None = None
        self._keys: tuple[int, KeySet] | None = None

    def begin(self, back_to: str) -> Begun:
        """Where to send the browser; it comes back to `back_to`. Raises ProviderAway."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        with self._session(back_to) as session:
            address, _ = session.create_authorization_url(
                self._endpoint("authorization_endpoint"), state=state, nonce=nonce, code_verifier=verifier
            )
        return Begun(address, state, nonce, verifier)

    def finish(self, code: str, begun: Begun, back_to: str) -> Known:
        """Whom the provider has signed in, for the `code` that the browser brought.

        Raises:
            ProviderAway: it does not answer. ProviderRefused: it refuses the code, or its token is not good, or
            the e-mail address belongs to none of the domains that may sign in.
        """
        with _named_errors(), self._session(back_to) as session:
            token = session.fetch_token(
                self._endpoint("token_endpoint"),
                code=code,
                code_verifier=begun.verifier,
                timeout=PATIENCE_S,
                allow_redirects=False,
            )
            claims = self._checked(str(token.get("id_token", "")), begun.nonce, str(token.get("access_token", "")))
        return self._known(claims)

    def ends_at(self, back_to: str) -> str:
        """Where a browser ends its session with the provider, and from where it comes back to `back_to`; empty
        where the provider has no such page, or does not answer: signing out here does not wait for it.

        No token of the person is sent along, because none is kept: a provider may ask whether they mean it.
        """
        try:
            if "end_session_endpoint" not in self._description():
                return ""
            address = self._endpoint("end_session_endpoint")
        except (ProviderAway, ProviderRefused):
            return ""
        asked = {"client_id": self._client, "post_logout_redirect_uri": back_to}
        return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}"

    # --- the token

    def _checked(self, id_token: str, nonce: str, access_token: str) -> Mapping[str, Any]:
        try:
            read = jwt.decode(id_token, self._key_set(), algorithms=ALGORITHMS)
        except (JoseError, ValueError):  # perhaps by a key that is new since
            read = jwt.decode(id_token, self._key_set(again=True), algorithms=ALGORITHMS)
        issuer = self._description()["issuer"]
        claims = CodeIDToken(
            read.claims,
            read.header,
            {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": self._client}},
            {"nonce": nonce, "client_id": self._client, "access_token": access_token},
        )
        claims.validate(now=self._now_us() // SECOND, leeway=SKEW_S)
        if claims.get("nonce") != nonce or not claims.get("sub"):
            raise ProviderRefused
        found: Mapping[str, Any] = claims
        return found

    def _known(self, claims: Mapping[str, Any]) -> Known:
        email = str(claims.get("email") or "") if claims.get("email_verified", True) else ""
        if self._domains and email.rpartition("@")[2].lower() not in self._domains:
            raise ProviderRefused("Your e-mail address belongs to none of the domains that may sign in here.")
        said = claims.get(self._roles_claim) if self._roles_claim else None
        roles = None
        if self._roles_claim:
            roles = tuple(str(one) for one in (said if isinstance(said, list) else str(said or "").split()))
        return Known(self.issuer, str(claims["sub"]), email, roles)

    # --- what the provider says of itself

    def _description(self) -> Mapping[str, Any]:
        now = self._now_us()
        with self._lock:
            if self._described is None or not 0 <= now - self._described[0] < DESCRIBED_US:
                found = self._fetched(f"{self.issuer}/.well-known/openid-configuration")
                if str(found.get("issuer", "")).rstrip("/") != self.issuer:
                    raise ProviderRefused("The description of the sign-in service is that of another one.")
                self._described = (now, found)
            return self._described[1]

    def _endpoint(self, name: str) -> str:
        address = str(self._description().get(name, ""))
        self._require_ours(address)
        return address

    def _key_set(self, *, again: bool = False) -> KeySet:
        now = self._now_us()
        age = KEYS_AGAIN_US if again else DESCRIBED_US
        if self._keys is None or not 0 <= now - self._keys[0] < age:
            self._keys = (now, KeySet.import_key_set(dict(self._fetched(self._endpoint("jwks_uri")))))  # type: ignore[arg-type]  # its own TypedDict
        return self._keys[1]

    def _require_ours(self, address: str) -> None:
        """Raises ProviderRefused: an address at a host that nobody named."""
        parts = urlsplit(address)
        if parts.netloc.lower() not in self._hosts or parts.scheme not in ("https", "http"):
            raise ProviderRefused(
                "The sign-in service names an address at another host; USUAL_OIDC_HOSTS allows it."
            )
        if parts.scheme == "http" and parts.hostname not in LOCAL:
            raise ProviderRefused("The sign-in service names an address without TLS.")

    def _fetched(self, address: str) -> Mapping[str, Any]:
        self._require_ours(address)
        with _named_errors(), requests.Session() as session:
            session.trust_env = False
            with session.get(address, timeout=PATIENCE_S, allow_redirects=False, stream=True) as reply:
                content = reply.raw.read(MOST_BYTES + 1, decode_content=True)
            if reply.status_code != 200 or len(content) > MOST_BYTES:
                raise ProviderAway
            found = json.loads(content)
            if not isinstance(found, dict):
                raise ProviderAway
            return found

    @contextmanager
    def _session(self, back_to: str) -> Iterator[OAuth2Session]:
        session = OAuth2Session(
            self._client,
            self._secret or None,
            scope=SCOPE,
            redirect_uri=back_to,
            code_challenge_method="S256",
            token_endpoint_auth_method="client_secret_basic" if self._secret else "none",
        )
        session.trust_env = False
        session.max_redirects = 0
        try:
            yield session
        finally:
            session.close()


@contextmanager
def _named_errors() -> Iterator[None]:
    """A provider that does not answer, and one that refuses."""
    try:
        yield
    except (requests.ConnectionError, requests.Timeout, HTTPError) as error:  # the last: in the middle of a reply
        raise ProviderAway from error
    except (requests.RequestException, AuthlibBaseError, JoseError, ValueError, KeyError, TypeError) as error:
        raise ProviderRefused from error


def _secret_of(config: Config) -> str:
    if config.oidc_client_secret_file is None:
        return config.oidc_client_secret or ""
    with suppress(OSError):
        return config.oidc_client_secret_file.read_text("utf-8").strip()
    raise WrongSetting("USUAL_OIDC_CLIENT_SECRET_FILE: a file that can be read.")


def _words(text: str | None) -> list[str]:
    return [word.strip().lower() for word in (text or "").split(",") if word.strip()]
