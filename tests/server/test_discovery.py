"""How endpoints are named, and found by name."""

import pytest
from first_jupyter_server.clusters.discovery import find_offer, free_name
from first_jupyter_server.clusters.globus_directory import Endpoint
from first_jupyter_server.errors import ApiError

LAB = Endpoint("1", "Lab: first-jupyter on Slurm", "ada")
OTHER = Endpoint("2", "Edith", "ada")


@pytest.mark.parametrize(
    ("endpoint", "taken", "name"),
    [
        ("Lab: first-jupyter on Slurm", [], "lab"),
        ("Edith's big machine", [], "edith-s-big-machine"),
        ("gpu_01.lab", [], "gpu_01.lab"),
        ("lab", ["lab"], "lab-2"),
        ("lab", ["lab", "lab-2"], "lab-3"),
        ("…", [], "cluster"),
    ],
)
def test_a_cluster_is_named_after_its_endpoint(endpoint, taken, name):
    assert free_name(endpoint, dict.fromkeys(taken)) == name


@pytest.mark.parametrize("wanted", ["lab", "Lab: first-jupyter on Slurm"])
def test_an_offer_is_found_by_its_name(wanted):
    assert find_offer(wanted, [LAB, OTHER]) is LAB


def test_a_name_that_two_go_by_is_not_taken():
    with pytest.raises(ApiError, match="give the id, 1, 3") as refused:
        find_offer("lab", [LAB, OTHER, Endpoint("3", "lab", "bob")])
    assert refused.value.status == 409


def test_a_name_that_nobody_goes_by_is_told_with_those_that_there_are():
    with pytest.raises(ApiError, match="it can use: Lab: first-jupyter on Slurm, Edith") as refused:
        find_offer("sophia", [LAB, OTHER])
    assert refused.value.status == 404
