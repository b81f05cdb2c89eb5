"""A search for secrets in every byte of every file that a run leaves behind."""

import base64
import gzip
import html
import io
import json
import sqlite3
import urllib.parse
import zlib
from pathlib import Path

import pyarrow.parquet


def leaks(folder, secrets, *, allowed=()):
    """Return which secret is in which file below a folder, in which form."""
    files = [path for path in sorted(Path(folder).rglob("*")) if path.is_file() and path not in allowed]
    return [
        f"{name} ({form}) in {path.relative_to(folder)}"
        for path in files
        for name, form in found_in(_opened(path), secrets)
    ]


def found_in(content, secrets):
    """Return the name and the form of each secret in some bytes."""
    return [
        (name, form)
        for name, secret in secrets.items()
        for form, spelling in spellings(secret)
        if spelling in content
    ]


def spellings(secret):
    """Give the forms in which a secret can stand in a file."""
    raw = secret.encode()
    yield "plain", raw
    yield "reversed", raw[::-1]
    yield "utf-16", secret.encode("utf-16-le")
    yield "hex", raw.hex().encode()
    yield "in JSON", json.dumps(secret)[1:-1].encode()
    yield "in a repr", repr(secret)[1:-1].encode()
    yield "in a URL", urllib.parse.quote(secret, safe="").encode()
    yield "in HTML", html.escape(secret).encode()
    for before in range(3):
        # whatever stands before it and after it: without the characters that those decide, too
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            encoded = encode(b"x" * before + raw)
            yield "base64", encoded[[0, 2, 3][before] : len(encoded) // 4 * 4 - 4]


def _opened(path):
    """Return a file's bytes, and what is packed in them."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        # a kernel that ends takes its own files with it
        return b""
    if content.startswith(b"\x1f\x8b"):
        content += _unpacked(content)
    if content.startswith(b"PAR1"):
        content += _rows(content)
    if content.startswith(b"SQLite format 3"):
        content += _dump(path)
    return content


def _unpacked(content):
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        return b""


def _rows(parquet):
    table = pyarrow.parquet.read_table(io.BytesIO(parquet))
    return f"{table.schema}{table.schema.metadata}{table.to_pylist()}".encode()


def _dump(path):
    connection = sqlite3.connect(path)
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    cells = [
        cell for (table,) in tables for row in connection.execute(f'SELECT * FROM "{table}"') for cell in row
    ]
    connection.close()
    blobs = [cell for cell in cells if isinstance(cell, bytes)]
    texts = "\n".join(map(str, cells)).encode()
    return texts + b"\n".join([*blobs, *(_rows(blob) for blob in blobs if blob.startswith(b"PAR1"))])
