"""What goes wrong at the tests' own sign-on, when a test wants it to."""

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
        if wrong == "nonce":
            id_token["nonce"] = "of another question"
        good: str = super().finalize_id_token(id_token, token, token_handler, request)
        if wrong != "key":
            return good
        # The same claims, under the name of the published key, by another one.
        key = request.client.jwk_key
        told = jwt.JWT(jwt=good, key=key)
        forged = jwt.JWT(header=told.header, claims=told.claims)
        forged.make_signed_token(ANOTHER)
        return str(forged.serialize())
