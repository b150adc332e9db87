"""What a request has to be besides what the parser sees to: what could be read in two ways is refused."""

from __future__ import annotations

from first_jupyter_server.errors import ApiError

__all__ = ["check", "collect"]

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_ONCE = frozenset((b"host", b"authorization", b"content-type", b"transfer-encoding", b"expect"))


def collect(headers: dict[bytes, bytes], name: bytes, value: bytes) -> None:
    """Add a header to those that came before.

    Raises
    ------
    ApiError
        400 where it says something for the second time that can be true only once.
    """
    if name in headers and name in _ONCE:
        raise _refusal(f"the header {name.decode()} stands there twice")
    headers[name] = value.rstrip(b" \t")


def check(version: str, method: str, headers: dict[bytes, bytes]) -> None:
    """Refuse a head that another reader of HTTP/1.1 could understand in another way (RFC 9112).

    Parameters
    ----------
    version
        Of HTTP, such as ``1.1``.
    method, headers
        The request's; header names in lower case.

    Raises
    ------
    ApiError
        400, 501 or 505.
    """
    if version not in {"1.1", "1.0"}:
        message = f"This server speaks HTTP/1.1, not HTTP/{version}."
        raise ApiError(505, message, code="http_version")
    if method not in _METHODS:
        raise ApiError(501, f"This server knows no method {method}.", code="method_unknown")
    if b"upgrade" in headers:
        # The parser would leave out the body.
        raise _refusal("this server speaks nothing but HTTP/1.1; leave out the header Upgrade")
    if version == "1.1" and b"host" not in headers:
        raise _refusal("the header Host is missing")
    coding = headers.get(b"transfer-encoding")
    if coding is None:
        return
    if version == "1.0":
        raise _refusal("there is no Transfer-Encoding in HTTP/1.0")
    if coding.lower() != b"chunked":
        message = f"A body may be sent in chunks, not coded as {coding.decode('latin-1')!r}."
        raise ApiError(501, message, code="transfer_coding")


def _refusal(why: str) -> ApiError:
    return ApiError(400, f"This is not a valid HTTP/1.1 request: {why}.", code="bad_request")
