"""What `first-remote deploy` leaves on the disk, and what it says."""

import json

import pytest
from first_jupyter_remote.cli import main

FILES = {
    "README.txt",
    "config.yaml",
    "first-remote.json",
    "user_config_schema.json",
    "user_config_template.yaml.j2",
    "user_environment.yaml",
}


def test_an_endpoint_is_six_files_that_only_their_owner_reads(deploy):
    folder = deploy("--scheduler", "slurm")
    assert {path.name for path in folder.iterdir()} == FILES
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_it_goes_where_the_agent_looks_and_says_what_it_wrote(home, capsys):
    assert main(["deploy", "lab", "--scheduler", "local"]) == 0
    said = capsys.readouterr().out
    assert f"Wrote {home}/.globus_compute/lab" in said
    assert all(name in said for name in FILES)


def test_an_existing_folder_is_left_alone(deploy, tmp_path, capsys):
    folder = deploy("--scheduler", "slurm", "--queue", "old")
    before = (folder / "user_config_template.yaml.j2").read_text()
    assert main(["deploy", "lab", "--out", str(folder), "--scheduler", "slurm", "--queue", "new"]) == 1
    assert "exists already" in capsys.readouterr().err
    assert (folder / "user_config_template.yaml.j2").read_text() == before


def test_force_replaces_the_files_and_keeps_the_endpoints_identity(deploy):
    folder = deploy("--scheduler", "slurm", "--queue", "old")
    (folder / "endpoint.json").write_text("identity")
    deploy("--scheduler", "slurm", "--queue", "new", "--force")
    assert '"new"' in (folder / "user_config_template.yaml.j2").read_text()
    assert '"old"' in (folder / "user_config_template.yaml.j2.old").read_text()
    assert (folder / "endpoint.json").read_text() == "identity"


def test_a_failure_leaves_nothing_behind(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["deploy", "lab", "--scheduler", "local", "--out", str(tmp_path / "file" / "lab")]) == 1
    assert "cannot write" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} <= {"file", "home"}


def test_a_dry_run_prints_the_files_and_writes_none(tmp_path, capsys):
    folder = tmp_path / "lab"
    assert main(["deploy", "lab", "--scheduler", "slurm", "--out", str(folder), "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert all(f"=== {folder / name}" in said for name in FILES)
    assert not folder.exists()


def test_the_readme_gives_three_commands_for_this_folder(deploy):
    folder = deploy("--scheduler", "local")
    text = (folder / "README.txt").read_text()
    assert f"first-remote doctor --endpoint-dir {folder}" in text
    assert f"globus-compute-endpoint -c {folder.parent} start lab" in text
    assert f"globus-compute-endpoint -c {folder.parent} list" in text


def test_the_environment_finds_weights_offline(deploy, tmp_path):
    folder = deploy("--scheduler", "slurm", "--models-dir", str(tmp_path))
    variables = dict(
        line.split(": ", 1) for line in (folder / "user_environment.yaml").read_text().splitlines()[1:]
    )
    assert json.loads(variables["HF_HOME"]) == str(tmp_path)
    assert json.loads(variables["HF_HUB_OFFLINE"]) == "1"
    assert json.loads(variables["HF_MODULES_CACHE"]).startswith(json.loads(variables["FIRST_CACHE"]))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "say where: --profile"),
        (
            ["--profile", "atlantis"],
            "There are: alcf-polaris, alcf-sophia, local, nersc-perlmutter, pbs, slurm",
        ),
        (["--profile", "alcf-polaris"], "give --account"),
        (["--profile", "alcf-polaris", "--scheduler", "slurm"], "runs pbs, not slurm"),
        (
            ["--profile", "alcf-polaris", "--account", "a", "--walltime", "06:00:00"],
            "preemptable (72:00:00) or capacity (168:00:00).\n",
        ),
        (["--profile", "alcf-polaris", "--account", "a", "--nodes", "3"], "debug takes 1 to 2 nodes, not 3"),
        (
            ["--profile", "alcf-polaris", "--account", "a", "--queue", "prod", "--nodes", "1"],
            "takes 10 to 496",
        ),
        (
            ["--profile", "alcf-sophia", "--account", "a", "--queue", "by-gpu", "--gpus-per-node", "3"],
            "1, 2, 4, 8",
        ),
        (["--scheduler", "slurm", "--walltime", "six hours"], "write HH:MM:SS"),
        (["--scheduler", "slurm", "--walltime", "00:01:00"], "before a model is loaded"),
        (["--scheduler", "slurm", "--account", "a\n#SBATCH --uid=0"], "cannot be an account"),
        (["--scheduler", "slurm", "--queue", "{{ evil }}"], "cannot be an account, a queue"),
        (["--scheduler", "slurm", "--job-option=--a\n--b"], "not one line"),
        (["--scheduler", "slurm", "--job-option=--comment=mine"], "would take the mark off"),
        (["--scheduler", "pbs", "--job-option=-v HOME"], "export variables in a file for --worker-init"),
        (["--scheduler", "slurm", "--allow", "my-function"], "takes a function's UUID"),
        (["--scheduler", "slurm", "--worker-init", "/nowhere"], "cannot be read"),
        (["--scheduler", "slurm", "--venv", "/nowhere"], "Make it: python3 -m venv"),
    ],
)
def test_what_cannot_work_is_refused_with_the_remedy(options, words, tmp_path, capsys):
    assert main(["deploy", "lab", "--out", str(tmp_path / "lab"), *options]) == 1
    assert words in capsys.readouterr().err
    assert not (tmp_path / "lab").exists()


@pytest.mark.parametrize("name", ["", "a b", "../up", ".hidden", "it's", "x" * 129])
def test_names_that_the_agent_would_choke_on_are_refused(name, tmp_path, capsys):
    assert main(["deploy", name, "--scheduler", "local", "--out", str(tmp_path / "lab")]) == 1
    assert "is no name for an endpoint" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--profile", "nersc-perlmutter", "--account", "m1234"], "usually end in _g; m1234 does not"),
        (
            ["--profile", "nersc-perlmutter", "--account", "m1234_g", "--queue", "mine"],
            "its limits were not checked",
        ),
        (["--profile", "alcf-polaris", "--account", "a"], "no interface hsn0"),
        (["--profile", "alcf-polaris", "--account", "a", "--queue", "preemptable"], "killed without warning"),
        (["--scheduler", "slurm"], "one CPU a node"),
        (["--scheduler", "slurm"], "any function of the endpoint's owner may run"),
    ],
)
def test_what_should_be_known_is_said(options, words, deploy, capsys):
    deploy(*options)
    assert words in capsys.readouterr().err


def test_a_site_brings_its_own_profile(deploy, tmp_path):
    (tmp_path / "our.toml").write_text('title = "our cluster"\nscheduler = "pbs"\n[job]\nqueue = "ours"\n')
    folder = deploy("--profile", str(tmp_path / "our.toml"))
    assert 'queue: "ours"' in (folder / "user_config_template.yaml.j2").read_text()


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ('title = "x"', "scheduler is missing"),
        ('title = "x"\nscheduler = "lsf"', "scheduler is one of slurm, pbs, local"),
        ('title = "x"\nscheduler = "pbs"\n[node]\nGPUs = 4', "unknown key GPUs"),
        ("title =", "cannot be read"),
    ],
)
def test_a_faulty_profile_is_named_with_its_fault(toml, words, tmp_path, capsys):
    (tmp_path / "our.toml").write_text(toml)
    assert main(["deploy", "lab", "--profile", str(tmp_path / "our.toml")]) == 1
    assert words in capsys.readouterr().err
