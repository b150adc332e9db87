"""The file that keeps a login: readable by its owner alone, replaced whole, locked against other servers."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from logging import Logger
from pathlib import Path
from typing import IO, Any

from first_jupyter_server.errors import ApiError

try:
    import fcntl
except ImportError:  # Windows: one server at a time is all that is promised there
    fcntl = None  # type: ignore[assignment]

__all__ = ["Account", "TokenFile"]

VERSION = 1


@dataclass(frozen=True)
class Account:
    """One client's tokens of one person.

    Parameters
    ----------
    client_id
        The application that the tokens were given to; only it can refresh them.
    sub, username, name
        Who they belong to.
    authenticated
        When that person last proved who they are, in seconds since 1970.
    refreshed
        When Globus last heard of the refresh tokens.
    source
        The tool that left the tokens, where they were not obtained here.
    tokens
        Per resource server, what the SDK keeps of a token.
    """

    client_id: str
    sub: str = ""
    username: str = ""
    name: str = ""
    authenticated: float = 0.0
    refreshed: float = 0.0
    source: str = ""
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)


class TokenFile:
    """Accounts in a JSON file of mode 0600.

    Several Jupyter servers of one user may share it. A reader sees the old file or the new one, never half of
    each; a writer holds the lock from its reading to its writing.

    Parameters
    ----------
    path
        The file; its folder is made where it is missing.
    log
        Where it is said that the lock or the mode is not what it should be.
    """

    def __init__(self, path: Path, log: Logger) -> None:
        self.path = path
        self._log = log
        self._mutex = threading.RLock()
        self._depth = 0
        self._lock: IO[str] | None = None
        self._lock_works = True

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep all others from writing; may be entered again by the thread that holds it."""
        with self._mutex:
            if self._depth == 0:
                self._lock = self._open_lock()
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if self._depth == 0 and self._lock is not None:
                    self._lock.close()
                    self._lock = None

    def accounts(self) -> dict[str, Account]:
        """Read the accounts, by client id.

        Raises
        ------
        ApiError
            Where there is a file that cannot be used; it names the file and the remedy.
        """
        try:
            with self.path.open(encoding="utf-8") as file:
                self._keep_private(file)
                content = json.load(file)
            if content["version"] != VERSION:
                raise self._broken(f"it is of version {content['version']}, and this release reads {VERSION}")
            known = {each.name for each in fields(Account)}
            return {
                client: Account(**{key: value for key, value in account.items() if key in known})
                for client, account in content["accounts"].items()
            }
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._broken(error.strerror or type(error).__name__) from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise self._broken("it is not what a login writes") from None

    def put(self, account: Account) -> None:
        """Add an account, or replace what there was of it."""
        with self.locked():
            self._write({**self.accounts(), account.client_id: account})

    def remove(self, client_id: str) -> None:
        """Remove an account, if it is there."""
        with self.locked():
            accounts = self.accounts()
            if accounts.pop(client_id, None) is not None:
                self._write(accounts)

    def _write(self, accounts: dict[str, Account]) -> None:
        content = {
            "version": VERSION,
            "accounts": {key: asdict(account) for key, account in accounts.items()},
        }
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}.{threading.get_ident()}.draft")
        try:
            self._make_folder()
            with contextlib.suppress(FileNotFoundError):
                draft.unlink()
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(content, file)
                file.flush()
                os.fsync(descriptor)
            draft.replace(self.path)
        except OSError as error:
            with contextlib.suppress(OSError):
                draft.unlink()
            message = (
                f"The Globus login cannot be kept: {self.path}: {error.strerror}. "
                "Free some space or mend the folder's permissions, then log in again."
            )
            raise ApiError(500, message, kind="server_error", code="login_file_unwritable") from None

    def _make_folder(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)

    def _open_lock(self) -> IO[str] | None:
        if fcntl is None or not self._lock_works:
            return None
        try:
            self._make_folder()
            descriptor = os.open(self.path.with_name(f"{self.path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
            lock = os.fdopen(descriptor, "w", encoding="utf-8")
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:
            # Some shared file systems have no locks. A login is then safe from one server at a time.
            self._lock_works = False
            self._log.warning("%s cannot be locked (%s); use one Jupyter server at a time.", self.path, error)
            return None
        return lock

    def _keep_private(self, file: IO[str]) -> None:
        if os.name == "posix" and os.fstat(file.fileno()).st_mode & 0o077:
            os.fchmod(file.fileno(), 0o600)
            self._log.warning("%s could be read by others; only its owner can read it now.", self.path)

    def _broken(self, why: str) -> ApiError:
        message = (
            f"The file of the Globus login cannot be used: {self.path}: {why}. "
            "Move it away (it may hold tokens: delete it when nothing needs it), then log in again."
        )
        return ApiError(500, message, kind="server_error", code="login_file_broken")
