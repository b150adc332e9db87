"""What this server has of a relay: its configuration, its certificate, its rooms, and when it opens them."""

import pytest
from first_jupyter_remote.protocol import ReplicaRecord, Stage
from first_jupyter_server.clusters.ways import Ways
from first_jupyter_server.paths.doors import Doors
from first_jupyter_server.paths.identity import certificate
from first_jupyter_server.paths.meeting_place import MeetingPlace, MeetingPlaceError
from first_jupyter_server.paths.relay import Relay
from first_jupyter_server.paths.relay_answer import Relayed
from first_jupyter_server.paths.rooms import Rooms

KEY = "sk-replica"
ACCESS = "an-access-key-of-32-characters-0"
RECORD = ReplicaRecord("r1", "m", Stage.READY, key=KEY, node="n1", port=8000)


@pytest.fixture
def key_file(tmp_path):
    file = tmp_path / "access-key"
    file.write_text(f"{ACCESS}\n")
    file.chmod(0o600)
    return file


@pytest.fixture
def sent():
    return []


@pytest.fixture
def rooms(tmp_path, sent):
    return Rooms(MeetingPlace("https://relay.lab.example", ACCESS), tmp_path / "identity.pem", sent.append)


def test_a_relay_has_a_url_and_an_access_key_that_is_not_shown(key_file):
    relay = MeetingPlace.named("https://relay.lab.example/first/", str(key_file))
    assert (relay.url, relay.access) == ("https://relay.lab.example/first", ACCESS)
    assert relay.host == "relay.lab.example"
    assert ACCESS not in repr(relay)


@pytest.mark.parametrize("url", ["http://relay.lab.example", "relay.lab.example", "ftp://127.0.0.1"])
def test_an_access_key_is_not_sent_unencrypted(key_file, url):
    with pytest.raises(MeetingPlaceError, match="relay_url has to begin with https://"):
        MeetingPlace.named(url, str(key_file))


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        (ACCESS, 0o640, "others may read"),
        ("", 0o600, "has to hold the access key"),
        (f"ada {ACCESS}", 0o600, "has to hold the access key"),
    ],
)
def test_a_file_that_is_no_access_key_s_is_refused(key_file, text, mode, said):
    key_file.write_text(text)
    key_file.chmod(mode)
    with pytest.raises(MeetingPlaceError, match=said):
        MeetingPlace.named("https://relay.lab.example", str(key_file))


@pytest.mark.parametrize(("file", "said"), [("", "relay_key_file"), ("/nowhere/key", "No such file")])
def test_a_file_that_is_missing_is_named(file, said):
    with pytest.raises(MeetingPlaceError, match=said):
        MeetingPlace.named("https://relay.lab.example", file)


def test_the_next_server_goes_on_with_the_same_certificate(tmp_path):
    file = tmp_path / "identity.pem"
    first = certificate(file)
    assert certificate(file) == first
    assert first.startswith("-----BEGIN CERTIFICATE-----")
    assert "PRIVATE" not in first
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_an_invitation_has_no_secret(rooms):
    assert set(rooms.invitation) == {"relay", "certificate"}
    assert ACCESS not in str(rooms.invitation)
    assert "PRIVATE" not in str(rooms.invitation)


def test_a_server_without_a_relay_invites_nobody():
    assert Rooms().invitation == {}


def ways_of(paths, doors, rooms):
    """Return the ways of a cluster that has nothing relayed by Globus Compute."""
    return Ways(paths, doors, rooms, Relay(), Relayed(None, ""))


async def test_a_room_is_opened_where_no_better_way_leads_to_a_replica(rooms, sent):
    doors = Doors(lambda: "https://hub.lab.example/first/tunnel")
    ways = ways_of(["tunnel", "rendezvous"], doors, rooms)
    ways.expect(RECORD, lambda: None)
    assert await ways.find(RECORD, last=True) is None
    assert [message["type"] for message in sent] == ["rendezvous"]
    rooms.told("r1", is_open=True)
    assert await ways.find(RECORD, last=True) == ("rendezvous", "n1")
    doors.told("r1", is_open=True)
    assert await ways.find(RECORD, last=True) == ("tunnel", "n1")


async def test_no_room_is_opened_where_a_tunnel_is_there(rooms, sent):
    doors = Doors(lambda: "https://hub.lab.example/first/tunnel")
    ways = ways_of(["tunnel", "rendezvous"], doors, rooms)
    ways.expect(RECORD, lambda: None)
    doors.told("r1", is_open=True)
    assert await ways.find(RECORD, last=True) == ("tunnel", "n1")
    assert sent == []


async def test_a_cluster_that_is_to_have_no_relay_has_none(rooms, sent):
    ways = ways_of(["direct", "tunnel"], Doors(), rooms)
    ways.expect(RECORD, lambda: None)
    assert (ways.invitation, await ways.find(RECORD, last=True), sent) == ({}, None, [])


def test_a_data_plane_that_was_started_anew_opens_the_rooms_that_are_wanted(rooms, sent):
    for replica in ("r1", "r2", "r3"):
        rooms.expect(replica, KEY, lambda: None)
    rooms.open("r1")
    rooms.open("r2")
    rooms.forget("r2")
    sent.clear()
    rooms.open_all()
    assert [(message["type"], message["replica"]) for message in sent] == [("rendezvous", "r1")]


def test_what_kept_both_sides_from_meeting_is_said(rooms):
    ways = ways_of(["rendezvous"], Doors(), rooms)
    ways.expect(RECORD, lambda: None)
    rooms.open("r1")
    rooms.troubled("r1", "the relay relay.lab.example takes no connections")
    assert ways.none(RECORD) == (
        "it is ready on n1, but it opened no tunnel to the relay: "
        "the relay relay.lab.example takes no connections; its node is given back"
    )


def test_a_cluster_that_needs_a_relay_says_so():
    said = ways_of(["rendezvous"], Doors(), Rooms()).none(RECORD)
    assert "this server knows no relay: set relay_url and relay_key_file" in said
