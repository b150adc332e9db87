"""What the checks are given: Jupyter's settings of this environment and user."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from jupyter_core.paths import jupyter_runtime_dir
from jupyter_server.extension.config import ExtensionConfigManager
from jupyter_server.serverapp import ServerApp

from first_jupyter_server import layers
from first_jupyter_server.extension import FirstApp

__all__ = ["Subject"]


@dataclass(frozen=True)
class Subject:
    """What is looked over.

    Parameters
    ----------
    data, runtime
        Where first-jupyter keeps what lasts, and where Jupyter keeps what a server's life is long.
    enabled
        Whether Jupyter's configuration enables the server extension; None where no file speaks of it.
    federation
        All parts of the federation put together.
    environment
        The environment's variables.
    """

    data: Path
    runtime: Path
    enabled: bool | None = True
    federation: layers.Layered = field(default_factory=lambda: layers.read([], []))
    environment: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def here(cls) -> Self:
        """Read what a server started here would be told."""
        server = ServerApp()
        server.load_config_file()
        first = FirstApp(config=server.config)
        first.load_config_file()
        manager = ExtensionConfigManager(read_config_path=server.config_file_paths)
        named = manager.get_jpserver_extensions()  # type: ignore[no-untyped-call]
        stated = server.config.ServerApp.get("jpserver_extensions")
        enabled = {**named, **(stated if isinstance(stated, dict) else {})}
        return cls(
            data=Path(first.data_dir),
            runtime=Path(jupyter_runtime_dir()),
            enabled=enabled.get("first_jupyter_server"),
            federation=layers.read(*layers.files(first.federation_file)),
            environment=dict(os.environ),
        )
