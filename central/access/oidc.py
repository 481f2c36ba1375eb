"""OpenID Connect: a client of an agency's own sign-on, by authorization code with PKCE.

    question = Question.of(secret)                  # the secret stays in the browser, in a cookie
    address = provider.address(question)            # the browser is sent there, and comes back
    identity = provider.identity(question, query)   # who it is, by the provider's signed word

What is asked is made of the cookie by HMAC: nothing is kept between the two, and an answer is good
in the browser that asked, and in no other.
"""

import hashlib
import hmac
import json
import math
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from central.access.accounts import Identity
from central.addresses import is_safe
from central.errors import SignOnAway, SignOnRefused

DISCOVERY = "/.well-known/openid-configuration"
RETURN = "/sign-in/agency/return"
"""The page that the provider sends browsers back to."""
SCOPE = "openid"
"""Who it is, and no more: neither name nor mail binds anybody to an account here."""
ALGORITHMS = ("RS256", "PS256", "ES256", "RS384", "PS384", "ES384", "RS512", "PS512", "Ed25519")
"""By a key that the provider alone holds: by `none` or a shared secret it is anybody's word."""
LEEWAY_S = 60
"""So far the provider's clock may be from ours."""
KNOWN_FOR_S = 3600.0
"""What the provider says of itself is asked for again after that, and its keys when one is new."""
AWAY_FOR_S = 15.0
"""So long it is taken for away after it could not be asked what it says of itself."""
TIMEOUT_S = 10.0
_LARGEST = 256 * 1024
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True)
class Question:
    """What one browser asks the provider once."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def of(cls, secret: str) -> "Question":
        """Raises `SignOnRefused` where there is none."""
        if not secret:
            raise SignOnRefused("begun", "this browser has asked nothing, or too long ago")

        def made(use: str) -> str:
            return hmac.new(
                secret.encode(), f"gjurma oidc {use}".encode(), hashlib.sha256
            ).hexdigest()

        return cls(made("state"), made("nonce"), made("verifier"))


@dataclass(frozen=True)
class Client:
    """As whom the provider knows this register. `ca`: by whose certificates it is known, where that
    is not everybody's."""

    issuer: str
    id: str
    secret: str = field(repr=False)
    returns_to: str
    ca: Path | None = None


class Provider:
    """One agency's sign-on. Its keys and addresses are asked for when they are first needed."""

    def __init__(self, client: Client, clock: Callable[[], float] = time.monotonic) -> None:
        self.client = client
        self._clock = clock
        self._tls = ssl.create_default_context(cafile=client.ca)
        self._lock = threading.Lock()
        self._metadata: Mapping[str, Any] = {}
        self._keys: KeySet | None = None
        self._known_until = self._away_until = -math.inf
        self._away: SignOnAway | None = None

    def address(self, question: Question) -> str:
        """Where the browser is sent. Raises `SignOnAway`."""
        client = self.client
        address: str = prepare_grant_uri(
            self._discovered()["authorization_endpoint"],
            client.id,
            "code",
            redirect_uri=client.returns_to,
            scope=SCOPE,
            state=question.state,
            nonce=question.nonce,
            code_challenge=create_s256_code_challenge(question.verifier),
            code_challenge_method="S256",
        )
        return address

    def identity(self, question: Question, answer: Mapping[str, str]) -> Identity:
        """Whom the provider's answer names. Raises `SignOnRefused`, with why, or `SignOnAway`."""
        if not hmac.compare_digest(answer.get("state", "").encode(), question.state.encode()):
            raise SignOnRefused("state", "the answer is to no question of this browser")
        if answer.get("iss", self.client.issuer) != self.client.issuer:  # RFC 9207
            raise SignOnRefused("state", f"the answer is of {answer['iss'][:200]!r}")
        if "error" in answer or not answer.get("code"):
            told = answer.get("error_description") or answer.get("error") or "no code"
            raise SignOnRefused("declined", f"the provider says: {told[:200]!r}")
        return self._told(question, self._exchanged(question, answer["code"]))

    def _exchanged(self, question: Question, code: str) -> Mapping[str, Any]:
        """The tokens that the code is good for, once."""
        metadata, client = self._discovered(), self.client
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": client.returns_to,
            "code_verifier": question.verifier,
        }
        auth = httpx.Auth()
        methods = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if "client_secret_basic" in methods:
            # Both are encoded as in a form before they go into the header (RFC 6749, 2.3.1).
            auth = httpx.BasicAuth(quote(client.id, safe=""), quote(client.secret, safe=""))
        else:
            form |= {"client_id": client.id, "client_secret": client.secret}
        address = metadata["token_endpoint"]
        status, body = self._asked("POST", address, data=form, auth=auth)
        if status >= 500:
            raise SignOnAway(f"{address}: {status}")
        told = _object(address, body)
        if status != 200 or not isinstance(told.get("id_token"), str):
            why = str(told.get("error", status))
            raise SignOnRefused("code", f"the provider gives nothing for the code: {why[:200]!r}")
        return told

    def _told(self, question: Question, tokens: Mapping[str, Any]) -> Identity:
        """By the ID token: whose signature, for whom, when, and in answer to what."""
        client = self.client
        try:
            token = self._decoded(tokens["id_token"])
            claims = CodeIDToken(
                token.claims,
                token.header,
                {
                    "iss": {"essential": True, "value": client.issuer},
                    "aud": {"essential": True, "value": client.id},
                    "sub": {"essential": True},
                },
                {
                    "nonce": question.nonce,
                    "client_id": client.id,
                    "access_token": tokens.get("access_token"),
                },
            )
            claims.validate(leeway=LEEWAY_S)
        except (JoseError, ValueError, TypeError) as error:
            raise SignOnRefused(
                "token", f"the ID token: {type(error).__name__}: {error}"
            ) from error
        subject = claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= 255 or not subject.isprintable():
            raise SignOnRefused("token", "the ID token: sub is no name")
        return Identity(issuer=client.issuer, subject=subject)

    def _decoded(self, token: str) -> jwt.Token:
        """A key that nobody knows yet is asked for once: providers change theirs."""
        registry = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
        try:
            return jwt.decode(token, self._signing(), registry=registry)
        except InvalidKeyIdError:
            return jwt.decode(token, self._signing(anew=True), registry=registry)

    def _discovered(self) -> Mapping[str, Any]:
        """One asks, and whoever else needs it waits for that. Raises `SignOnAway`, for a while
        without asking again: a provider that is away is not asked by each click."""
        with self._lock:
            now = self._clock()
            if now < self._known_until:
                return self._metadata
            if self._away is not None and now < self._away_until:
                raise SignOnAway(str(self._away))
            try:
                self._metadata, self._keys = self._discover(), None
            except SignOnAway as error:
                self._away, self._away_until = error, self._clock() + AWAY_FOR_S
                raise
            self._known_until = self._clock() + KNOWN_FOR_S
            return self._metadata

    def _discover(self) -> Mapping[str, Any]:
        issuer = self.client.issuer
        found = self._get(issuer.rstrip("/") + DISCOVERY)
        if found.get("issuer") != issuer:
            raise SignOnAway(f"the provider calls itself {str(found.get('issuer'))[:200]!r}")
        for name in _ENDPOINTS:
            if not is_safe(str(found.get(name, ""))):
                raise SignOnAway(f"the provider's {name} is no https:// address")
        return found

    def _signing(self, *, anew: bool = False) -> KeySet:
        metadata = self._discovered()
        with self._lock:
            if self._keys is not None and not anew:
                return self._keys
        told = self._get(metadata["jwks_uri"])
        try:
            keys = KeySet.import_key_set({"keys": list(told["keys"])})
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise SignOnAway(f"the provider's keys cannot be read: {error}") from error
        with self._lock:
            self._keys = keys
        return keys

    def _get(self, address: str) -> Mapping[str, Any]:
        """Raises `SignOnAway`."""
        status, body = self._asked("GET", address)
        if status != 200:
            raise SignOnAway(f"{address}: {status}")
        return _object(address, body)

    def _asked(self, method: str, address: str, **more: Any) -> tuple[int, bytes]:
        """The status and what was answered. What a provider says is taken from itself, and nowhere
        that it sends us. Raises `SignOnAway`, also where it says more than anybody has to."""
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        body = bytearray()
        with httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, verify=self._tls) as http:
            try:
                with http.stream(method, address, headers=headers, **more) as response:
                    for part in response.iter_bytes():
                        body += part
                        if len(body) > _LARGEST:
                            raise SignOnAway(f"{address}: more than {_LARGEST} bytes")
            except httpx.HTTPError as error:
                raise SignOnAway(f"{address}: {error}") from error
        return response.status_code, bytes(body)


def _object(address: str, body: bytes) -> Mapping[str, Any]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SignOnAway(f"{address}: no JSON") from error
    if not isinstance(told, dict):
        raise SignOnAway(f"{address}: no object")
    return told
