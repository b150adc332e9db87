import base64
import io

import pytest

from first_jupyter import FirstError
from first_jupyter._images import image_part

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
URL = "data:image/png;base64," + base64.b64encode(PNG).decode()


def url(name, names):
    return image_part(name, names)["image_url"]["url"]


def test_bytes_are_sent_with_their_type():
    assert url("it", {"it": PNG}) == URL
    assert url("it", {"it": b"\xff\xd8\xff..."}).startswith("data:image/jpeg;")


def test_a_file_is_read_by_its_name_or_from_a_variable(tmp_path):
    path = tmp_path / "dot.png"
    path.write_bytes(PNG)
    assert url(str(path), {}) == url("it", {"it": path}) == url("it", {"it": str(path)}) == URL


def test_an_address_is_left_to_the_server():
    assert url("https://a.org/b.png", {}) == "https://a.org/b.png"
    assert url("it", {"it": URL}) == URL


def test_a_pil_image_becomes_a_png():
    image = pytest.importorskip("PIL.Image").open(io.BytesIO(PNG))
    assert url("it", {"it": image}).startswith("data:image/png;base64,iVBOR")


def test_a_figure_or_its_axes_become_a_png():
    figure = pytest.importorskip("matplotlib.figure").Figure()
    axes = figure.subplots()
    assert url("it", {"it": figure}).startswith("data:image/png;base64,iVBOR")
    assert url("it", {"it": axes}).startswith("data:image/png;base64,iVBOR")


@pytest.mark.parametrize("name", ["number", "nothing.png"])
def test_what_is_no_picture_is_refused(name):
    with pytest.raises(FirstError, match=f"--image {name}"):
        image_part(name, {"number": 3})


def test_pictures_stand_beside_the_question(shell, wire):
    shell.user_ns["dot"] = PNG
    shell.cell("%%first --image dot --image https://a.org/b.png\nWhat is this?")
    parts = wire.asked[0]["messages"][0]["content"]
    assert [part["type"] for part in parts] == ["text", "image_url", "image_url"]
    assert parts[0]["text"] == "What is this?"
