"""An answer by Globus Compute alone: one task has a request answered, others fetch the answer's parts."""

from __future__ import annotations

import http.client
import socket
import time
from contextlib import closing, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from .protocol import ReplicaRecord, Stage
from .protocol.parts import Cutter, Part, unpack
from .protocol.shards import PATH
from .records import folder, read_all, state
from .shard import Shard
from .spool import Spool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["relay", "relay_end", "relay_part", "relay_reach"]

LONGEST = 64 * 2**20
"""Bytes of the largest request."""

PATIENCE = 3.0
"""Seconds for one of a node's addresses to take a connection."""

LOOK_EVERY = 0.2
"""Seconds between two looks whether the answer is still wanted."""

AHEAD = 4
"""Parts that may lie here before the inference server has to wait for them to be fetched."""

FORGOTTEN = 120.0
"""Seconds without a fetch after which the one who asked is taken to be gone."""

SILENT = 90.0
"""Seconds without a part after which the task that carries the answer is taken to be gone."""

POLL, LOOK_AGAIN = 0.05, 1.0
"""Seconds between two looks whether anything has changed; and until the part is looked for in any case, for
two changes may come at the same moment, as far as a file system tells."""

LOST_AFTER = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 4, "TCP_USER_TIMEOUT": 30_000}
"""Half a minute after which a node that says nothing at all is lost, whether it was sent something or not."""

PIECE = 65_536


def relay(home: str, replica: str, address: str, answer: str, request: list[str]) -> int:
    """Have a request answered by a replica; ``relay_part`` returns the answer, part by part.

    Parameters
    ----------
    home
        The folder on the cluster.
    replica
        Whose inference server is asked; its port and its key are read from its record.
    address
        The one of its addresses at which ``relay_reach`` found it.
    answer
        The answer's name, 32 hexadecimal digits.
    request
        Its head and its body as they go over the wire, each packed; without a key. One for
        ``protocol.shards.PATH`` is a shard of a batch.

    Returns
    -------
    int
        How many parts it has come to.
    """
    spool = Spool(state(home), answer)
    spool.begin()
    head, body = (unpack(part, LONGEST) for part in request)
    is_shard = head.startswith(f"POST {PATH} ".encode())
    cutter = Cutter(time.monotonic(), shard=is_shard)
    count = 0
    try:
        record = _record(state(home), replica)
        if address not in record.addresses:
            raise ConnectionError(f"{record.replica} is not at {address} any more")
        _check(spool)
        connect = partial(_connect, record, address)
        key = record.key or ""
        with closing(Shard(connect, key, body) if is_shard else _Alone(connect(), key, head, body)) as asked:
            for part in _parts(asked, cutter, spool):
                spool.put(part)
                count += 1
                if not part.last:
                    _wait_for_fetches(spool)
    except OSError as error:
        spool.put(cutter.cut(time.monotonic(), last=True, error=_told(error)))
        count += 1
    except _GivenUpError:
        spool.end()
    return count


def relay_part(home: str, answer: str, number: int) -> dict[str, Any]:
    """Wait for a part of an answer, and return it.

    Returns
    -------
    dict
        A ``Part``; where there is none with this number, one that says so in ``error``.
    """
    spool, seen = Spool(state(home), answer), -1
    while True:
        now, changed = time.monotonic(), spool.changed()
        if changed != seen:
            seen, until, look = changed, now + SILENT, now
        if now >= look:
            look = now + LOOK_AGAIN
            over = spool.is_over  # before the part itself: the last one comes before the word that it was
            if (part := spool.take(number)) is not None:
                return part.to_json()
            if over or spool.is_given_up:
                return Part(number, last=True, error=f"it has no part {number}").to_json()
        if now > until:
            error = "the task that carried it is gone: the endpoint's process on the login node has ended"
            return Part(number, last=True, error=error).to_json()
        time.sleep(POLL)


def relay_end(home: str, answer: str) -> None:
    """Take note that nobody wants an answer any more: its inference server is left within a second."""
    Spool(state(home), answer).give_up()


def relay_reach(home: str, replica: str) -> dict[str, str]:
    """Look whether a replica answers from here; return its ``address``, or ``why`` it does not."""
    try:
        record = _record(state(home), replica)
    except ConnectionError as error:
        return {"address": "", "why": str(error)}
    for address in record.addresses:
        with suppress(OSError, http.client.HTTPException):
            if _answers(record, address):
                return {"address": address, "why": ""}
    tried = ", ".join(f"{address}:{record.port}" for address in record.addresses)
    return {"address": "", "why": f"the login node reaches it at none of {tried}"}


def _answers(record: ReplicaRecord, address: str) -> bool:
    """Ask for the models; another program on that port would not know this key, or not this model."""
    connection = http.client.HTTPConnection(address, record.port, timeout=PATIENCE)
    try:
        connection.request("GET", "/v1/models", headers={"Authorization": f"Bearer {record.key}"})
        answer = connection.getresponse()
        return answer.status == 200 and record.model.encode() in answer.read(PIECE)
    finally:
        connection.close()


class _GivenUpError(Exception):
    """Nobody wants the answer any more."""


class _Answer(Protocol):
    """An answer as it comes."""

    def receive(self, most: int, seconds: float) -> bytes:
        """Return at most so many bytes, none at its end; raises ``TimeoutError`` where none come in time."""

    def close(self) -> None:
        """Leave it."""


class _Alone:
    """The answer to a request, which ends when its connection does."""

    def __init__(self, sock: socket.socket, key: str, head: bytes, body: bytes) -> None:
        self._sock = sock
        sock.settimeout(FORGOTTEN)
        sock.sendall(head + f"authorization: Bearer {key}\r\nconnection: close\r\n\r\n".encode() + body)

    def receive(self, most: int, seconds: float) -> bytes:
        self._sock.settimeout(seconds)
        return self._sock.recv(most)

    def close(self) -> None:
        self._sock.close()


def _parts(asked: _Answer, cutter: Cutter, spool: Spool) -> Iterator[Part]:
    """Yield the answer's parts as they are due; the last one at its end."""
    while True:
        now = time.monotonic()
        if (left := cutter.left(now)) <= 0:
            yield cutter.cut(now)
            continue
        _check(spool)
        try:
            data = asked.receive(min(PIECE, cutter.room), min(left, LOOK_EVERY))
        except TimeoutError:
            continue
        if not data:
            break
        cutter.add(data, time.monotonic())
    yield cutter.cut(time.monotonic(), last=True)


def _check(spool: Spool) -> None:
    if spool.is_given_up:
        raise _GivenUpError


def _wait_for_fetches(spool: Spool) -> None:
    """Wait while parts lie here that nobody fetches."""
    until = time.monotonic() + FORGOTTEN
    while spool.waiting() >= AHEAD:
        _check(spool)
        if time.monotonic() > until:
            raise _GivenUpError
        time.sleep(LOOK_EVERY)


def _record(home: Path, replica: str) -> ReplicaRecord:
    place = folder(home, replica)
    record = read_all(place.parent).get(place / f"{replica}.json")
    if record is None or record.stage is not Stage.READY or not record.port:
        raise ConnectionError(f"{replica} does not take requests any more")
    return record


def _connect(record: ReplicaRecord, address: str) -> socket.socket:
    """Connect to a node in such a way that its loss is noticed."""
    sock = socket.create_connection((address, record.port), PATIENCE)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in LOST_AFTER.items():
        with suppress(AttributeError, OSError):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return sock


def _told(error: OSError) -> str:
    return f"its connection broke ({error.strerror})" if error.strerror else str(error)
