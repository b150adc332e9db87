"""A server that speaks the wire, and a real IPython that talks to it."""

import signal
import sys
import time
from types import SimpleNamespace

import pytest
from wire import KEY, Wire

# A shell that runs the tests in the background has them ignore what Ctrl-C sends; kernels do not.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def no_server(monkeypatch, tmp_path):
    """A machine on which no server runs; returns the empty runtime folder."""
    for name in ("FIRST_BASE_URL", "FIRST_API_KEY", "JPY_PARENT_PID"):
        monkeypatch.delenv(name, raising=False)
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")  # so that what the magics set is taken back
        monkeypatch.delenv(name)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def wire(no_server, monkeypatch):
    """The server, and an environment that names it."""
    served = Wire()
    monkeypatch.setenv("FIRST_BASE_URL", served.base_url)
    monkeypatch.setenv("FIRST_API_KEY", KEY)
    yield served
    served.server.shutdown()
    served.server.server_close()


@pytest.fixture
def batches(wire, tmp_path):
    """Start the process of batches: `batches(say=..., may=...)`; a second one takes its place."""
    from batch_process import BatchProcess

    def start(**how):
        end()
        wire.batches = BatchProcess(tmp_path / "batches", **how)
        return wire.batches

    def end():
        if wire.batches is not None:
            ended, wire.batches = wire.batches, None
            ended.end()

    start.end = end
    yield start
    end()


@pytest.fixture(scope="session")
def ipython(tmp_path_factory):
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    return InteractiveShell.instance(config=config)


@pytest.fixture
def shell(ipython, wire, monkeypatch):
    """IPython with the magics; `shell.cell(text)` runs one and returns what it showed."""
    from IPython.utils.capture import capture_output

    from first_jupyter import _session

    _session.session.__init__()
    monkeypatch.delattr(sys, "last_value", raising=False)  # an error of the test before
    ipython.reset(new_session=True)
    ipython.config.pop("First", None)
    ipython.run_line_magic("load_ext", "first_jupyter")

    def cell(text):
        with capture_output() as seen:
            result = ipython.run_cell(text, store_history=True)
        outputs = [out for out in seen.outputs if out.data is not None]
        final = outputs[-1] if outputs else SimpleNamespace(data={}, metadata={})
        return SimpleNamespace(
            result=result.result,
            error=result.error_in_exec,
            outputs=outputs,
            data=final.data,
            metadata=final.metadata or {},
            markdown=final.data.get("text/markdown", ""),
            plain=final.data.get("text/plain", ""),
            printed=seen.stdout + seen.stderr,
        )

    ipython.cell = cell
    yield ipython
    ipython.run_line_magic("unload_ext", "first_jupyter")


@pytest.fixture
def kernel(wire):
    """A real kernel that finds the server: its manager and its client."""
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3")
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.fixture
def eventually():
    """Wait until something is so."""

    def wait(condition, seconds=5.0):
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, "it never came"
            time.sleep(0.01)

    return wait
