"""Which of a replica's addresses leads to it from here."""

from __future__ import annotations

import asyncio
import contextlib

from first_jupyter_remote.protocol import ReplicaRecord

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


async def _answers(record: ReplicaRecord, address: str) -> bool:
    """Ask for the models; another program on that port would not know this key, or not this model."""
    request = (
        f"GET /v1/models HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {record.key}\r\n"
        "Connection: close\r\n\r\n"
    )
    with contextlib.suppress(OSError, TimeoutError, ValueError):
        async with asyncio.timeout(PATIENCE):
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
