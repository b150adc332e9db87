"""The extension: traits and lifecycle, and nothing else."""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from jupyter_core.paths import jupyter_config_dir, jupyter_data_dir, jupyter_runtime_dir
from jupyter_server.extension.application import ExtensionApp
from traitlets import Enum, Int, Unicode, default

from . import ai, heard, kernel_env, layers
from .activity import Activity
from .allow import AllowLists, Person
from .auth import key as keys
from .auth.opened import opened
from .batch.limits import MAX_UPLOADS
from .batch.supervisor import BatchSupervisor
from .clusters import key_source, kinds
from .clusters.discovery import Discovery
from .control import handlers as control_handlers
from .control.api import ControlApi
from .control.news import News
from .data_folder import DataFolder
from .dataplane.pool import Pool
from .dataplane.supervisor import Supervisor
from .federation.catalog import Catalog
from .federation.federation import Federation
from .federation.history import StartHistory
from .federation.purse import Purse
from .federation.scaler import Scaler
from .federation.terms import budgets, terms
from .metrics import handler as metrics_handler
from .metrics.metrics import Metrics
from .metrics.standing import look
from .notebooks import Notebooks
from .openai import files as files_handlers
from .openai import handlers as openai_handlers
from .paths import entrance
from .paths.doors import Doors
from .paths.meeting_place import MeetingPlace, MeetingPlaceError
from .paths.relay import Relay
from .paths.rooms import Rooms
from .request_log import RequestLog
from .runtime_file import RuntimeFile
from .usage import ledger

__all__ = ["FirstApp"]


class FirstApp(ExtensionApp):
    """Large language models on the lab's own machines, for every kernel of this server."""

    name = "first"

    federation_file = Unicode(
        help="Your part of the federation (YAML). Default: first.yaml in your Jupyter config folder. The "
        "site's part is first.yaml in the system's. Without any, a small model on this machine."
    ).tag(config=True)
    data_dir = Unicode(
        help="Where the choice of a model, the record of usage and replicas' logs are kept."
    ).tag(config=True)
    openai_env = Enum(
        ["if-unset", "never", "always"],
        default_value="if-unset",
        help="Whether kernels find OPENAI_BASE_URL and OPENAI_API_KEY set; if-unset: where neither is.",
    ).tag(config=True)
    max_body = Int(32 * 2**20, help="The largest request body, in bytes.").tag(config=True)

    max_uploads = Int(
        MAX_UPLOADS, help="The bytes that all files of batches may have together; uploads beyond are refused."
    ).tag(config=True)
    public_url = Unicode(
        help="Where the nodes of a cluster reach this server, as https://hub.site.edu/user/name/ does; they "
        "dial it where it cannot reach them. Default: what JupyterHub says of it, if anything."
    ).tag(config=True)

    relay_url = Unicode(
        help="The relay, as https://relay.site.edu, where this server meets nodes of a cluster that it "
        "cannot reach, and that cannot reach it."
    ).tag(config=True)
    relay_key_file = Unicode(
        help="The file (mode 0600) with your access key to that relay, and nothing else."
    ).tag(config=True)

    @default("public_url")
    def _default_public_url(self) -> str:
        return os.environ.get("JUPYTERHUB_PUBLIC_URL", "")

    @default("federation_file")
    def _default_federation_file(self) -> str:
        found = layers.files("", of_users=self._users_have_parts)[1]
        users = [path for path in found if path.parent == Path(jupyter_config_dir())]
        return str(users[0]) if users else ""

    @default("data_dir")
    def _default_data_dir(self) -> str:
        return str(Path(jupyter_data_dir()) / "first")

    @property
    def _users_have_parts(self) -> bool:
        """Whether a user's own part of the federation counts; a JupyterHub may have disabled such files."""
        return not getattr(self.serverapp, "disable_user_config", False)

    def _link_jupyter_server_extension(self, serverapp: Any) -> None:
        """Have our say in the server's configuration before other extensions read it."""
        super()._link_jupyter_server_extension(serverapp)
        ai.prefer(serverapp.config)

    def initialize_settings(self) -> None:
        """Build everything that needs no running loop."""
        # ServerApp's traits carry no types.
        self._server = cast("Any", self.serverapp)
        self.news = News(self._server.event_logger)
        self.key = keys.new_key()
        self.batches_under_way = 0
        times = self._server.web_app.settings["last_activity_times"]
        self.activity = Activity(times, lambda: self.current_activity() is not None)
        self.dataplane = Supervisor(partial(heard.of_dataplane, self), self.log)
        self.dataplane.listen()
        self.to_dataplane = Pool("127.0.0.1", self.dataplane.port)
        self.folder = DataFolder(Path(self.data_dir))
        data = self.folder.path
        if self.folder.problem:
            self.log.error("%s", self.folder.problem)
        layered = self._read_federation()
        file, problems = layered.file, layered.problems
        self.federation = Federation(
            problems=problems,
            allow=AllowLists(layered.allow, Person.here()),
            choice_file=data / "choice.json",
            log=self.log,
        )
        named = Path(self.federation_file) if self.federation_file else None
        self.login = opened(
            file, data / "globus", callback=self._callback_url, changed=self.news.login, log=self.log
        )
        self.doors = Doors(
            lambda: f"{self.public_url.rstrip('/')}/first/tunnel" if self.public_url else "",
            lambda replica: self.dataplane.send({"type": "shut", "replica": replica}),
        )
        self.rooms = self._rooms(data / "rendezvous.pem")
        self.relay = Relay(self.log)
        self.ledger = ledger.Ledger(data / ledger.FILE, self.log)
        self.requests = RequestLog(self.log, verbose=cast("int", self.log_level) <= logging.DEBUG)
        here = kinds.Surroundings(
            data=data,
            federation_file=named,
            tokens=self.login.login.tokens,
            history=StartHistory(data / "starts.json"),
            changed=self.federation.changed,
            log=self.log,
            environment=key_source.take(file.clusters.values(), os.environ),
            idle=self._idle,
            doors=self.doors,
            rooms=self.rooms,
            relay=self.relay,
            held=self.ledger.hold,
        )
        for name, cluster in file.clusters.items():
            for made in kinds.make(name, cluster, here):
                self.federation.add(made)
        self.batches = BatchSupervisor(data / "batch", partial(heard.of_batches, self), self.log)
        self.discovery = Discovery(
            file.clusters,
            file=named,
            embedded=not layered.origins,
            may_begin=self._users_have_parts,
            problems=problems,
            login=self.login,
            federation=self.federation,
            here=here,
        )
        self.notebooks = Notebooks(
            lambda: [cluster.name for cluster in self.federation.clusters], self.dataplane.push_rules
        )
        self.control = ControlApi(
            self.federation,
            self.dataplane,
            self.ledger,
            self.discovery,
            (*problems, *filter(None, (self.folder.problem,))),
            {},
            self.login,
            self.notebooks,
        )
        self.metrics = Metrics(partial(look, self))
        said = terms(file.clusters)
        purse = Purse(budgets(file.clusters), said, data / "spent.json")
        self.scaler = self.federation.limits = Scaler(self.federation, said, purse, self.log)
        self.federation.listen(self._catalog_changed)
        self.federation.listen(self.scaler.changed)
        self.federation.heed(lambda catalog: self.news.clusters(self.discovery.overview.news(catalog)))
        when = cast("kernel_env.When", self.openai_env)
        kernel_env.add_to_sessions(
            self._server.session_manager,
            base_url=self.dataplane.base_url,
            key=self.key,
            openai=when,
            label=self.notebooks.label,
        )

    def initialize_handlers(self) -> None:
        """Name the routes."""
        for pattern, handler in (
            *control_handlers.default_handlers,
            *metrics_handler.default_handlers,
            *files_handlers.default_handlers,
            *openai_handlers.default_handlers,
            *entrance.default_handlers,
        ):
            self.handlers.append((pattern, handler, {"first": self}))

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:
        """Start the data plane and tell other processes of this user where it is."""
        await self.login.start()
        self.dataplane.push_catalog(self.federation.catalog().to_json())
        self.batches.push_catalog(self.federation.catalog().to_json())
        await self.dataplane.start(
            key=self.key,
            max_body=self.max_body,
            relay=self.relay.path,
            batches=self.batches.path,
            batch_key=self.batches.key,
        )
        self._open_batches()
        self.federation.changed()
        await self.federation.open()
        self.scaler.start()
        self.metrics.lateness.start()
        self.activity.start()
        ai.join(self)
        self.runtime_file = RuntimeFile(Path(jupyter_runtime_dir()))
        try:
            self.runtime_file.write(
                {
                    "base_url": self.dataplane.base_url,
                    "api_key": self.key,
                    "server_url": serverapp.connection_url,
                    "version": self.control.version,
                }
            )
        except OSError as error:
            self.log.warning("Terminals will not find first-jupyter by themselves: %s", error)
        names = "FIRST_*" if self.openai_env == "never" else "FIRST_* and OPENAI_*"
        self.log.info("first-jupyter serves %s; kernels find it in %s", self.dataplane.base_url, names)

    async def stop_extension(self) -> None:
        """End what was started."""
        if hasattr(self, "runtime_file"):
            self.runtime_file.remove()
        self.to_dataplane.close()
        self.news.close()
        self.metrics.lateness.stop()
        self.activity.stop()
        await self.scaler.close()
        await self.batches.stop()
        await self.relay.close()
        await self.federation.close()
        await self.login.login.close()
        await self.dataplane.stop()
        self.ledger.close()
        self.folder.close()

    def current_activity(self) -> dict[str, int] | None:
        """Keep the server from being culled while answers are being written."""
        busy = sum(running + waiting for running, waiting in self.control.counts.values())
        busy += self.batches_under_way
        return {"requests": busy} if busy else None

    def _idle(self) -> float:
        """Return the seconds since somebody did something in Jupyter."""
        last: datetime = self._server.web_app.last_activity()
        return (datetime.now(UTC) - last).total_seconds()

    def _read_federation(self) -> layers.Layered:
        """Read all parts of the federation, and tell what is wrong with them."""
        layered = layers.read(*layers.files(self.federation_file, of_users=self._users_have_parts))
        for problem in layered.problems:
            self.log.error("%s", problem)
        if layered.problems and not layered.origins:
            self.log.error("No cluster is left that can be used; the small model on this machine stands in.")
        return layered

    def _rooms(self, identity: Path) -> Rooms:
        """Return the rooms at the relay that the configuration names; where it cannot be used, tell why."""
        try:
            relay = MeetingPlace.named(self.relay_url, self.relay_key_file) if self.relay_url else None
            return Rooms(relay, identity, self.dataplane.send)
        except (MeetingPlaceError, OSError) as error:
            self.log.error("No node is met at a relay: %s", error)
            return Rooms()

    def _callback_url(self, redirect: bool | str) -> str:
        """Return where Globus sends browsers back to; the port is known only once the server runs."""
        own = urlsplit(self._server.connection_url)
        origin = redirect if isinstance(redirect, str) else f"{own.scheme}://{own.netloc}"
        return f"{origin}{own.path}first/api/oauth/callback"

    def _catalog_changed(self, old: Catalog, new: Catalog) -> None:
        self.dataplane.push_catalog(told := new.to_json())
        self.batches.push_catalog(told)
        self.news.catalog(old, new)
        self.metrics.counted.catalog(old, new)

    def _open_batches(self) -> None:
        try:
            port, relay = self.dataplane.port, self.relay.path
            self.batches.open(port=port, key=self.key, relay=relay, max_uploads=self.max_uploads)
        except OSError as error:
            self.log.error("There are no batches: %s", error)
