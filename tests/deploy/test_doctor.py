"""What `first-remote doctor` finds, with commands and servers that answer as real ones do."""

import dataclasses
import json
import os
import socket
import sys
import threading
from pathlib import Path

import pytest
from first_jupyter_remote.cli import main
from first_jupyter_remote.doctor import hardware, network, scheduler, software, storage
from first_jupyter_remote.doctor.command import CHECKS
from first_jupyter_remote.doctor.subject import Subject
from first_jupyter_remote.protocol import ModelSpec, Weights
from first_jupyter_remote.protocol.finding import fail, ok
from first_jupyter_remote.protocol.report import as_table

SLURM = """\
PartitionName=debug AllowGroups=ALL Default=NO MaxNodes=8 MaxTime=00:30:00 MinNodes=0 State=UP
PartitionName=gpu AllowGroups=ALL Default=YES MaxNodes=UNLIMITED MaxTime=2-00:00:00 MinNodes=0 State=UP
PartitionName=lab AllowGroups=ALL Default=NO MaxNodes=UNLIMITED MaxTime=UNLIMITED MinNodes=0 State=UP
"""
PBS = """\
Queue: debug
    queue_type = Execution
    resources_max.walltime = 01:00:00
    resources_min.walltime = 00:05:00
Queue: prod
    queue_type = Route
    route_destinations = small,medium
"""
NVIDIA = "\n".join(["NVIDIA A100-SXM4-40GB, 40960 MiB, 550.54.15"] * 4)


def subject(**facts):
    return Subject(environment=dict(os.environ), **facts)


def test_slurms_limits_are_read_per_partition():
    assert scheduler.longest_slurm(SLURM) == {"debug": 30, "gpu": 2880, "lab": None}


def test_pbs_limits_are_read_per_queue():
    assert scheduler.longest_pbs(PBS) == {"debug": 60, "prod": None}


@pytest.mark.parametrize(
    ("value", "minutes"),
    [("00:30:00", 30), ("2-00:00:00", 2880), ("UNLIMITED", None), ("", None), ("90", 90)],
)
def test_slurms_spellings_of_time(value, minutes):
    assert scheduler.slurm_minutes(value) == minutes


@pytest.mark.parametrize(
    ("kind", "name", "text", "queue", "walltime", "status", "words"),
    [
        ("slurm", "scontrol", SLURM, "gpu", 360, "ok", "gpu 48:00:00"),
        ("slurm", "scontrol", SLURM, "debug", 360, "fail", "debug allows 00:30:00"),
        ("slurm", "scontrol", SLURM, "lab", 99999, "ok", "lab unlimited"),
        ("pbs", "qstat", PBS, "debug", 120, "fail", "debug allows 01:00:00"),
        ("pbs", "qstat", PBS, "prod", 120, "ok", "prod unlimited"),
        ("pbs", "qstat", "", "prod", 120, "warn", "does not tell"),
    ],
)
def test_a_walltime_is_compared_with_the_queues_limit(
    kind, name, text, queue, walltime, status, words, command
):
    command(name, text)
    finding = scheduler.check_walltime(subject(scheduler=kind, queue=queue, walltime=walltime))
    assert (finding.status, words in finding.found) == (status, True)


def test_a_qos_is_asked_of_the_accounting(command):
    command("sacctmgr", "regular|2-00:00:00")
    finding = scheduler.check_walltime(
        subject(scheduler="slurm", queue="regular", queue_is="qos", walltime=3000)
    )
    assert (finding.status, "regular allows 48:00:00" in finding.found) == ("fail", True)


def test_missing_commands_are_named(command):
    command("qsub")
    finding = scheduler.check_commands(subject(scheduler="pbs"))
    assert (finding.status, finding.found) == ("fail", "no qdel, qstat on PATH")


def test_gpus_are_counted(command):
    command("nvidia-smi", NVIDIA)
    assert hardware.check_gpus(subject()).found == "4 x NVIDIA A100-SXM4-40GB 40960 MiB, driver 550.54.15"


def test_no_gpu_is_worth_a_look_and_no_failure(command):
    for name in ("nvidia-smi", "rocm-smi", "xpu-smi"):
        command(name, code=9)
    assert hardware.check_gpus(subject()).status == "warn"


@pytest.mark.parametrize(
    ("soft", "hard", "status"),
    [(1024, 4096, "warn"), (1024, 1 << 20, "warn"), (1 << 16, 1 << 20, "ok"), (-1, -1, "ok")],
)
def test_limits_on_open_files(soft, hard, status):
    assert hardware.judge_open_files(soft, hard).status == status


@pytest.mark.parametrize(("drift", "status"), [(0.4, "ok"), (-60, "warn"), (60, "warn"), (-400, "fail")])
def test_a_clock_that_is_off_loses_commands(drift, status):
    assert network.judge_drift(drift).status == status


@pytest.mark.parametrize(
    ("name", "address", "useful"),
    [("lo", "127.0.0.1", False), ("docker0", "172.17.0.1", False), ("hsn0", "10.1.2.3", True)],
)
def test_addresses_that_others_can_reach(name, address, useful):
    assert network.is_useful(name, address) is useful


@pytest.mark.parametrize(
    ("facts", "status", "words"),
    [
        ({"interface": "hsn9"}, "fail", "no interface hsn9 here; there are lo 127.0.0.1"),
        ({"interface": "lo"}, "ok", "lo 127.0.0.1"),
        ({"host": "localhost", "scheduler": "slurm"}, "fail", "only this machine reaches it"),
        ({"host": "localhost", "scheduler": "local"}, "ok", "127.0.0.1"),
        ({"host": "no-such-host.invalid"}, "fail", "has no address"),
    ],
)
def test_the_address_that_nodes_knock_at(facts, status, words):
    finding = network.check_address(subject(**facts))
    assert (finding.status, words in finding.found) == (status, True)


def serve_once(answer):
    """Answer one connection with some bytes, and return the port."""
    server = socket.create_server(("127.0.0.1", 0))

    def run():
        connection, _ = server.accept()
        connection.recv(4096)
        connection.sendall(answer)
        connection.close()
        server.close()

    threading.Thread(target=run, daemon=True).start()
    return server.getsockname()[1]


def test_a_port_that_is_closed_is_told_from_one_that_speaks_no_tls():
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]
    assert "refused" in network.reach("127.0.0.1", port=closed)
    assert "SSL" in network.reach("127.0.0.1", port=serve_once(b"SSH-2.0-OpenSSH\r\n"))


def test_a_proxy_that_says_no_is_quoted():
    port = serve_once(b"HTTP/1.1 403 Forbidden\r\n\r\n")
    assert "403 Forbidden" in network.reach("compute.api.globus.org", f"http://127.0.0.1:{port}")


def test_a_model_that_is_not_in_the_offline_cache_fails_with_the_download_as_remedy(tmp_path):
    spec = ModelSpec("org/model", "vllm")
    variables = {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    finding = storage.check_hub(Subject(environment=variables, spec=spec))
    assert (finding.status, "hf download org/model" in finding.remedy) == ("fail", True)
    (tmp_path / "hub" / "models--org--model").mkdir(parents=True)
    assert storage.check_hub(Subject(environment=variables, spec=spec)).status == "ok"


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"GGUF" + bytes(100), "ok", "GB"),
        (b"not a model, but a page", "fail", "no GGUF file"),
        (None, "fail", "No such"),
    ],
)
def test_weights_are_opened(content, status, words, tmp_path):
    path = tmp_path / "model.gguf"
    if content is not None:
        path.write_bytes(content)
    spec = ModelSpec("org/model", "llama.cpp", Weights(path=str(path)))
    finding = storage.check_weights(subject(spec=spec))
    assert (finding.status, words in finding.found) == (status, True)


def test_the_inference_server_is_looked_for_in_the_specs_interpreter():
    there = ModelSpec("m", "llama.cpp", python=sys.executable)
    assert software.check_inference_server(subject(spec=there)).status == "ok"
    nowhere = ModelSpec("m", "vllm", python="/no/such/python")
    finding = software.check_inference_server(subject(spec=nowhere))
    assert (finding.status, "/no/such/python -m pip install vllm" in finding.remedy) == ("fail", True)


def test_the_inference_server_is_looked_for_with_its_modules_loaded(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / ".bash_profile").write_text('echo Welcome; module() { [ "$2" = llama ]; }')
    there = ModelSpec("m", "llama.cpp", python=sys.executable, modules=("llama",))
    environment = {**os.environ, "HOME": str(home)}
    finding = software.check_inference_server(Subject(environment=environment, spec=there))
    assert (finding.status, finding.found.startswith("xllamacpp")) == ("ok", True)
    wrong = dataclasses.replace(there, modules=("lama",))
    finding = software.check_inference_server(Subject(environment=environment, spec=wrong))
    assert (finding.status, "bash -lc 'module load lama'" in finding.remedy) == ("fail", True)


def test_the_true_agent_is_recognised(globus_python):
    folder = Path(globus_python).parent
    variables = {"PATH": f"{folder}:/usr/bin:/bin"}
    finding = software.check_agent(Subject(python=globus_python, environment=variables))
    assert (finding.status, finding.found) == (
        "ok",
        f"globus-compute-endpoint 4.19.0, {folder}/globus-compute-endpoint",
    )
    hidden = Subject(python=globus_python, environment={"PATH": "/usr/bin:/bin"})
    assert "not on PATH" in software.check_agent(hidden).found


def test_files_that_others_may_change_are_a_failure(deploy):
    folder = deploy("--scheduler", "local")
    assert software.check_files(subject(folder=folder)).status == "ok"
    (folder / "config.yaml").chmod(0o666)
    assert "others may change config.yaml" in software.check_files(subject(folder=folder)).found
    (folder / "user_config_schema.json").unlink()
    assert "has no user_config_schema.json" in software.check_files(subject(folder=folder)).found


def test_an_endpoint_is_examined_with_what_deploy_noted(deploy, command, capsys):
    command("sbatch")
    command("scontrol", SLURM)
    folder = deploy("--scheduler", "slurm", "--queue", "debug", "--walltime", "04:00:00", "--address", "lo")
    capsys.readouterr()
    assert main(["doctor", "--endpoint-dir", str(folder), "--json"]) == 1
    rows = {row["check"]: row for row in json.loads(capsys.readouterr().out)}
    assert list(rows) == list(CHECKS)
    assert "debug allows 00:30:00" in rows["walltime"]["found"]
    assert rows["address"]["found"] == "lo 127.0.0.1"
    assert all(row["remedy"] for row in rows.values() if row["status"] != "ok")


def test_what_cannot_be_read_is_said(tmp_path, capsys):
    assert main(["doctor", "--endpoint-dir", str(tmp_path / "none")]) == 2
    assert "cannot read what to look at" in capsys.readouterr().err


def test_a_check_that_stumbles_does_not_hide_the_others(monkeypatch, capsys):
    monkeypatch.setattr(
        "first_jupyter_remote.doctor.command.CHECKS", {"odd": lambda _: 1 / 0, "even": lambda _: ok("2")}
    )
    assert main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "ZeroDivisionError" in said
    assert "1 ok, 1 fail" in said


def test_the_table_keeps_a_remedy_on_one_line_for_copying():
    remedy = "chmod go-w " + "/a/long/path" * 20
    lines = as_table({"files": fail("a " * 100, remedy)}, 80).splitlines()
    assert any(line.endswith(remedy) for line in lines)
    assert max(len(line) for line in lines if remedy not in line) <= 80
