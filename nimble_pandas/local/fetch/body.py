"""A response's body: inflated under a cap, then decoded as a browser would."""

from __future__ import annotations

import zlib

import httpx

from nimble_pandas.local.fetch.page import PageUnavailableError

# What `inflate` can undo while keeping to the cap; brotli and zstd cannot be unpacked piecemeal here.
ACCEPT_ENCODING = "gzip, deflate"

_GZIP_MAGIC = b"\x1f\x8b"
_BINARY = (
    "image/",
    "audio/",
    "video/",
    "font/",
    "application/pdf",
    "application/zip",
    "application/octet-stream",
)


async def read(response: httpx.Response, *, max_bytes: int, cut: bool = False) -> bytes:
    """Read a streamed response, never holding more than the cap, packed or unpacked.

    Parameters
    ----------
    response : httpx.Response
        A response whose body has not been read yet.
    max_bytes : int
        The cap.
    cut : bool, default False
        Keep what came before the cap instead of refusing the whole.

    Returns
    -------
    bytes
        The body without its content encoding.

    Raises
    ------
    PageUnavailableError
        The body is larger than the cap, packed in an unknown way, or damaged.
    """
    inflate = _inflater(response.headers.get("content-encoding", ""))
    body = bytearray()
    n_raw = 0
    async for chunk in response.aiter_raw():
        n_raw += len(chunk)
        body += inflate.feed(chunk, max_bytes + 1 - len(body))
        if max(len(body), n_raw) > max_bytes:
            if cut:
                return bytes(body[:max_bytes])
            raise PageUnavailableError("too_large", f"the page is larger than {max_bytes:,} bytes")
    inflate.finish()
    return bytes(body)


def decode(body: bytes, content_type: str | None) -> str:
    """Decode a page: byte order mark, then header, then ``<meta>``, then UTF-8, then Windows-1252.

    Parameters
    ----------
    body : bytes
        The page.
    content_type : str or None
        The ``Content-Type`` header.

    Returns
    -------
    str
        The text; bytes that fit no character become U+FFFD.

    Raises
    ------
    PageUnavailableError
        The header says that this is no text.
    """
    from w3lib.encoding import html_to_unicode

    if (content_type or "").lower().lstrip().startswith(_BINARY):
        raise PageUnavailableError("not_text", f"the answer is {content_type}, not a page")
    return str(html_to_unicode(content_type, body, "cp1252", _detect)[1])


def _detect(body: bytes) -> str | None:
    try:
        body.decode()
    except UnicodeDecodeError:
        return None
    return "utf-8"


class _Identity:
    """A body that is not packed."""

    def feed(self, chunk: bytes, _room: int) -> bytes:
        return chunk

    def finish(self) -> None:
        """Nothing is left over."""


class _Inflate(_Identity):
    """A gzip or deflate body; gzip may come in several members, deflate without its zlib header."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(wbits=47)  # 32 + 15: gzip or zlib, by the header
        self._fresh = True

    def feed(self, chunk: bytes, room: int) -> bytes:
        pieces = []
        while chunk and room > 0:
            piece = self._decompress(chunk, room)
            pieces.append(piece)
            room -= len(piece)
            chunk = self._next_member()
        return b"".join(pieces)

    def finish(self) -> None:
        if not self._stream.eof and not self._fresh:
            raise PageUnavailableError("encoding", "the packed page ends too early")

    def _decompress(self, chunk: bytes, room: int) -> bytes:
        fresh, self._fresh = self._fresh, False
        try:
            return self._stream.decompress(chunk, room)
        except zlib.error as exc:
            if not fresh:
                raise PageUnavailableError("encoding", f"the packed page is damaged: {exc}") from exc
        self._stream = zlib.decompressobj(wbits=-15)
        return self._decompress(chunk, room)

    def _next_member(self) -> bytes:
        rest = self._stream.unused_data
        if not rest.startswith(_GZIP_MAGIC):
            return b""
        self._stream = zlib.decompressobj(wbits=47)
        return rest


def _inflater(encoding: str) -> _Identity:
    encodings = [
        word for part in encoding.lower().split(",") if (word := part.strip()) not in ("", "identity")
    ]
    if not encodings:
        return _Identity()
    if encodings in (["gzip"], ["x-gzip"], ["deflate"]):
        return _Inflate()
    raise PageUnavailableError("encoding", f"the page is packed as {encoding!r}, which was not asked for")
