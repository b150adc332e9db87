"""A stand-in for a FIRST gateway: its routes, words, limits and faults; a real server answers behind it.

Shapes and sentences are those of the public source (argonne-lcf/FIRST, 2026-08); its times are shorter.
"""

import asyncio
import contextlib
import json
import time
from collections import deque

import auth
from llama import KEY

ID = "681c10cc-f684-4540-bcd7-0b4df3bc26ef"
SCOPE = f"https://auth.globus.org/scopes/{ID}/action_all"
POLICY = "83732ff2-9c42-4548-b5ce-17e498c84f6a"
OLD_SESSION = (
    "Error: Permission denied from internal policies. This is likely due to a high-assurance timeout. "
    "Please logout by visiting https://app.globus.org/logout, and re-authenticate with the following "
    "command: 'python3 inference_auth_token.py authenticate --force'. Make sure you authenticate with an "
    "authorized identity provider: anl.gov."
)
NOT_READY = "Error: Endpoint {} online but not ready to receive tasks. Please try again later."
PER_SECOND = 10
STALLED = (
    b'data: {"object": "error", "message": "Streaming task timed out: No data received from compute endpoint '
    b'after 30 seconds.", "type": "StreamingTimeoutError", "param": null, "code": 504}\n\ndata: [DONE]\n\n'
)


def section_for(gateway, **more):
    """Return what a federation file says of a gateway."""
    return {
        "kind": "first-gateway",
        "title": "Argonne's gateway",
        "url": gateway.url,
        "scope": SCOPE,
        "policies": [POLICY],
        "clusters": ["sophia", "metis"],
        **more,
    }


def _cut_short(stream):
    """Return the beginning of a stream, ended as if it were all of it."""
    lines = [line for line in stream.split(b"\n") if line.startswith(b"data: {")]
    text = b"".join(line + b"\n\n" for line in [*lines[:2], b"data: [DONE]"])
    head = b"HTTP/1.1 200 -\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n"
    return head % len(text) + text


class Refused(Exception):  # noqa: N818  # it is what the gateway answers
    def __init__(self, status, code, message, **info):
        super().__init__(message)
        self.status, self.body = status, {"error": {"code": code, "message": message, "info": info}}


class Gateway:
    """One gateway.

    Parameters
    ----------
    globus_auth
        Who knows the tokens: the stand-in for Globus Auth.
    llama
        The server that answers for all models; what it is asked for goes by its own name.
    clusters
        The frameworks of each cluster, and their models.
    """

    def __init__(self, globus_auth, llama, clusters):
        self._auth, self._llama, self.clusters = globus_auth, llama, clusters
        self.jobs = {}  # what runs, by cluster and model: the words of its entry
        self.details = {}  # what a gateway that is new enough says of models, by name
        self.demands_policy, self.not_in_group = False, False
        self.maintenance, self.spent = {}, False
        self.patience, self.cached = 0.3, 0.0
        self.tells, self.per_second = True, 500
        self.streams_stall, self.cuts_streams = False, False
        self.refused_as_too_often = 0
        self.broken = None  # an answer to everything, as a proxy before the gateway would give it
        self.asked, self.tokens = [], set()
        self._triggered, self._told, self._recent = set(), {}, deque()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/resource_server"

    def runs(self, cluster, model, status="running", **more):
        """Have a model's job in this state from now on."""
        self.jobs[cluster, model] = {"Model Status": status, "Job ID": "4711.sophia", **more}

    def count(self, ending):
        """Count the requests for routes that end so."""
        return sum(path.endswith(ending) for path, _ in self.asked)

    # the wire

    async def _serve(self, reader, writer):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.rstrip().split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            path = first.split(" ")[1].removeprefix("/resource_server")
            self.asked.append((path, body))
            try:
                answer = await self._answer(path, headers, body)
            except Refused as refused:
                answer = refused.status, refused.body
            if answer is None:
                await self._pass_on(path, body, writer)
            else:
                status, said, *kind = answer
                text = said if isinstance(said, bytes) else json.dumps(said).encode()
                head = f"HTTP/1.1 {status} -\r\ncontent-length: {len(text)}\r\n"
                head += f"content-type: {kind[0] if kind else 'application/json'}\r\n\r\n"
                writer.write(head.encode() + text)
        with contextlib.suppress(OSError):
            await writer.drain()
            writer.close()

    async def _pass_on(self, path, body, writer):
        """Have the real server answer; all of it, or a stream as it comes."""
        asked = json.loads(body)
        sent = json.dumps({**asked, "model": self._llama.name}).encode()
        reader, there = await asyncio.open_connection("127.0.0.1", self._llama.port)
        head = (
            f"POST /v1/{path.partition('/v1/')[2]} HTTP/1.1\r\nHost: llama\r\nConnection: close\r\n"
            f"Authorization: Bearer {KEY}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(sent)}\r\n\r\n"
        )
        there.write(head.encode() + sent)
        if self.cuts_streams:
            writer.write(_cut_short(await reader.read()))
            return
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        there.close()

    # the routes

    async def _answer(self, path, headers, body):
        """Return status and body, or nothing where the real server is to answer."""
        if self.broken is not None:
            return self.broken
        if self._is_too_often():
            return 429, {"detail": "Too many requests."}
        self._admit(headers.get("authorization", ""))
        cluster, *rest = path.strip("/").split("/")
        if cluster == "list-endpoints":
            return 200, self._endpoints()
        if cluster not in self.clusters:
            raise Refused(404, "cluster_not_found", f"The requested cluster {cluster!r} does not exist.")
        if rest == ["jobs"]:
            if not self.tells:
                message = f"Error: Endpoint {cluster}/jobs is offline."
                raise Refused(500, "failed_to_get_cluster_jobs", message)
            return 200, self._jobs(cluster)
        if rest == ["models"]:
            told = [{"id": name, "object": "model", **more} for name, more in self.details.items()]
            return (200, told) if told else (404, {"detail": "Not Found"})
        return await self._infer(cluster, rest[0], "/".join(rest[2:]), json.loads(body))

    def _is_too_often(self):
        now = time.monotonic()
        while self._recent and now - self._recent[0] > 1:
            self._recent.popleft()
        self._recent.append(now)
        is_too_often = len(self._recent) > self.per_second
        self.refused_as_too_often += is_too_often
        return is_too_often

    def _admit(self, authorization):
        token = authorization.removeprefix("Bearer ")
        self.tokens.add(token)
        try:
            claims = self._auth.whoami(token, ID)
        except auth.Refused:
            raise Refused(401, "unauthorized", "Token is either not active or invalid") from None
        if self.demands_policy and POLICY not in claims["session"].get("session_required_policies", ""):
            raise Refused(401, "unauthorized", OLD_SESSION)
        if self.not_in_group:
            raise Refused(401, "unauthorized", "Error: User is not a member of an allowed Globus Group.")

    def _endpoints(self):
        routes = ["/v1/chat/completions", "/v1/completions", "/v1/embeddings"]
        return {
            "clusters": {
                cluster: {
                    "base_url": f"/resource_server/{cluster}",
                    "frameworks": {
                        framework: {"models": sorted(models), "endpoints": routes}
                        for framework, models in frameworks.items()
                    },
                }
                for cluster, frameworks in self.clusters.items()
            }
        }

    def _jobs(self, cluster):
        told = self._told.get(cluster)
        if told is None or time.monotonic() - told[0] > self.cached:
            told = self._told[cluster] = time.monotonic(), self._jobs_now(cluster)
        return told[1]

    def _jobs_now(self, cluster):
        buckets = {"running": [], "queued": [], "stopped": [], "others": []}
        for (where, model), words in self.jobs.items():
            if where == cluster:
                status = words["Model Status"]
                bucket = {"queued": "queued", "stopped": "stopped"}.get(status, "running")
                buckets[bucket].append({"Models": model, "Framework": "vllm", "Cluster": cluster, **words})
        return {
            **buckets,
            "private_batch_running": [],
            "private_batch_queued": [],
            "cluster_status": {"free_nodes": 3},
        }

    async def _infer(self, cluster, framework, route, body):
        model = body["model"]
        if cluster in self.maintenance:
            raise Refused(503, "cluster_under_maintenance", self.maintenance[cluster])
        if model not in self.clusters[cluster].get(framework, ()):
            raise Refused(404, "endpoint_not_found", f"The requested endpoint {model!r} does not exist.")
        if route == "responses":
            raise Refused(400, "unsupported_endpoint", f"{route!r} not available on cluster {cluster!r}")
        if self.spent:
            usage = {"global_model_usage": 100_000, "user_model_usage": 60_001}
            raise Refused(429, "too_many_requests", "Tokens/minute limit exceeded", **usage)
        if self.streams_stall and body.get("stream"):
            return 200, STALLED, "text/event-stream"
        if self.jobs.get((cluster, model), {}).get("Model Status") != "running":
            await self._cold(cluster, framework, model)
        return None

    async def _cold(self, cluster, framework, model):
        """Hold the first request for a model that does not run, and send all others away, until it runs."""
        if (cluster, model) in self._triggered:
            slug = f"{cluster}-{framework}-{model.lower().replace('/', '')}"
            raise Refused(503, "internal_endpoint_error", NOT_READY.format(slug))
        self._triggered.add((cluster, model))
        if (cluster, model) not in self.jobs:
            self.runs(cluster, model, "queued", **{"Job Comments": "Not Running: no node is free"})
        await asyncio.sleep(self.patience)
        message = "TimeoutError while attempting to access compute resources. Please try again later."
        raise Refused(408, "request_timeout", message, task_id="5c4d")
