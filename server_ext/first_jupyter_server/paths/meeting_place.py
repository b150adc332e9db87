"""The relay that this server meets node agents at: its URL, and the access key to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

__all__ = ["MeetingPlace", "MeetingPlaceError"]


class MeetingPlaceError(Exception):
    """The relay that is named cannot be used; the message says why, and what to do."""


@dataclass(frozen=True)
class MeetingPlace:
    """A relay.

    Parameters
    ----------
    url
        Where it is.
    access
        The key that opens rooms there.
    """

    url: str
    access: str = field(repr=False)

    @property
    def host(self) -> str:
        """Its name, for people."""
        return urlsplit(self.url).netloc

    @classmethod
    def named(cls, url: str, file: str) -> MeetingPlace:
        """Return the relay at a URL, with the access key that a file holds.

        Raises
        ------
        MeetingPlaceError
            Where one of them is not as it has to be.
        """
        parts = urlsplit(url)
        if parts.scheme != "https" and not (
            parts.scheme == "http" and _is_this_machine(parts.hostname or "")
        ):
            raise MeetingPlaceError(f"FirstApp.relay_url has to begin with https://, and is {url}")
        if not file:
            raise MeetingPlaceError(
                "FirstApp.relay_key_file has to name the file with the access key to that relay"
            )
        place = Path(file).expanduser()
        try:
            if place.stat().st_mode & 0o077:
                raise MeetingPlaceError(
                    f"others may read {place}, which holds the key to the relay: chmod 600 {place}"
                )
            access = place.read_text().strip()
        except OSError as error:
            raise MeetingPlaceError(
                f"the access key to the relay cannot be read from {place}: {error.strerror}"
            ) from None
        if not access or not access.isascii() or len(access.split()) > 1:
            raise MeetingPlaceError(
                f"{place} has to hold the access key to the relay, in one word, and nothing else"
            )
        return cls(url.rstrip("/"), access)


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
