"""Globus Auth through globus-sdk, which is slow to import and blocks: for the login's one thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import globus_sdk
from globus_sdk import GlobusAppConfig, UserApp
from globus_sdk.authorizers import GlobusAuthorizer, RenewingAuthorizer
from globus_sdk.gare import to_gare
from globus_sdk.token_storage import TokenStorage, TokenStorageData
from globus_sdk.transport import RequestsTransport, RetryConfig

from first_jupyter_server.errors import ApiError

from . import refusals
from .demands import Demand, demand
from .flow import Flow
from .found_tokens import Found
from .scopes import AUTH, Wanted
from .service_account import ServiceAccount
from .storage import Account, TokenFile

__all__ = ["Authorizer", "Sdk", "demand_in"]

EARLY = 60
"""Seconds before its end from which an access token is replaced; the SDK's own margin."""


class Sdk:
    """What the login asks of Globus Auth.

    Parameters
    ----------
    file
        Where tokens are kept.
    wanted
        What they are for.
    """

    def __init__(self, file: TokenFile, wanted: Wanted) -> None:
        self._file = file
        self._wanted = wanted
        self._service_app: globus_sdk.ClientApp | None = None

    def auth_address(self) -> str:
        """Return the root of Globus Auth, which the SDK's environment variables may have moved."""
        with _client("") as client:
            return client.base_url.rstrip("/")

    def exchange(self, flow: Flow, code: str) -> Account:
        """Exchange a code for tokens, and keep them."""
        form = {
            "client_id": flow.client_id,
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": flow.verifier,
            "redirect_uri": flow.redirect_uri,
        }
        scopes = {server: service.scopes for server, service in self._wanted.items()}
        with (
            refusals.of_exchange(self._username(flow.client_id)),
            self._app(flow.client_id, scopes) as (app, auth),
        ):
            answer = auth.oauth2_token(form, response_class=globus_sdk.OAuthTokenResponse)
            decoder = globus_sdk.IDTokenDecoder(auth)
            claims = decoder.decode(answer["id_token"])
            with self._file.locked():
                app.token_storage.store_token_response(answer)
                account = replace(
                    self._file.accounts()[flow.client_id],
                    sub=claims["sub"],
                    username=claims.get("preferred_username") or claims["sub"],
                    name=claims.get("name") or "",
                    authenticated=float(
                        claims.get("last_authentication") or claims.get("auth_time") or time.time()
                    ),
                )
                self._file.put(account)
        return account

    def token(self, server: str, rejected: str | None = None) -> str:
        """Return an access token, a new one where the kept one is old or was rejected."""
        if token := self._kept(server, rejected):
            return token
        with self._file.locked():
            # Another server may have fetched one while we waited for the lock.
            if token := self._kept(server, rejected):
                return token
            account = self._holder(server)
            with refusals.of_refresh(account.username, lambda: self._file.remove(account.client_id)):
                return self._refresh(account, server)

    def adopt(self, found: Found) -> Account:
        """Take over what another tool left; Globus is asked who that is, which proves what it is worth."""
        tokens = {server: dict(token) for server, token in found.tokens.items()}
        sub = str(
            next((token.get("identity_id") for token in tokens.values() if token.get("identity_id")), "")
        )
        account = Account(found.client_id, sub, source=found.tool, tokens=tokens, authenticated=time.time())
        with self._file.locked():
            self._file.put(account)
            with refusals.of_refresh(found.tool, lambda: self._file.remove(account.client_id)):
                for server in tokens:
                    self._refresh(account, server)
                info = self._userinfo(account) if AUTH in tokens else {}
            account = replace(
                self._file.accounts()[account.client_id],
                username=info.get("preferred_username") or sub or found.tool,
                name=info.get("name") or "",
            )
            self._file.put(account)
        return account

    def logout(self) -> bool:
        """Revoke and remove what was obtained here, remove what was taken over; say if Globus took part."""
        revoked = True
        with self._file.locked():
            for account in self._file.accounts().values():
                if not account.source:
                    try:
                        with self._app(account.client_id, {}) as (app, _):
                            app.logout(sweep=True)
                    except globus_sdk.GlobusError:
                        revoked = False
                self._file.remove(account.client_id)
        return revoked

    def service_token(self, account: ServiceAccount, server: str, rejected: str | None = None) -> str:
        """Return an access token of a service account; nothing of it is kept on disk."""
        if self._service_app is None:
            client = globus_sdk.ConfidentialAppAuthClient(account.client_id, account.secret, **_patience())
            self._service_app = globus_sdk.ClientApp(
                "first-jupyter",
                login_client=client,
                scope_requirements={name: service.scopes for name, service in self._wanted.items()},
                config=_config("memory", refresh=False),
            )
        with refusals.of_service_account(account):
            return _fresh(self._service_app.get_authorizer(server), rejected)

    def _kept(self, server: str, rejected: str | None) -> str | None:
        record = self._holder(server).tokens[server]
        fresh = record["expires_at_seconds"] - EARLY > time.time() and record["access_token"] != rejected
        return str(record["access_token"]) if fresh else None

    def _holder(self, server: str) -> Account:
        service = self._wanted[server]
        for account in self._file.accounts().values():
            token = account.tokens.get(server)
            if token and set(service.scopes) <= set(token["scope"].split()):
                return account
        message = f"{service.name} needs a login with Globus: log in, then try again."
        raise ApiError(401, message, kind="authentication_error", code="login_required")

    def _refresh(self, account: Account, server: str) -> str:
        service = self._wanted[server]
        scopes = {} if account.source and server == AUTH else {server: service.scopes}
        with self._app(account.client_id, scopes) as (app, _):
            return _fresh(app.get_authorizer(server), account.tokens[server]["access_token"])

    def _userinfo(self, account: Account) -> Mapping[str, Any]:
        with (
            self._app(account.client_id, {}) as (app, _),
            globus_sdk.AuthClient(authorizer=app.get_authorizer(AUTH), **_patience()) as client,
        ):
            return client.userinfo().data  # type: ignore[no-any-return]

    def _username(self, client_id: str) -> str:
        account = self._file.accounts().get(client_id)
        return account.username if account else ""

    @contextmanager
    def _app(
        self, client_id: str, scopes: Mapping[str, tuple[str, ...]]
    ) -> Iterator[tuple[UserApp, globus_sdk.NativeAppAuthClient]]:
        """Make an app for one task: an app that lived longer would miss what other servers wrote."""
        with _client(client_id) as client:
            config = _config(_Storage(self._file, client_id), refresh=True)
            with UserApp(
                "first-jupyter", login_client=client, scope_requirements=scopes, config=config
            ) as app:
                yield app, client


class Authorizer(GlobusAuthorizer):
    """Puts the login's token into requests of any of globus-sdk's clients, from any thread.

    Parameters
    ----------
    fetch
        Returns a token; its argument is one that a service rejected.
    """

    def __init__(self, fetch: Callable[[str | None], str]) -> None:
        self._fetch = fetch
        self._last: str | None = None
        self._rejected: str | None = None

    def get_authorization_header(self) -> str:
        """Return the header's value."""
        self._last = self._fetch(self._rejected)
        return f"Bearer {self._last}"

    def handle_missing_authorization(self) -> bool:
        """Have the next request carry another token."""
        self._rejected = self._last
        return True


class _Storage(TokenStorage):
    """The SDK's view of one account in our file."""

    def __init__(self, file: TokenFile, client_id: str) -> None:
        super().__init__(namespace=client_id)
        self._file = file

    def store_token_data_by_resource_server(
        self, token_data_by_resource_server: Mapping[str, TokenStorageData]
    ) -> None:
        with self._file.locked():
            account = self._file.accounts().get(self.namespace) or Account(self.namespace)
            new = {server: token.to_dict() for server, token in token_data_by_resource_server.items()}
            tokens = {**account.tokens, **new}
            self._file.put(replace(account, tokens=tokens, refreshed=time.time()))

    def get_token_data_by_resource_server(self) -> dict[str, TokenStorageData]:
        account = self._file.accounts().get(self.namespace)
        tokens = account.tokens if account else {}
        return {server: TokenStorageData.from_dict(token) for server, token in tokens.items()}

    def remove_token_data(self, resource_server: str) -> bool:
        with self._file.locked():
            account = self._file.accounts().get(self.namespace)
            if account is None or resource_server not in account.tokens:
                return False
            tokens = {server: token for server, token in account.tokens.items() if server != resource_server}
            self._file.put(replace(account, tokens=tokens))
            return True


def demand_in(error: Exception, *, username: str, service: str) -> Demand | None:
    """Return what an error of a service demands of a person, if it demands anything."""
    gare = to_gare(error) if isinstance(error, globus_sdk.GlobusAPIError) else None
    return demand(gare.to_dict(), username=username, service=service) if gare else None


def _fresh(authorizer: GlobusAuthorizer, rejected: str | None) -> str:
    assert isinstance(authorizer, RenewingAuthorizer)  # noqa: S101  # both kinds of apps make these
    if authorizer.access_token == rejected:
        authorizer.handle_missing_authorization()
    authorizer.ensure_valid_token()
    return str(authorizer.access_token)


def _client(client_id: str) -> globus_sdk.NativeAppAuthClient:
    return globus_sdk.NativeAppAuthClient(client_id, **_patience())


def _config(storage: Any, *, refresh: bool) -> GlobusAppConfig:
    return GlobusAppConfig(
        token_storage=storage,
        request_refresh_tokens=refresh,
        auto_redrive_gares=False,
        # Else reading a token that is missing would start a login on the server's standard input.
        token_validation_error_handler=None,
    )


def _patience() -> dict[str, Any]:
    """Give up within half a minute: others wait for the thread, and Jupyter's end does."""
    return {
        "transport": RequestsTransport(http_timeout=10),
        "retry_config": RetryConfig(max_retries=2, max_sleep=2),
    }
