"""Who and what the stand-in of Globus Auth knows: people, tokens, refusals, demands.

The hosted service is closed: bodies of errors and the rules of sessions are written from its public
documentation.
"""

import uuid
from dataclasses import dataclass, field

AUTH = "auth.globus.org"
COMPUTE = "funcx_service"
COMPUTE_SCOPE = "https://auth.globus.org/scopes/facd7ccc-c5f4-42aa-916b-a0e270e2c2a9/all"
NATIVE_CLIENT = "4cf29807-cf21-49ec-9443-ff9a3fb9f81c"


class Refused(Exception):  # noqa: N818  # it is what Globus answers, no accident of ours
    """An answer that is an error; `status` and `body` are what goes over the wire."""

    def __init__(self, status, code, message, **more):
        super().__init__(message)
        self.status = status
        self.body = {"code": code, "error": code, "message": message, **more}


def demand(message="Reauthenticate.", **parameters):
    """Return a Globus Auth Requirements Error, as a service answers it with status 403."""
    parameters = {"session_message": message, **parameters}
    return Refused(403, "AuthorizationRequired", message, authorization_parameters=parameters)


@dataclass
class Person:
    """Who sits at the browser."""

    username: str = "ada@lab.example"
    name: str = "Ada Lovelace"
    sub: str = field(default_factory=lambda: str(uuid.uuid4()))
    last_authentication: float | None = None  # now, unless said otherwise


@dataclass
class Token:
    value: str
    kind: str  # access or refresh
    resource_server: str
    scopes: list[str]
    person: Person
    client_id: str
    session: dict[str, str]
    expires: float

    def claims(self):
        """Return what the services know of it."""
        return {
            "sub": self.person.sub,
            "username": self.person.username,
            "name": self.person.name,
            "scope": " ".join(self.scopes),
            "aud": [self.resource_server],
            "client_id": self.client_id,
            "exp": int(self.expires),
            "session": self.session,
        }


def resource_server_of(scope):
    """Return the service that a scope is of."""
    root = scope.partition("[")[0]
    if root == COMPUTE_SCOPE:
        return COMPUTE
    return root.split("/")[4] if root.startswith("https://auth.globus.org/scopes/") else AUTH
