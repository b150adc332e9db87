"""Which of a replica's addresses leads to it from here."""

from __future__ import annotations

import asyncio
import contextlib

from first_jupyter_remote.protocol import ReplicaRecord

from first_jupyter_server.dataplane.names import addresses

__all__ = ["reach"]

PATIENCE = 4.0
LONGEST = 65536


async def reach(record: ReplicaRecord) -> str | None:
    """Return the most promising address at which this very replica answers, None where none does."""
    asked = [asyncio.create_task(_answers(record, address)) for address in record.addresses]
    try:
        for address, task in zip(record.addresses, asked, strict=True):
            if await task:
                return address
    finally:
        for task in asked:
            task.cancel()
    return None


async def _answers(record: ReplicaRecord, name: str) -> bool:
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(PATIENCE):
            for address in await addresses(name):
                if await _answers_at(record, name, address):
                    return True
    return False


async def _answers_at(record: ReplicaRecord, name: str, address: str) -> bool:
    """Ask for the models; another program on that port would not know this key, or not this model."""
    request = (
        f"GET /v1/models HTTP/1.1\r\nHost: {name}\r\nAuthorization: Bearer {record.key}\r\n"
        "Connection: close\r\n\r\n"
    )
    with contextlib.suppress(OSError, ValueError):
        reader, writer = await asyncio.open_connection(address, record.port, limit=LONGEST)
        try:
            writer.write(request.encode())
            answer = b""
            while len(answer) < LONGEST and (part := await reader.read(LONGEST)):
                answer += part
        finally:
            writer.close()
        return b" 200 " in answer.partition(b"\r\n")[0] and record.model.encode() in answer
    return False
