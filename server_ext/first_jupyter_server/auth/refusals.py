"""What went wrong at Globus Auth, in sentences; its own messages and tracebacks end here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import globus_sdk
from globus_sdk.gare import to_gare
from globus_sdk.token_storage import TokenValidationError
from globus_sdk.token_storage.validating_token_storage import (
    IdentityMismatchError,
    UnmetScopeRequirementsError,
)
from jwt import PyJWTError

from first_jupyter_server.errors import ApiError

from .demands import Demand, demand
from .login import LoginNeeded
from .service_account import ServiceAccount

__all__ = ["of_exchange", "of_refresh", "of_service_account"]


@contextmanager
def of_exchange(username: str) -> Iterator[None]:
    """Tell what a person who logs in can do; `username` is who was logged in before."""
    try:
        yield
    except IdentityMismatchError:
        message = (
            f"That was another identity. This login belongs to {username}: choose {username} at Globus, "
            "or log out first to change to the other one."
        )
        raise ApiError(409, message, code="wrong_identity") from None
    except UnmetScopeRequirementsError:
        message = "Globus gave less than was asked for: log in again and agree to everything on the page."
        raise ApiError(409, message, code="consent_missing") from None
    except globus_sdk.GlobusAPIError as error:
        if error.http_status < 500 and error.http_status != 429:
            message = (
                "Globus did not take the code: it is mistyped, was used before, or is too old. "
                "Paste the newest one, or begin the login anew."
            )
            raise ApiError(400, message, code="code_refused") from None
        raise _unavailable(error) from None
    except globus_sdk.NetworkError as error:
        raise _unavailable(error) from None
    except (PyJWTError, TokenValidationError, KeyError) as error:
        message = (
            f"Globus' answer does not say for certain who logged in ({type(error).__name__}): "
            "check this machine's clock, then log in again."
        )
        raise ApiError(502, message, kind="server_error", code="identity_unproven") from None


@contextmanager
def of_refresh(username: str, forget: Callable[[], None]) -> Iterator[None]:
    """Tell why there is no new token; `forget` removes a login that Globus no longer knows."""
    try:
        yield
    except globus_sdk.GlobusAPIError as error:
        if gare := to_gare(error):
            raise LoginNeeded(demand(gare.to_dict(), username=username, service="Globus")) from None
        if error.http_status >= 500 or error.http_status == 429:
            raise _unavailable(error) from None
        if isinstance(error.raw_json, dict) and error.raw_json.get("error") == "invalid_grant":
            forget()
        sentence = (
            f"The login as {username} has ended: it was revoked, or not used for half a year. Log in again."
        )
        raise LoginNeeded(Demand(sentence)) from None
    except globus_sdk.NetworkError as error:
        raise _unavailable(error) from None
    except TokenValidationError:
        sentence = f"The login as {username} does not cover what is needed now: log in again."
        raise LoginNeeded(Demand(sentence)) from None


@contextmanager
def of_service_account(account: ServiceAccount) -> Iterator[None]:
    """Tell an administrator what is wrong with a service account."""
    try:
        yield
    except globus_sdk.GlobusAPIError as error:
        if error.http_status >= 500 or error.http_status == 429:
            raise _unavailable(error) from None
        message = (
            f"Globus does not take the service account {account.client_id} (HTTP {error.http_status}): check "
            f"{account.named_by} and the secret beside it, then restart Jupyter."
        )
        raise ApiError(502, message, kind="server_error", code="service_account_refused") from None
    except globus_sdk.NetworkError as error:
        raise _unavailable(error) from None


def _unavailable(error: globus_sdk.GlobusError) -> ApiError:
    status = getattr(error, "http_status", None)
    why = f"HTTP {status}" if status else "no connection"
    message = f"Globus Auth does not answer ({why}). The login stays as it is; try again in half a minute."
    return ApiError(503, message, kind="server_error", code="globus_unavailable", retry_after=30)
