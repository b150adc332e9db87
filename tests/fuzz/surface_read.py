"""Plays bytes of a holder of the key to a data plane without replicas: whatever is asked has one answer."""

import json
from typing import Any

from first_jupyter_server.dataplane.plane import DataPlane
from first_jupyter_server.federation.catalog import Catalog, Model, Place, State

from .requests_read import MAX_BODY, answers_in, pieces
from .still_loop import StillLoop, StillTransport

KEY = "k"
MODEL = "org/model"
LARGEST = 2**16
"""Bytes of an answer in JSON at the most, in a federation of one model."""


def play(data: bytes, sizes: bytes = b"") -> list[tuple[int, bytes]]:
    """Have a data plane read the data; the extension answers at once what is asked of it.

    Returns
    -------
    list
        Status and body of each answer that is not a stream.

    Raises
    ------
    AssertionError
        Where an answer is none.
    """
    said: list[dict[str, Any]] = []
    transport = StillTransport()
    with StillLoop() as loop:
        plane = DataPlane(said.append)
        plane.receive({"type": "config", "key": KEY, "max_body": MAX_BODY})
        place = Place("desk", "local", "vllm", state=State.COLD)
        catalog = Catalog(models=(Model(MODEL, aliases=("alias",), places=(place,)),), current=MODEL)
        plane.receive({"type": "catalog", "catalog": catalog.to_json()})
        connection = plane.connection()
        transport.on_closed = lambda: loop.call_soon(connection.connection_lost, None)
        admit = connection._admit
        methods: list[str] = []
        connection._admit = lambda request: methods.append(request.method) or admit(request)
        connection.connection_made(transport)
        for piece in pieces(data, sizes):
            if transport.closed:
                break
            connection.data_received(piece)
            loop.run()
            while asked := next((message for message in said if message["type"] == "control"), None):
                said.remove(asked)
                json.dumps(asked)
                plane.receive({"type": "reply", "id": asked["id"], "status": 200, "body": "{}"})
                loop.run()
        loop.advance(20)
        if not transport.closed:
            connection.connection_lost(None)
        loop.run()
        for message in said:
            json.dumps(message)
    answers = list(answers_in(bytes(transport.written), iter(methods)))
    for status, body in answers:
        if status == 100 or body.startswith(b":") or b"event:" in body[:12]:
            continue
        assert status in {200, 400, 401, 404, 405, 408, 413, 431, 501, 503, 505}, status
        assert len(body) <= LARGEST
        if body:
            json.loads(body)
    return answers
