"""A store that does nothing but answer: nginx on loopback, so that the client is what is measured."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import pathlib
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass

DELAY_SECONDS = 0.03

_MODULES = "/etc/nginx/modules-enabled"

_CONFIG = """
{user}
worker_processes 1;
worker_rlimit_nofile 20000;
daemon off;
pid {root}/nginx.pid;
error_log {root}/error.log error;
include {modules}/*.conf;
events {{ worker_connections 10000; multi_accept on; }}
http {{
  access_log off;
  tcp_nopush on; tcp_nodelay on; sendfile on;
  keepalive_requests 1000000; keepalive_timeout 120;
  default_type application/octet-stream;
  client_body_temp_path {root}/body; proxy_temp_path {root}/body;
  fastcgi_temp_path {root}/body; uwsgi_temp_path {root}/body; scgi_temp_path {root}/body;
  root {root}/www;
  error_page 404 /none;
  {servers}
}}
"""

_SERVER = """
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /none {{
      internal;
      default_type application/xml;
      return 404 '<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>none</Message></Error>';
    }}
    location ~ ^/bucket/?$ {{ default_type application/xml; content_by_lua_file {root}/list.lua; }}
    location / {{ dav_methods PUT; create_full_put_path on; client_max_body_size 0; {delay} }}
  }}
"""

# pages of a thousand names, made by `_write_listing` beforehand
_LIST = """
local asked = ngx.req.get_uri_args()
local folder = (asked["prefix"] or ""):match("^([%w_]+)") or ""
local page = tonumber(asked["continuation-token"]) or 0
local file = io.open("{root}/lists/" .. folder .. "." .. page)
if file then ngx.print(file:read("*a")) file:close()
else
  ngx.print('<ListBucketResult><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>')
end
"""

_WORDS = ["lorem", "ipsum", "dolor", "sit", "amet", "consectetur", "adipiscing", "elit", "sed", "tempor"]


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running server and what lies in it.

    Parameters
    ----------
    url : str
        Answers at once.
    slow_url : str
        Answers `DELAY_SECONDS` later.
    n_small, n_large : int
        How many outputs there are of 3 KB, in each of its folders, and of 400 KB.
    """

    url: str
    slow_url: str
    n_small: int
    n_large: int

    def keys(self, folder: str, n: int | None = None) -> list[str]:
        """Return the names of the first outputs in a folder, or of all."""
        there = self.n_large if folder == "pages" else self.n_small
        suffix = ".json.gz" if folder == "gzipped" else ".json"
        return [f"{folder}/t{i:06d}{suffix}" for i in range(min(there, n or there))]


def missing() -> str | None:
    """Return what this machine lacks to run the server, if anything."""
    if shutil.which("nginx") is None or not list(pathlib.Path(_MODULES).glob("*lua*")):
        return "nginx with lua is not installed: apt-get install nginx libnginx-mod-http-lua"
    return None


@contextlib.contextmanager
def running(n_small: int, n_large: int) -> Iterator[Server]:
    """Write outputs, and serve them, and whatever is put there, until the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        root.chmod(0o755)
        _write_outputs(root, n_small, n_large)
        ports = _free_ports(2)
        servers = "".join(
            _SERVER.format(port=port, root=root, delay=delay)
            for port, delay in zip(
                ports, ("", f"access_by_lua_block {{ ngx.sleep({DELAY_SECONDS}) }}"), strict=True
            )
        )
        user = "user root;" if os.geteuid() == 0 else ""
        (root / "list.lua").write_text(_LIST.format(root=root))
        (root / "nginx.conf").write_text(
            _CONFIG.format(root=root, user=user, modules=_MODULES, servers=servers)
        )
        with subprocess.Popen(
            ["nginx", "-c", str(root / "nginx.conf"), "-e", str(root / "error.log")]
        ) as nginx:
            try:
                _wait(ports, nginx, root)
                fast, slow = (f"http://127.0.0.1:{port}" for port in ports)
                yield Server(url=fast, slow_url=slow, n_small=n_small, n_large=n_large)
            finally:
                nginx.terminate()


def _wait(ports: list[int], nginx: subprocess.Popen[bytes], root: pathlib.Path) -> None:
    deadline = time.monotonic() + 20
    for port in ports:
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            if nginx.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"nginx did not start:\n{(root / 'error.log').read_text()}")
            time.sleep(0.05)


def _free_ports(n: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(n)]
        return [probe.getsockname()[1] for probe in probes]


def _write_outputs(root: pathlib.Path, n_small: int, n_large: int) -> None:
    draw = random.Random(0)
    for name in ("body", "lists"):
        (root / name).mkdir()
    folders = {name: root / "www" / "bucket" / name for name in ("small", "clean", "gzipped", "pages")}
    for folder in folders.values():
        folder.mkdir(parents=True)
    for i in range(n_small):
        conflicting = json.dumps(output(i, draw, conflicts=True)).encode()
        (folders["small"] / f"t{i:06d}.json").write_bytes(conflicting)
        (folders["gzipped"] / f"t{i:06d}.json.gz").write_bytes(gzip.compress(conflicting, 6))
        (folders["clean"] / f"t{i:06d}.json").write_text(json.dumps(output(i, draw, conflicts=False)))
    for i in range(n_large):
        page = {**output(i, draw, conflicts=True), "html_content": _page(draw)}
        (folders["pages"] / f"t{i:06d}.json").write_text(json.dumps(page))
    for name, folder in folders.items():
        _write_listing(root / "lists", name, sorted(each.name for each in folder.iterdir()))


def output(i: int, draw: random.Random, *, conflicts: bool) -> dict[str, object]:
    """Return a payload of some 3 KB; with conflicts, three fields are now a number and now text."""
    price = round(draw.uniform(1, 500), 2)
    product = {
        "name": " ".join(draw.choices(_WORDS, k=9)),
        "sku": i if conflicts and i % 3 == 0 else f"{i:012d}",
        "price": f"${price}" if conflicts and i % 5 == 0 else price,
        "currency": "USD",
        "rating": {"value": round(draw.uniform(1, 5), 1), "count": "1,2k" if conflicts and i % 7 == 0 else i},
        "available": i % 4 != 0,
        "images": [f"https://images.example/{i}/{k}.jpg" for k in range(8)],
        "specifications": [{"name": draw.choice(_WORDS), "value": draw.choice(_WORDS)} for _ in range(6)],
        "description": " ".join(draw.choices(_WORDS, k=250)),
    }
    url = f"https://www.walmart.com/ip/{i}"
    return {
        "url": url,
        "task_id": f"t{i:06d}",
        "status": "success",
        "status_code": 200,
        "input": {"url": url, "country": "US", "parse": True},
        "parsing": {"status": "success", "entities": {"Product": [product]}},
    }


def _page(draw: random.Random) -> str:
    words = " ".join(draw.choices(_WORDS, k=2_000))
    return "<html><body>" + "".join(f"<p class='é'>{words}</p>" for _ in range(35)) + "</body></html>"


def _write_listing(folder: pathlib.Path, name: str, names: list[str]) -> None:
    for start in range(0, max(len(names), 1), 1000):
        more = start + 1000 < len(names)
        entries = "".join(
            f"<Contents><Key>{name}/{each}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            f'<ETag>"0"</ETag><Size>3000</Size><StorageClass>STANDARD</StorageClass></Contents>'
            for each in names[start : start + 1000]
        )
        following = f"<NextContinuationToken>{start + 1000}</NextContinuationToken>" if more else ""
        (folder / f"{name}.{start}").write_text(
            '<?xml version="1.0" encoding="UTF-8"?>'
            '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket</Name>'
            f"<Prefix>{name}/</Prefix><KeyCount>{len(names[start : start + 1000])}</KeyCount>"
            f"<MaxKeys>1000</MaxKeys><IsTruncated>{str(more).lower()}</IsTruncated>{following}{entries}"
            "</ListBucketResult>"
        )
