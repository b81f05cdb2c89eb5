"""What every test stands on: a clean environment, and real object stores on loopback."""

import os
import re

# read when gcsfs is first imported: otherwise each bucket waits a minute for a gRPC answer of the emulator
os.environ["GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT"] = "false"
# no credentials are asked for at the metadata address of a cloud machine
os.environ["NO_GCE_CHECK"] = "true"
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"

import hypothesis
import pytest
import servers

# how long an example takes says how busy the machine is
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

# settings of the developer's that would reach the stores, the client or the folders of the user
PRIVATE = re.compile(
    r"NIMBLE_|AWS_(?!EC2_METADATA_DISABLED)|GOOGLE_|CLOUDSDK_|FSSPEC_|STORAGE_EMULATOR|XDG_|NETRC$|JUPYTER_|IPYTHON"
)


@pytest.fixture(scope="session", autouse=True)
def _session_environment(tmp_path_factory):
    """Start the session's servers, too, with nothing of the developer's."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        leave_home(monkeypatch, tmp_path_factory.mktemp("session_home"))
        yield


@pytest.fixture(autouse=True)
def home(_session_environment, monkeypatch, tmp_path_factory):
    """Give each test a home folder of its own, with no ``~/.netrc``, ``~/.aws`` or ledger in it."""
    folder = tmp_path_factory.mktemp("home")
    leave_home(monkeypatch, folder)
    return folder


def leave_home(monkeypatch, folder):
    """Point HOME at ``folder`` and drop the variables that hold settings of the developer's."""
    monkeypatch.setenv("HOME", str(folder))
    for name in [name for name in os.environ if PRIVATE.match(name)]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def _s3_server(_session_environment, tmp_path_factory):
    with servers.s3_server(tmp_path_factory.mktemp("s3")) as url:
        yield url


@pytest.fixture
def s3(_s3_server, monkeypatch):
    """Give the URL of an S3 that holds one empty bucket, ``bucket``.

    A plain ``s3://bucket/…`` reaches it from this process and from its children.
    """
    import s3fs

    servers.reset_s3(_s3_server)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", _s3_server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    servers.close_filesystems(s3fs.S3FileSystem)
    yield _s3_server
    servers.close_filesystems(s3fs.S3FileSystem)


@pytest.fixture
def s3_auth(s3):
    """Give two key pairs, one that may do all and one that may do nothing, of an S3 that checks both.

    Each is a mapping with ``key`` and ``secret``, as ``storage_options`` takes them. The pair in the
    environment is refused like any other that the server does not know.
    """
    with servers.s3_checks_keys(s3) as pairs:
        yield pairs


@pytest.fixture(scope="session")
def _gcs_server(_session_environment, tmp_path_factory):
    with servers.gcs_server(tmp_path_factory.mktemp("gcs")) as url:
        yield url


@pytest.fixture
def gcs(_gcs_server, monkeypatch):
    """Give the URL of a Google Cloud Storage that holds one empty bucket, ``bucket``.

    A plain ``gs://bucket/…`` reaches it from this process and from its children, through fsspec: give
    pandas' own readers and writers ``storage_options={}``, for without them pyarrow opens the URL by
    itself, knows nothing of the emulator, and waits for minutes.
    """
    import fsspec.config
    import gcsfs

    servers.reset_gcs(_gcs_server)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", _gcs_server)
    # fsspec reads the variable when it is imported: it serves the children, the mapping this process
    monkeypatch.setenv("FSSPEC_GS_TOKEN", "anon")
    monkeypatch.setitem(fsspec.config.conf, "gs", {"token": "anon", "project": "test"})
    servers.close_filesystems(gcsfs.GCSFileSystem)
    yield _gcs_server
    servers.close_filesystems(gcsfs.GCSFileSystem)
