"""Which endpoints could be added to the federation, and how one is added while Jupyter runs."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_config_dir

from first_jupyter_server import config
from first_jupyter_server.auth.on_demand import LoginOnDemand
from first_jupyter_server.auth.scopes import COMPUTE
from first_jupyter_server.errors import ApiError
from first_jupyter_server.federation.federation import Federation
from first_jupyter_server.federation_file import NotOurs, add_cluster, lines

from . import kinds
from .globus_directory import Endpoint, GlobusDirectory
from .globus_endpoint import executor as make_executor
from .globus_executor import CONTROL
from .globus_faults import NOT_INSTALLED, ComputeFault, offline
from .overview import Overview

__all__ = ["Discovery", "find_offer", "free_name"]

Json = dict[str, Any]

SEARCH = 120.0
"""Seconds for an endpoint to tell which weights it has; its first task may have to start a process."""
LOOKED_AT = 10
"""Offers of which it is told whether they are online; the service takes 20 requests in 10 s."""
NOT_HERE = """\
Here the administrator alone says which clusters there are (JupyterHub's disable_user_config). Ask for \
{wanted} to be added to the site's federation file."""
NO_WEIGHTS = """\
{name} tells of no weights. Whoever looks after it can name the folder that has them (`first-remote deploy \
--models-dir DIR`); or add a model by hand below 'clusters:' in {file}, and restart Jupyter:

{lines}"""


class Discovery:
    """What else this login can use.

    Parameters
    ----------
    clusters
        What the federation file says.
    file
        The user's part of the federation, where there is one.
    may_begin
        Whether one may be begun where there is none.
    embedded
        Whether those are the clusters of the embedded federation.
    problems
        What is wrong with it.
    login
        The login with Globus.
    federation
        What a new cluster joins.
    here
        What it finds in this server.
    """

    def __init__(
        self,
        clusters: Mapping[str, config.AnyCluster],
        *,
        file: Path | None,
        may_begin: bool = True,
        embedded: bool,
        problems: tuple[str, ...],
        login: LoginOnDemand,
        federation: Federation,
        here: kinds.Surroundings,
    ) -> None:
        self.file, self._embedded, self._may_begin = file, embedded, may_begin
        self._clusters, self._problems = dict(clusters), problems
        self._login, self._federation, self._here = login, federation, here
        tokens = login.login.tokens
        self._directory = GlobusDirectory(
            lambda: tokens.authorizer(COMPUTE), lambda error: tokens.demanded(error, COMPUTE)
        )
        self.overview = Overview(federation, self._endpoints, self._known_trouble)
        self._adding = asyncio.Lock()

    async def offers(self) -> Json:
        """Return the endpoints that could be added, and why none can be told if so; asks Globus."""
        trouble = await self._trouble()
        if trouble is not None:
            return {"offers": [], "problem": trouble}
        (offers, problem), found = await asyncio.gather(
            self._offers(), self._directory.statuses(self._endpoints().values())
        )
        self.overview.learn(found)
        self._here.changed()
        return {"offers": offers, "problem": problem}

    async def add(self, wanted: str, name: str = "") -> Json:
        """Add an endpoint with the models that it has weights of; return its entry.

        Parameters
        ----------
        wanted
            The endpoint's id, or the name of one that is offered.
        name
            What the cluster shall be called; by default after the endpoint.

        Raises
        ------
        ApiError
            With what to do instead.
        """
        async with self._adding:
            if self.file is None and not self._may_begin:
                raise _conflict(NOT_HERE.format(wanted=wanted), "federation_file_not_yours")
            if self._problems:
                raise _conflict(f"Mend the federation file first: {self._problems[0]}", "federation_problem")
            await self._login.for_clusters()
            if (trouble := await self._trouble()) is not None:
                raise ApiError(401, trouble, kind="authentication_error", code="login_required")
            try:
                endpoint = await self._endpoint(wanted)
                name = self._name(name, endpoint)
                said = await self._said(endpoint)
            except ComputeFault as fault:
                message = f"{wanted} was not added: {fault.reason}."
                raise ApiError(502, message, kind="server_error", code="endpoint_failed") from None
            await self._write(name, endpoint, said)
            return next(entry for entry in self.overview.entries() if entry["cluster"] == name)

    # what there is

    async def _trouble(self) -> str | None:
        """Return why Globus Compute cannot be asked, and the remedy."""
        if self._login.by_itself and find_spec("globus_compute_sdk") is not None:
            await self._login.for_clusters()
        if self._login.needed:
            await self._login.login.look()
        return self._known_trouble()

    def _known_trouble(self) -> str | None:
        """Return the same as far as it is known at once."""
        if find_spec("globus_compute_sdk") is None:
            return f"{NOT_INSTALLED}, then restart Jupyter."
        if not (self._login.needed and self._login.is_for_clusters):
            by_itself = self._login.by_itself
            return (
                None
                if by_itself
                else "Nobody has logged in with Globus for Globus Compute; `%first login` does that."
            )
        state = self._login.login.state
        return None if state.state == "logged_in" else f"{state.sentence} `%first login` does that."

    async def _offers(self) -> tuple[list[Json], str | None]:
        try:
            usable = await self._directory.usable()
        except ComputeFault as fault:
            return [], f"The endpoints that you can use cannot be listed: {fault.reason}."
        known = self._endpoints().values()
        offers = [endpoint for endpoint in usable if endpoint.id not in known]
        states = await self._directory.statuses(endpoint.id for endpoint in offers[:LOOKED_AT])
        online = {"online": True, "offline": False}
        return [
            {
                "endpoint": endpoint.id,
                "name": endpoint.name,
                "owner": endpoint.owner,
                "online": online.get(states[endpoint.id].state) if endpoint.id in states else None,
            }
            for endpoint in offers
        ], None

    def _endpoints(self) -> dict[str, str]:
        """Return the endpoints of the federation, by their clusters' names."""
        return {name: endpoint for name, each in self._clusters.items() if (endpoint := _endpoint_of(each))}

    # one more

    async def _endpoint(self, wanted: str) -> Endpoint:
        is_id = re.fullmatch(config.UUID, wanted) is not None
        if is_id:
            endpoint = await self._directory.endpoint(wanted.lower())
        else:
            endpoint = find_offer(wanted, await self._directory.usable())
        for name, known in self._endpoints().items():
            if known == endpoint.id:
                raise _conflict(f"That endpoint is in the federation already, as {name}.", "cluster_known")
        return endpoint

    def _name(self, name: str, endpoint: Endpoint) -> str:
        if not name:
            return free_name(endpoint.name, self._clusters)
        if re.fullmatch(config.NAME, name) is None:
            message = f"{name!r} cannot name a cluster: use letters, digits, '.', '_' and '-'."
            raise ApiError(400, message, code="invalid_value", param="name")
        if name in self._clusters:
            raise _conflict(f"There is a cluster {name} already: give another name.", "cluster_known")
        return name

    async def _said(self, endpoint: Endpoint) -> Json:
        """Return what the file is to say of an endpoint, but for its models by what it tells of itself."""
        found = await self._directory.statuses([endpoint.id])
        self.overview.learn(found)
        if found[endpoint.id].state == "offline":
            raise offline(endpoint.id)
        function = await self._directory.allowed(endpoint.id)
        executor = make_executor(endpoint.id, function, self._here)
        try:
            found = await executor.call(CONTROL, "shelf", patience=SEARCH)
        finally:
            await executor.close()
        models = [
            {
                "id": each["id"],
                "backend": "vllm",
                "weights": each["path"],
                **({"embeddings": True} if each["embeddings"] else {}),
            }
            for each in found
        ]
        named = {"function": function} if function else {}
        return {"kind": "globus-compute", "endpoint": endpoint.id, **named, "models": models}

    async def _write(self, name: str, endpoint: Endpoint, said: Json) -> None:
        file = self.file or Path(jupyter_config_dir()) / "first.yaml"
        if not said["models"]:
            example = {"id": "ORG/NAME", "backend": "vllm", "weights": "/the/folder/on/the/cluster"}
            shown = lines(name, {**said, "models": [example]})
            message = NO_WEIGHTS.format(name=endpoint.name or endpoint.id, file=file, lines=shown)
            raise _conflict(message, "no_weights")
        try:
            cluster = await asyncio.to_thread(add_cluster, file, name, said, embedding=self._embedded)
        except NotOurs as error:
            raise _conflict(str(error), "federation_file_not_yours") from None
        except config.Problem as error:
            raise _conflict(str(error), "federation_problem") from None
        self.file, self._here = file, replace(self._here, federation_file=file)
        self._clusters[name] = cluster
        for joined in kinds.make(name, cluster, self._here):
            self._federation.add(joined)
            await joined.open()
        self._federation.changed()


def find_offer(wanted: str, offers: list[Endpoint]) -> Endpoint:
    """Return the endpoint that goes by a name.

    Raises
    ------
    ApiError
        Where there is none, or more than one.
    """
    found = [each for each in offers if wanted in (each.name, _slug(each.name))]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(each.id for each in found)
        raise _conflict(f"{len(found)} endpoints are called {wanted}: give the id, {ids}.", "ambiguous")
    names = ", ".join(each.name for each in offers) or "none"
    message = f"This login can use no endpoint called {wanted}; it can use: {names}."
    raise ApiError(404, message, code="endpoint_not_found", param="endpoint")


def free_name(text: str, taken: Mapping[str, Any]) -> str:
    """Make a cluster's name of an endpoint's, one that no cluster has."""
    name = _slug(text) or "cluster"
    names = (name, *(f"{name}-{number}" for number in range(2, len(taken) + 2)))
    return next(each for each in names if each not in taken)


def _slug(text: str) -> str:
    # `first-remote deploy` calls its endpoints "lab: first-jupyter on Slurm".
    return re.sub(r"[^a-z0-9._]+", "-", text.partition(":")[0].lower()).strip("-._")


def _endpoint_of(cluster: config.AnyCluster) -> str | None:
    return cluster.endpoint.lower() if isinstance(cluster, config.GlobusComputeCluster) else None


def _conflict(message: str, code: str) -> ApiError:
    return ApiError(409, message, code=code)
