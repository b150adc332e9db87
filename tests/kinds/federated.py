"""The server's side without Jupyter: a federation file's clusters, their catalog, and a data plane."""

import asyncio
import logging

import openai
import yaml
from first_jupyter_server import config
from first_jupyter_server.allow import AllowLists, Person
from first_jupyter_server.clusters import kinds
from first_jupyter_server.dataplane.plane import DataPlane
from first_jupyter_server.federation.federation import Federation
from first_jupyter_server.federation.history import StartHistory

KEY = "the-scoped-key"
HELLO = [{"role": "user", "content": "Say hello."}]


class Federated:
    """One federation.

    Parameters
    ----------
    folder
        Where it keeps what it keeps.
    clusters
        What the federation file says below ``clusters:``.
    tokens
        The login's tokens.
    """

    def __init__(self, folder, clusters, tokens=None):
        self.log, self.data = logging.getLogger("first"), folder
        self.federation = Federation(
            problems=(),
            allow=AllowLists({}, Person("ada", frozenset())),
            choice_file=folder / "choice.json",
            log=self.log,
        )
        here = kinds.Surroundings(
            data=folder,
            federation_file=None,
            tokens=tokens,
            history=StartHistory(folder / "starts.json"),
            changed=self.federation.changed,
            log=self.log,
        )
        file = config.parse(yaml.safe_dump({"clusters": clusters}), "first.yaml")
        for name, section in file.clusters.items():
            for cluster in kinds.make(name, section, here):
                self.federation.add(cluster)
        self.plane = DataPlane(self._receive)
        self.federation.listen(lambda _, new: self._push(new))

    async def __aenter__(self):
        self._push(self.federation.catalog())
        self.plane.receive({"type": "config", "key": KEY, "max_body": 2**20})
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self.plane.connection, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/first/v1"
        self.client = openai.AsyncOpenAI(
            base_url=self.url,
            api_key=KEY,
            max_retries=0,
            timeout=60,
            http_client=openai.DefaultAsyncHttpxClient(trust_env=False),
        )
        await self.federation.open()
        return self

    async def __aexit__(self, *_):
        await self.client.close()
        self._server.close()
        await self.federation.close()

    def _push(self, catalog):
        self.plane.receive({"type": "catalog", "catalog": catalog.to_json()})

    def _receive(self, message):
        match message["type"]:
            case "start":
                self.federation.start(message["model"], message["cluster"])
            case "unreachable":
                self.federation.unreachable(message["replica"], message["reason"])

    @property
    def places(self):
        """All places, by model and cluster, as the data plane knows them."""
        models = self.plane.catalog.models
        return {(model.id, place.cluster): place for model in models for place in model.places}

    @property
    def states(self):
        """The states alone."""
        return {at: place.state.value for at, place in self.places.items()}

    async def until(self, true, seconds=30.0):
        """Wait for something to become true, and return it."""
        async with asyncio.timeout(seconds):
            while not (value := true()):  # noqa: ASYNC110  # what is waited for happens in other processes
                await asyncio.sleep(0.02)
        return value

    async def until_state(self, model, cluster, state):
        """Wait for a place's state, and return the place."""
        await self.until(lambda: self.states.get((model, cluster)) == state)
        return self.places[model, cluster]

    def background(self, work):
        """Have something done meanwhile."""
        return asyncio.ensure_future(work)

    async def ask(self, model, **more):
        """Ask for a short answer."""
        return await self.client.chat.completions.create(
            **{"model": model, "messages": HELLO, "max_tokens": 4, "temperature": 0, **more}
        )
