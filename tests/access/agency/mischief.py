"""What goes wrong at the tests' own sign-on, when a test wants it to."""

import base64
import json
import time
from typing import Any

from django.conf import settings
from jwcrypto import jwk, jwt
from oauth2_provider.oauth2_validators import OAuth2Validator

ANOTHER = jwk.JWK.generate(kty="RSA", size=2048)


class Mischievous(OAuth2Validator):  # type: ignore[misc]  # it ships no types
    """Django OAuth Toolkit's own, save for what the file `mischief` names."""

    def finalize_id_token(
        self, id_token: dict[str, Any], token: Any, token_handler: Any, request: Any
    ) -> str:
        wrong = settings.MISCHIEF.read_text() if settings.MISCHIEF.exists() else ""
        good: str = super().finalize_id_token(id_token, token, token_handler, request)
        key = request.client.jwk_key
        told = jwt.JWT(jwt=good, key=key)
        header, claims = json.loads(told.header), json.loads(told.claims)
        match wrong:
            case "nonce":
                claims["nonce"] = "of another question"
            case "aud":
                claims["aud"] = "another register"
            case "iss":
                claims["iss"] += "/another"
            case "exp":
                claims["exp"] = int(time.time()) - 3600
            case "key":  # under the name of the published one
                key = ANOTHER
            case "shared":
                # By what the register knows itself: whoever is told it could sign so.
                header, key = {"alg": "HS256", "typ": "JWT"}, _shared()
            case "none":
                return f"{_part({'alg': 'none'})}.{_part(claims)}."
            case _:
                return good
        forged = jwt.JWT(header=header, claims=claims)
        forged.make_signed_token(key)
        return str(forged.serialize())


def _shared() -> jwk.JWK:
    known = json.loads((settings.MISCHIEF.parent / "client.json").read_text())
    return jwk.JWK(kty="oct", k=_encoded(known["client_secret"].encode().ljust(32)))


def _part(told: Any) -> str:
    return _encoded(json.dumps(told).encode())


def _encoded(told: bytes) -> str:
    return base64.urlsafe_b64encode(told).decode().rstrip("=")
