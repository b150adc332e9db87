"""Id tokens with a real signature, and what globus_sdk fetches to check it."""

import time

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from loopback import Reply


class Signer:
    """Signs for Globus Auth with a key of its own."""

    def __init__(self):
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def id_token(self, person, client_id, scopes):
        """Say who logged in to which client."""
        now = int(time.time())
        claims = {"iss": "https://auth.globus.org", "aud": client_id, "sub": person.sub, "iat": now}
        claims |= {"exp": now + 3600, "last_authentication": int(person.last_authentication or now)}
        if "profile" in scopes:
            claims |= {"preferred_username": person.username, "name": person.name}
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": "1"})

    def configuration(self, url):
        """Answer where everything is."""
        root = url.rstrip("/")
        return Reply(
            200,
            {
                "issuer": "https://auth.globus.org",
                "jwks_uri": f"{root}/jwk.json",
                "authorization_endpoint": f"{root}/v2/oauth2/authorize",
                "token_endpoint": f"{root}/v2/oauth2/token",
                "id_token_signing_alg_values_supported": ["RS256"],
            },
        )

    def keys(self):
        """Answer with the public key."""
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return Reply(200, {"keys": [{**public, "alg": "RS256", "use": "sig", "kid": "1"}]})
