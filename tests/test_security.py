"""Nothing secret is shown or sent elsewhere, nothing foreign is followed, rendered or executed."""

import ast
import gzip
import json
import os
import pickle
import socket
import subprocess
import sys
from pathlib import Path

import leaks
import pandas as pd
import pytest
import requests
import urllib3
from places import run_notebook
from replay import BASIC, BODY, PASSWORD, Answer, client, replaying

import nimble_pandas
from nimble_pandas import Client
from nimble_pandas.local import Fault, serve, shop
from nimble_pandas.storage import Store

SECRETS = {
    "password": "pa55-wörd/S3CRET+of anna",
    "api key": "k3y-S3CRET-of-the-account",
    "wrong password": "wr0ng-S3CRET-password",
    "wrong api key": "wr0ng-S3CRET-key",
    "private key": "pr1vate-S3CRET\nkey",
    "token": "t0ken-S3CRET-of-the-store",
    "userinfo": "us3rinfo-S3CRET",
    "proxy password": "pr0xy-S3CRET",
    "netrc password": "n3trc-S3CRET",
}
TESTS = Path(__file__).parent


def environment(folder, **more):
    """Return the environment of a child with a home, a temporary folder and a ledger of its own."""
    for name in ("home", "tmp", "ledger", "work"):
        (folder / name).mkdir()
    netrc = folder / "home" / ".netrc"
    netrc.write_text(f"machine 127.0.0.1 login bob password {SECRETS['netrc password']}\n")
    netrc.chmod(0o600)
    own = {"HOME": "home", "TMPDIR": "tmp", "NIMBLE_PANDAS_HOME": "ledger"}
    return {
        **os.environ,
        **{name: str(folder / place) for name, place in own.items()},
        "PYTHONPATH": os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")]),
        "PYTHONIOENCODING": "utf-8",
        **more,
    }


def test_a_whole_run_leaves_no_secret_behind(s3, s3_auth, tmp_path):
    """Whatever a run does, no file and no stream of it holds a secret, in any form."""
    good, denied = s3_auth
    secrets = {
        **SECRETS,
        "bucket key": good["key"],
        "bucket secret": good["secret"],
        "closed key": denied["key"],
        "closed secret": denied["secret"],
        "basic": leaks.base64.b64encode(f"anna:{SECRETS['password']}".encode()).decode(),
    }
    env = environment(tmp_path, S3_URL=s3)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        env.pop(name)
    result = subprocess.run(
        [sys.executable, str(TESTS / "whole_run.py")],
        input=json.dumps(secrets).encode(),
        capture_output=True,
        env=env,
        cwd=tmp_path / "work",
    )
    (tmp_path / "stdout").write_bytes(result.stdout)
    (tmp_path / "stderr").write_bytes(result.stderr)
    assert result.returncode == 0, result.stderr.decode()
    signed = tmp_path / "work" / "signed.log"
    assert signed.stat().st_size
    found = leaks.leaks(tmp_path, secrets, allowed=[tmp_path / "home" / ".netrc", signed])
    keys = {name: secret for name, secret in secrets.items() if name not in {"bucket key", "closed key"}}
    found += leaks.found_in(signed.read_bytes(), keys)
    assert not found, "\n".join(map(str, found))


CELLS = (
    """
    %xmode Verbose
    import os, signal, pandas as pd, nimble_pandas
    from nimble_pandas import Client
    from nimble_pandas.local import Fault, serve, shop
    service = serve(username="anna", password=os.environ.pop("SECRET_PASSWORD"))
    options = {"auto_mkdir": True, "token": os.environ.pop("SECRET_TOKEN")}
    pages = pd.DataFrame({"url": shop.product_urls(service.shop_url, 3)})
    ask = {"url_col": "url", "vendor": "walmart", "client": service.client()}
    """,
    """
    job = pages.nimble.submit(**ask, storage_url="outputs/", storage_options=options)
    job.wait()
    """,
    "job.frame()",
    "pages.nimble.plan(url_col='url', vendor='walmart')",
    "nimble_pandas.check('outputs/', storage_options=options, client=service.client())",
    "nimble_pandas.jobs()",
    "service.client(), job.plan, nimble_pandas.Ledger(), service",
    """
    service.inject(Fault("401", on="progress"))
    pages.nimble.batch(**ask, storage_url="outputs/", storage_options=options, refresh=True)
    """,
    """
    service.inject(Fault("delay", on="submit", seconds=2))
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.8)
    pages.nimble.batch(**ask, storage_url="outputs/", storage_options=options, refresh=True)
    """,
    """
    closed = {"token": {"private_key": options["token"]}}
    pages.nimble.batch(**ask, storage_url="gs://bucket/", storage_options=closed)
    """,
    "nimble_pandas.read_outputs('nowhere://x/', storage_options=options)",
)


def test_a_notebook_with_every_error_shown_in_full_keeps_no_secret(tmp_path, monkeypatch):
    """IPython's most talkative tracebacks, of errors and of Ctrl-C, and every output of every cell."""
    env = environment(tmp_path)
    secrets = {name: SECRETS[name] for name in ("password", "token")}
    for name, value in {
        **env,
        "SECRET_PASSWORD": secrets["password"],
        "SECRET_TOKEN": secrets["token"],
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path / "work")
    notebook = run_notebook(tmp_path / "work", *CELLS, errors=True)
    outputs = [output for cell in notebook.cells for output in cell.outputs]
    names = {output["ename"] for output in outputs if output["output_type"] == "error"}
    assert names == {"AuthError", "KeyboardInterrupt", "ConfigError"}
    # local variables are shown indeed
    told = [line for output in outputs for line in output.get("traceback", ())]
    assert any("Options(" in line for line in told)
    found = leaks.leaks(tmp_path, secrets, allowed=[tmp_path / "home" / ".netrc"])
    assert not found, "\n".join(found)


def test_the_search_finds_what_is_there(tmp_path):
    """A search that finds nothing anywhere would prove nothing."""
    secret = SECRETS["password"]
    frame = pd.DataFrame({"a": [f"see: {secret}"] * 50})
    frame.to_parquet(tmp_path / "a.parquet")
    (tmp_path / "b.gz").write_bytes(gzip.compress(secret.encode()))
    (tmp_path / "c").write_bytes(leaks.base64.b64encode(f"anna:{secret}".encode()))
    (tmp_path / "d").write_text(json.dumps({"a": secret}))
    frame.to_pickle(tmp_path / "e")
    assert {line.rpartition(" in ")[2] for line in leaks.leaks(tmp_path, SECRETS)} == {
        "a.parquet",
        "b.gz",
        "c",
        "d",
        "e",
    }


# -- credentials go to one host only ------------------------------------------------------------------------

ELSEWHERE = [301, 302, 303, 307, 308]


@pytest.mark.parametrize("status_code", ELSEWHERE)
@pytest.mark.parametrize("spelling", ["another host", "another port", "another scheme", "no scheme"])
def test_a_redirect_is_not_followed(status_code, spelling):
    """Not by a submit, nor by any other call: the key, and what was asked, stay with the service."""
    with replaying(Answer(body={})) as other:
        port = other.base_url.rpartition(":")[2]
        location = {
            "another host": f"http://localhost:{port}/x",
            "another port": f"{other.base_url}/x",
            "another scheme": f"https://127.0.0.1:{port}/x",
            "no scheme": f"//127.0.0.1:{port}/x",
        }[spelling]
        with replaying(Answer(status=status_code, headers={"Location": location})) as replay:
            asked = client(replay)
            for call in (
                lambda: asked.submit(BODY),
                lambda: asked.progress("b1"),
                lambda: asked.summary("b1"),
                lambda: asked.task("t1"),
                lambda: asked.output("t1"),
                lambda: next(asked.tasks()),
            ):
                with pytest.raises(nimble_pandas.ApiError, match="Redirects are refused"):
                    call()
        assert len(replay.asked) == 6
    assert other.asked == []


@pytest.mark.parametrize(
    "base_url",
    [
        "http://localhost.evil.com",
        "http://127.0.0.1.nip.io",
        "http://127.0.0.1@evil.com",
        "http://evil.com@127.0.0.1",
        "http://evil.com#@127.0.0.1",
        "http://evil.com?@127.0.0.1",
        "http://evil.com\\@127.0.0.1",
        "http://127.0.0.1\\.evil.com",
        "http://127.0.0.1%2eevil.com",
        "http://[::1].evil.com",
        "http://localhost%00.evil.com",
        "http://0x7f.evil.com",
        "http://0.0.0.0",
        "http://10.0.0.1",
        "http://169.254.169.254",
        "http://\uff4cocalhost.evil.com",
        "http:/\\evil.com",
        "http:evil.com",
        "ws://127.0.0.1",
        "file:///etc/passwd",
    ],
)
def test_plain_http_is_for_this_machine_only(base_url):
    """Whatever looks like it and is another host is refused before a key is looked for."""
    with pytest.raises(nimble_pandas.ConfigError, match="Nothing was sent"):
        Client(base_url=base_url, api_key="k-1")


@pytest.mark.parametrize(
    "base_url",
    [
        "http://127.0.0.1:1",
        "http://localhost:1",
        "http://LOCALHOST:1",
        "http://[::1]:1",
        "http://127.9.9.9:1",
    ],
)
def test_this_machine_has_many_names(base_url):
    """All of which stay on it: this is where the socket is opened, too."""
    host = urllib3.util.parse_url(Client(base_url=base_url, api_key="k-1").base_url).host
    assert {address[4][0] for address in socket.getaddrinfo(host.strip("[]"), 1)} <= {
        "127.0.0.1",
        "127.9.9.9",
        "::1",
    }


@pytest.mark.parametrize("named_by", ["environment", "session", "session, for all", "session, for the host"])
def test_no_proxy_stands_between_two_programs_on_this_machine(named_by, monkeypatch):
    """Calls to it are not encrypted: a proxy would read the key, whoever names it."""
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with replaying(Answer(body={})) as proxy, replaying(Answer(body={"progress": 1})) as replay:
        with requests.Session() as session:
            if named_by == "environment":
                for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
                    monkeypatch.setenv(name, proxy.base_url)
            else:
                name = {"session": "http", "session, for all": "all"}.get(named_by, "http://127.0.0.1")
                session.proxies = {name: proxy.base_url}
            client(replay, session=session).progress("b1")
            client(replay).progress("b1")
        assert len(replay.asked) == 2
    assert proxy.asked == []


def test_a_malformed_proxy_is_not_shown(monkeypatch):
    """A password that was not quoted breaks the address, and would stand in the error."""
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:{SECRETS['proxy password']}/@127.0.0.1:1")
    with pytest.raises(nimble_pandas.TransportError, match="malformed") as raised:
        Client(base_url="https://api.example.invalid", api_key="k-1234").progress("b1")
    assert "S3CRET" not in str(raised.value)


# -- outputs are read from where they were asked for --------------------------------------------------------

URL = "https://www.walmart.com/ip/1"
PAGE = {"task_id": "t1", "status": "success", "input_url": URL, "parsing": [{"name": "stolen"}]}


def test_a_download_url_is_never_followed():
    """Nor a status_url, with a literal base URL or with another host: addresses are built from ids."""
    with replaying(Answer(body=PAGE)) as other:
        for status_url in ("[base_url]/api/v1/tasks/t1", f"{other.base_url}/api/v1/tasks/t1"):
            task = {
                "id": "t1",
                "state": "success",
                "input": {"url": URL, "vendor": "walmart"},
                "download_url": f"{other.base_url}/api/v1/tasks/t1/results",
                "output_url": f"{other.base_url}/t1.json",
                "status_url": status_url,
            }
            own = Answer(body={**PAGE, "parsing": [{"name": "Milk"}]})
            with replaying(*scripted(task, own)) as replay:
                frame = fetched(replay, refresh=True)
            assert frame.loc[0, ["status", "name"]].tolist() == ["ok", "Milk"]
            assert frame.loc[0, "output_url"].startswith(replay.base_url)
    assert other.asked == []


def spelled(prefix, target):
    """Return ways to spell a location that is not under a prefix."""
    rest = prefix.partition("://")[2]
    return [
        target,
        target.removeprefix("file://"),
        f"{prefix}../{target.rpartition('/')[2]}",
        f"{prefix}%2e%2e/{target.rpartition('/')[2]}",
        f"{prefix}%252e%252e/x.json",
        f"{prefix}.%2E/x.json",
        f"{prefix}a/..\\..\\x.json",
        f"{prefix}..\\x.json",
        f"{prefix}\x00/x.json",
        f"{prefix}x.json::{target}",
        f"{prefix.rstrip('/')}er/x.json",
        f"s3://elsewhere/{rest}x.json",
        f"s3://bucket@evil/{rest}x.json",
        f"{'gs' if prefix.startswith('s3') else 's3'}://{rest}x.json",
        f"simplecache::{prefix}x.json",
        "http://127.0.0.1:1/x.json",
        f"{prefix.partition('://')[0]}:/{rest}x.json",
        prefix,
        "..",
    ]


def test_a_location_elsewhere_is_refused_and_not_handed_on(tmp_path):
    """It is not read, the row says so, and nobody who reads the frame's locations is led there."""
    target = tmp_path / "secret.json"
    target.write_text(json.dumps(PAGE))
    prefix = f"file://{tmp_path}/outputs/"
    locations = spelled(prefix, f"file://{target}")
    faults = [Fault("elsewhere", task=n, to=location) for n, location in enumerate(locations)]
    with serve(faults=faults) as service:
        frame = pd.DataFrame({"url": shop.product_urls(service.shop_url, len(locations) + 1)})
        answer = frame.nimble.batch(
            url_col="url",
            vendor="walmart",
            parse=True,
            storage_url=prefix,
            progress="none",
            client=service.client(),
        )
        service.check()
    *refused, last = answer["status"]
    assert refused == ["unreadable"] * len(locations)
    assert last == "ok"
    assert answer["error"][:-1].str.startswith("refused: ").all()
    assert answer["output_url"][:-1].isna().all()
    assert "stolen" not in answer.to_csv()


@pytest.mark.parametrize("prefix", ["s3://bucket/p/", "gs://bucket/p/", "file:///p/"])
@pytest.mark.usefixtures("gcs")
def test_no_spelling_leads_out_of_a_prefix(prefix):
    """Whatever the store, only names below the prefix itself are held."""
    store = Store(prefix)
    for location in spelled(prefix, "file:///etc/passwd"):
        assert not store.holds(location), location
    for name in ("a.json", "a/b.json.gz", "a%20b.json", "a b.json", "..a.json", "ü.json"):
        assert store.holds(f"{prefix}{name}"), name


# -- what the service says stays text -----------------------------------------------------------------------


def scripted(task, *outputs):
    """Return the answers of a service that takes a batch of one and says so of its task."""
    task = {"input": {"url": URL, "vendor": "walmart"}, **task}
    tasks = Answer(body={"batch_id": "b1", "tasks": [task]})
    taken = Answer(body={"batch_id": "b1", "tasks": [{**task, "state": "pending"}]})
    return taken, Answer(body={"completed": True, "progress": 1}), tasks, *outputs


def fetched(replay, **more):
    """Fetch the page from a scripted service."""
    ask = {"url_col": "url", "vendor": "walmart", "parse": True, "progress": "none", "client": client(replay)}
    return pd.DataFrame({"url": [URL]}).nimble.batch(**ask, **more)


@pytest.mark.parametrize(
    "task_id",
    ["../../../evil", "/tmp/evil", "..", "a" * 3000, "a\x00b", "ü\ud800", "a/b"],
    ids=range(7),
)
def test_a_task_id_names_no_file_elsewhere(task_id, tmp_path):
    """Copies of pulled outputs stay in the ledger's folder, whatever the service calls a task."""
    folder = tmp_path / "a" / "b" / "ledger"
    output = Answer(body={k: v for k, v in PAGE.items() if k != "task_id"})
    with replaying(*scripted({"id": task_id, "state": "success"}, output)) as replay:
        frame = fetched(replay, ledger=nimble_pandas.Ledger(folder))
        again = fetched(replay, ledger=nimble_pandas.Ledger(folder), max_age="1h")
    assert frame["status"].tolist() == again["status"].tolist() == ["ok"]
    assert again["reused"].all()
    written = {path.parent for path in tmp_path.rglob("*") if path.is_file()}
    assert written <= {folder, folder / "outputs", folder / "locks"}
    assert len(list((folder / "outputs").iterdir())) == 1


def test_half_a_character_of_the_services_breaks_nothing(tmp_path):
    """A service that cuts its texts may cut one in two; ledger and Parquet take whole ones only."""
    task = {"id": "t1", "state": "failed", "error": "blocked \ud83d", "batch_id": "b\udc00"}
    with replaying(*scripted(task)) as replay:
        frame = fetched(replay)
    assert frame["status"].tolist() == ["failed"]
    assert frame["error"].tolist() == ["blocked ?"]
    frame.to_parquet(tmp_path / "a.parquet")


def test_a_reason_that_echoes_the_key_is_masked():
    """In the row, in the ledger and in a pickle; whether a task or an output gives it."""
    failing = scripted({"id": "t1", "state": "failed", "error": f"wrong: {PASSWORD}"})
    output = Answer(body={"status": "failed", "task_id": "t1", "error": f"wrong: {BASIC}"})
    for script in (failing, scripted({"id": "t1", "state": "success"}, output)):
        with replaying(*script) as replay:
            ask = {"url_col": "url", "vendor": "walmart", "refresh": True, "progress": "none"}
            job = pd.DataFrame({"url": [URL]}).nimble.submit(**ask, client=client(replay)).wait()
        assert job.frame()["status"].tolist() == ["failed"]
        assert "***" in job.frame()["error"][0]
        shown = (
            pickle.dumps(job._story.books.batches)
            + nimble_pandas.Ledger().path.read_bytes()
            + job.frame().to_csv().encode()
        )
        assert not leaks.found_in(shown, {"password": PASSWORD, "basic": BASIC.partition(" ")[2]})


# -- nothing that is read is executed ------------------------------------------------------------------------

PACKAGE = Path(nimble_pandas.__file__).parent
#: Modules that run what they read, and calls that do.
EXECUTING_MODULES = {
    "pickle",
    "cPickle",
    "dill",
    "cloudpickle",
    "joblib",
    "marshal",
    "shelve",
    "yaml",
    "subprocess",
}
EXECUTING_CALLS = {"eval", "exec", "compile", "read_pickle", "system", "popen", "literal_eval", "__import__"}


def executing(path):
    """Yield what in a file could run what it reads."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {str(node.module).partition(".")[0]}
        elif isinstance(node, ast.Call):
            names = {getattr(node.func, "id", "")} | {getattr(node.func, "attr", "")}
            ours = isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) in {"re", "pc"}
            names = set() if ours else names & EXECUTING_CALLS
            if any(keyword.arg == "allow_pickle" for keyword in node.keywords):
                names.add("allow_pickle")
        else:
            continue
        for name in names & (EXECUTING_MODULES | EXECUTING_CALLS | {"allow_pickle"}):
            yield f"{path.relative_to(PACKAGE)}:{node.lineno} {name}"


def test_nothing_that_is_read_is_executed():
    """Neither the ledger nor Parquet nor an answer: nothing in the package unpickles or evaluates."""
    found = [each for path in sorted(PACKAGE.rglob("*.py")) for each in executing(path)]
    assert found == []
