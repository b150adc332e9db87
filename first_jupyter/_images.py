"""A picture as a part of a message."""

from __future__ import annotations

import base64
import io
import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING, Any

from first_jupyter._errors import FirstError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["image_part"]

SIGNATURES = {
    b"\x89PNG": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
}


def image_part(name: str, names: Mapping[str, Any]) -> dict[str, Any]:
    """Make a message's image part from a variable, a file or an address.

    Parameters
    ----------
    name
        The name of a variable that holds bytes, a path, an address, a PIL image or a matplotlib figure;
        or a path or an address itself.
    names
        The variables.
    """
    return {"type": "image_url", "image_url": {"url": _url(names.get(name, name), name)}}


def _url(source: Any, name: str) -> str:
    if isinstance(source, str) and source.startswith(("http://", "https://", "data:")):
        return source
    if isinstance(source, str | Path):
        path = Path(source).expanduser()
        if not path.is_file():
            raise FirstError(f"--image {name}: there is neither a variable nor a file of that name.")
        return _data(path.read_bytes(), mimetypes.guess_type(path.name)[0])
    if isinstance(source, bytes | bytearray):
        return _data(bytes(source))
    figure = getattr(source, "figure", None) or source  # matplotlib's axes know their figure
    buffer = io.BytesIO()
    if hasattr(figure, "savefig"):
        figure.savefig(buffer, format="png", bbox_inches="tight")
    elif hasattr(source, "save") and hasattr(source, "mode"):
        source.save(buffer, format="PNG")
    else:
        raise FirstError(
            f"--image {name}: a {type(source).__name__} is no picture; "
            "give a path, an address, bytes, a PIL image or a matplotlib figure."
        )
    return _data(buffer.getvalue(), "image/png")


def _data(content: bytes, kind: str | None = None) -> str:
    known = next((kind for start, kind in SIGNATURES.items() if content.startswith(start)), None)
    return f"data:{known or kind or 'image/png'};base64,{base64.b64encode(content).decode()}"
