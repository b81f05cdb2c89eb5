"""Whether a job would go well is found out beforehand, and nothing is sent or written to find it out."""

import contextlib
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import fsspec
import gcsfs
import pytest
import servers

import nimble_pandas
from nimble_pandas.checks import Check, Line
from nimble_pandas.local import serve
from nimble_pandas.permissions import PRINCIPAL, creators, granted

KEY = "arn:aws:kms:us-east-1:123456789012:key/ours"


@pytest.fixture(scope="module")
def service(_session_environment):
    """Give a local service."""
    with serve() as service:
        yield service


@pytest.fixture
def tried(service):
    """Give a function that checks with the service's own key, and returns the lines by name."""

    def lines(storage_url=None, **storage_options):
        check = nimble_pandas.check(storage_url, storage_options=storage_options, client=service.client())
        return {line.name: line for line in check.lines}

    return lines


@contextlib.contextmanager
def owner(url, pair):
    """Give the boto3 client of a bucket's owner."""
    import boto3

    keys = {"aws_access_key_id": pair["key"], "aws_secret_access_key": pair["secret"]}
    with contextlib.closing(boto3.client("s3", endpoint_url=url, region_name="us-east-1", **keys)) as s3:
        yield s3


def reader(url, good, *denials):
    """Return the keys of a user who may do all but these actions."""
    import boto3

    keys = {"aws_access_key_id": good["key"], "aws_secret_access_key": good["secret"]}
    with contextlib.closing(boto3.client("iam", endpoint_url=url, region_name="us-east-1", **keys)) as iam:
        pair = servers.iam_user(iam, "reader")
        deny = {"Effect": "Deny", "Action": list(denials), "Resource": "*"}
        policy = {**servers.ALLOW_ALL, "Statement": [*servers.ALLOW_ALL["Statement"], deny]}
        iam.put_user_policy(UserName="reader", PolicyName="most", PolicyDocument=json.dumps(policy))
    return pair


def statuses(lines):
    """Return the status of each line."""
    return {name: line.status for name, line in lines.items()}


class TestKey:
    """The key is tried at the service, without a submit."""

    def test_an_accepted_key(self, service):
        """One light call proves it; the account is named, the password is not, and no batch is made."""
        n_calls = len(service.log)
        check = nimble_pandas.check(client=service.client())
        assert check.ok
        assert [(line.name, line.status) for line in check.lines] == [
            ("service", "ok"),
            ("key", "ok"),
            ("ledger", "ok"),
        ]
        assert service.base_url in repr(check)
        assert service.username in repr(check)
        assert service.password not in repr(check) + check._repr_html_()
        assert [call.method for call in service.log[n_calls:]] == ["GET"]

    def test_a_refused_key(self, service):
        """The service answers, the key is what is missing, and neither key is shown."""
        client = nimble_pandas.Client(base_url=service.base_url, username="me", password="sesame")
        check = nimble_pandas.check(client=client)
        assert not check.ok
        assert {line.name: line.status for line in check.lines} == {
            "service": "ok",
            "key": "missing",
            "ledger": "ok",
        }
        assert "401" in repr(check)
        assert "NIMBLE_PASSWORD" in repr(check)
        assert "sesame" not in repr(check) + check._repr_html_()

    def test_no_key(self):
        """Without a key the check says where it was looked for; the rest is tried all the same."""
        key, ledger = nimble_pandas.check().lines
        assert (key.name, key.status, ledger.status) == ("key", "missing", "ok")
        assert "~/.netrc" in key.found

    def test_no_service(self):
        """A service that does not answer is missing, and of the key nothing can be seen."""
        address = f"http://127.0.0.1:{servers.free_port()}"
        client = nimble_pandas.Client(base_url=address, username="me", password="sesame")
        service, key, _ = nimble_pandas.check(client=client).lines
        assert (service.status, key.status) == ("missing", "cannot be seen")
        assert address in service.found

    def test_another_web_server_accepts_no_key(self, service):
        """Any server says 404; only the API's own 404 proves the key."""
        client = nimble_pandas.Client(base_url=service.shop_url, username="me", password="sesame")
        check = nimble_pandas.check(client=client)
        assert check.lines[1].status == "cannot be seen"
        assert len(check.lines[1].found) <= 160
        assert "NIMBLE_BASE_URL" in check.lines[1].remedy


@pytest.mark.parametrize(
    ("status_code", "body", "status"),
    [
        (200, {"status": "success", "task": {}}, "cannot be seen"),
        (400, {"status": "failed", "msg": "no id"}, "cannot be seen"),
        (402, {"status": "failed", "msg": "no budget"}, "missing"),
        (404, {"status": "failed", "error": "Task not found"}, "ok"),
        (429, {"status": "failed", "msg": "Rate limit exceeded"}, "cannot be seen"),
        (500, {"status": "error", "msg": "sesame"}, "cannot be seen"),
    ],
)
def test_what_an_answer_says_of_the_key(status_code, body, status):
    """Only 401, 402 and 403 refuse it, only the API's 404 accepts it, and the rest is not guessed."""
    with answering({"/": (status_code, body)}) as url:
        client = nimble_pandas.Client(base_url=url, api_key="sesame")
        check = nimble_pandas.check(client=client)
    assert [line.status for line in check.lines[:2]] == ["ok", status]
    assert "sesame" not in repr(check)


class TestS3:
    """A bucket on S3, whose server checks keys and policies."""

    def test_a_bucket_with_all_that_it_needs(self, s3, s3_auth, tried):
        """The documented policy is found to be enough, and nothing was written."""
        good, _ = s3_auth
        with owner(s3, good) as client:
            client.put_bucket_policy(Bucket="bucket", Policy=nimble_pandas.bucket_policy("s3://bucket"))
            lines = tried("s3://bucket/prices/", **good)
            assert "Contents" not in client.list_objects_v2(Bucket="bucket")
        assert set(statuses(lines).values()) == {"ok"}
        assert list(lines) == ["service", "key", "bucket", "reading", "writing", "encryption", "ledger"]
        assert "us-east-1" in lines["bucket"].found
        assert s3 in lines["bucket"].found

    def test_a_bucket_without_a_policy(self, s3_auth, tried):
        """All three actions are missing, and the policy to paste is the documented one."""
        good, _ = s3_auth
        writing = tried("s3a://bucket/prices/", **good)["writing"]
        assert writing.status == "missing"
        assert "s3:PutObject, s3:PutObjectACL, s3:GetBucketLocation" in writing.found
        assert writing.paste == nimble_pandas.bucket_policy("s3://bucket")

    def test_an_object_that_is_there_is_what_reading_is_tried_on(self, s3_auth, tried):
        """Where outputs lie already, one of them is asked for."""
        good, _ = s3_auth
        with fsspec.open("s3://bucket/prices/a.json", "wb", **good) as stream:
            stream.write(b"{}")
        assert tried("s3://bucket/prices/", **good)["reading"].status == "ok"

    @pytest.mark.parametrize(
        ("denial", "expected"),
        [
            ("s3:ListBucket", ("bucket", "missing")),
            ("s3:GetObject", ("reading", "missing")),
            ("s3:GetBucketPolicy", ("writing", "cannot be seen")),
        ],
    )
    def test_each_right_of_the_reader(self, s3, s3_auth, tried, denial, expected):
        """A right that the reader lacks is told apart from the others, with what to ask for."""
        good, _ = s3_auth
        lines = tried("s3://bucket/prices/", **reader(s3, good, denial))
        name, status = expected
        assert lines[name].status == status
        assert lines[name].remedy
        # there is no policy, and moto takes the question for the encryption for a listing
        others = set(lines) - {name, "writing", "encryption"}
        assert {lines[each].status for each in others} == {"ok"}

    def test_a_reader_with_no_rights(self, s3_auth, tried):
        """Nothing of the bucket can be seen, and the policy to hand to its owner is shown."""
        _, denied = s3_auth
        lines = tried("s3://bucket/", **denied)
        assert "AccessDenied" in lines["bucket"].found
        assert lines["writing"].status == "cannot be seen"
        assert PRINCIPAL in lines["writing"].paste

    def test_no_such_bucket(self, s3_auth, tried):
        """A name that is not there is said to be so, and nothing more is asked."""
        good, _ = s3_auth
        lines = tried("s3://elsewhere/prices/", **good)
        assert list(lines) == ["service", "key", "bucket", "ledger"]
        assert "There is no s3://elsewhere." in lines["bucket"].found

    def test_wrong_credentials(self, s3_auth, tried):
        """Credentials that are refused are no lack of rights, and are not shown."""
        good, _ = s3_auth
        bucket = tried("s3://bucket/", key=good["key"], secret="sesame")["bucket"]
        assert "refused (SignatureDoesNotMatch)" in bucket.found
        assert "sesame" not in repr(bucket)

    @pytest.mark.usefixtures("s3")
    def test_no_credentials(self, monkeypatch, tried):
        """Having none is told apart from having wrong ones."""
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        lines = tried("s3://bucket/")
        assert "NoCredentialsError" in lines["bucket"].found
        assert lines["writing"].paste

    def test_no_store(self, tried):
        """An endpoint that does not answer is named."""
        endpoint, once = f"http://127.0.0.1:{servers.free_port()}", {"retries": {"max_attempts": 0}}
        bucket = tried("s3://bucket/", endpoint_url=endpoint, key="me", secret="sesame", config_kwargs=once)[
            "bucket"
        ]
        assert endpoint in bucket.found
        assert bucket.status == "missing"

    @pytest.mark.parametrize(
        ("default", "status"),
        [
            ({"SSEAlgorithm": "AES256"}, "ok"),
            ({"SSEAlgorithm": "aws:kms"}, "missing"),
            ({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}, "cannot be seen"),
        ],
    )
    def test_encryption(self, s3, s3_auth, default, status):
        """SSE-KMS needs a statement in the key's policy; AWS's own key cannot have it."""
        good, _ = s3_auth
        with owner(s3, good) as client:
            rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
            client.put_bucket_encryption(Bucket="bucket", ServerSideEncryptionConfiguration=rules)
        (encryption,) = (
            line
            for line in nimble_pandas.check("s3://bucket/", storage_options=good).lines
            if line.name == "encryption"
        )
        assert encryption.status == status
        assert encryption.paste == ("" if status == "ok" else nimble_pandas.key_policy())

    def test_a_policy_that_forbids_or_depends(self, s3, s3_auth, tried):
        """A Deny is missing, whatever else allows; a condition is not guessed."""
        good, _ = s3_auth
        documented = json.loads(nimble_pandas.bucket_policy("bucket"))
        deny = {**documented["Statement"][0], "Effect": "Deny", "Principal": "*"}
        acl = {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}
        with owner(s3, good) as client:
            documented["Statement"].append(deny)
            client.put_bucket_policy(Bucket="bucket", Policy=json.dumps(documented))
            denied = tried("s3://bucket/", **good)["writing"]
            deny["Condition"] = acl
            client.put_bucket_policy(Bucket="bucket", Policy=json.dumps(documented))
            conditional = tried("s3://bucket/", **good)["writing"]
        assert denied.status == "missing"
        assert "A Deny keeps" in denied.found
        assert conditional.status == "cannot be seen"
        assert "conditions on s3:PutObject, s3:PutObjectACL" in conditional.found


ALLOW = {"Effect": "Allow", "Principal": {"AWS": PRINCIPAL}, "Action": "s3:*", "Resource": "*"}
ELSEWHERE = {"AWS": ["arn:aws:iam::123456789012:root"]}
PLAIN_HTTP = {"Bool": {"aws:SecureTransport": ["false"]}}


@pytest.mark.parametrize(
    ("statements", "verdict"),
    [
        ([], "not allowed"),
        ([ALLOW], "allowed"),
        (ALLOW, "allowed"),
        ([{**ALLOW, "Principal": "*"}], "allowed"),
        ([{**ALLOW, "Principal": {"AWS": ["x", "744254827463"]}}], "allowed"),
        ([{**ALLOW, "Principal": {"AWS": "arn:aws:iam::744254827463:root"}}], "allowed"),
        ([{**ALLOW, "Principal": {"AWS": "arn:aws:iam::744254827463:user/another"}}], "not allowed"),
        ([{**ALLOW, "Principal": {"Service": "logging.s3.amazonaws.com"}}], "not allowed"),
        ([{**ALLOW, "Action": ["S3:putobject"]}], "allowed"),
        ([{**ALLOW, "Action": "s3:Put?bject"}], "allowed"),
        ([{**ALLOW, "Action": "s3:GetObject"}], "not allowed"),
        ([{**ALLOW, "Resource": "arn:aws:s3:::b/p/*"}], "allowed"),
        ([{**ALLOW, "Resource": "arn:aws:s3:::b/P/*"}], "not allowed"),
        ([{**ALLOW, "Resource": "arn:aws:s3:::b/other/*"}], "not allowed"),
        ([{**ALLOW, "Resource": "arn:aws:s3:::b"}], "not allowed"),
        ([{**ALLOW, "Resource": "arn:aws:s3:::b/*.json"}], "not allowed"),
        ([{**ALLOW, "Resource": "arn:aws:s3:::[b]/*"}], "not allowed"),
        ([ALLOW, {**ALLOW, "Effect": "Deny"}], "denied"),
        ([ALLOW, {**ALLOW, "Effect": "Deny", "Resource": "arn:aws:s3:::b/other/*"}], "allowed"),
        ([ALLOW, {**ALLOW, "Effect": "Deny", "Principal": ELSEWHERE}], "allowed"),
        ([ALLOW, {**ALLOW, "Effect": "Deny", "Principal": "*", "Condition": PLAIN_HTTP}], "allowed"),
        ([ALLOW, {**ALLOW, "Effect": "Deny", "Condition": {"Null": {"x": "true"}}}], "conditional"),
        ([{**ALLOW, "Condition": {"Null": {"x": "true"}}}], "conditional"),
        ([{"Effect": "Allow", "NotPrincipal": ELSEWHERE, "Action": "*", "Resource": "*"}], "allowed"),
        ([ALLOW, {"Effect": "Deny", "NotPrincipal": ELSEWHERE, "Action": "*", "Resource": "*"}], "denied"),
        (
            [ALLOW, {"Effect": "Deny", "NotPrincipal": {"AWS": PRINCIPAL}, "Action": "*", "Resource": "*"}],
            "allowed",
        ),
        ([ALLOW, {"Effect": "Deny", "Principal": "*", "NotAction": "s3:Put*", "Resource": "*"}], "allowed"),
        (
            [ALLOW, {"Effect": "Deny", "Principal": "*", "Action": "*", "NotResource": "arn:aws:s3:::b/p/*"}],
            "allowed",
        ),
    ],
)
def test_what_a_policy_says(statements, verdict):
    """Wildcards, lists of one, exceptions, conditions and an explicit Deny count as AWS has them count."""
    assert granted({"Statement": statements}, "b", "p/")["s3:PutObject"] == verdict


def test_the_documented_policy_is_enough_and_none_of_it_can_go():
    """Each of its actions is looked for."""
    documented = json.loads(nimble_pandas.bucket_policy("s3://b"))
    assert set(granted(documented, "b", "").values()) == {"allowed"}
    first, second = documented["Statement"]
    assert granted({"Statement": [first]}, "b", "")["s3:GetBucketLocation"] == "not allowed"
    assert set(granted({"Statement": [second]}, "b", "").values()) == {"allowed", "not allowed"}


def test_google_roles_that_may_write():
    """Only roles that create objects count."""
    writes = {"role": "roles/storage.objectCreator", "members": ["serviceAccount:b@x", "serviceAccount:a@x"]}
    reads = {"role": "roles/storage.objectViewer", "members": ["allUsers"]}
    assert creators({"bindings": [writes, reads]}) == ["serviceAccount:a@x", "serviceAccount:b@x"]
    assert creators({}) == []


class TestGcs:
    """A bucket on Google Cloud Storage."""

    def test_a_bucket_whose_policy_cannot_be_seen(self, gcs, tried):
        """The emulator has no IAM: the bucket is read, and the command to run is shown."""
        lines = tried("gcs://bucket/prices/")
        assert statuses(lines) == {
            "service": "ok",
            "key": "ok",
            "bucket": "ok",
            "reading": "ok",
            "writing": "cannot be seen",
            "ledger": "ok",
        }
        assert lines["writing"].paste == nimble_pandas.bucket_policy("gs://bucket")
        assert json.loads(servers.http("GET", f"{gcs}/storage/v1/b/bucket/o")).get("items", []) == []

    @pytest.mark.usefixtures("gcs")
    def test_no_such_bucket(self, tried):
        """A name that is not there is said to be so."""
        assert "There is no gs://elsewhere." in tried("gs://elsewhere/")["bucket"].found

    @pytest.mark.parametrize(
        ("members", "status"),
        [
            ([], "missing"),
            (["serviceAccount:writer@nimble.example"], "cannot be seen"),
            (["allUsers"], "ok"),
        ],
    )
    def test_a_policy_that_can_be_seen(self, monkeypatch, tried, members, status):
        """No writer is missing, everyone is enough, and a named one is for the user to recognise."""
        bindings = [{"role": "roles/storage.objectCreator", "members": members}]
        writing = self.against(monkeypatch, tried, iam=(200, {"bindings": bindings}))["writing"]
        assert writing.status == status
        assert all(member in writing.found for member in members if "@" in member)
        assert bool(writing.paste) == (status != "ok")

    @pytest.mark.parametrize(
        ("refusal", "found"),
        [(401, "No credentials"), (403, "You may not list"), (418, "HttpError")],
    )
    def test_a_bucket_that_is_closed(self, monkeypatch, tried, refusal, found):
        """Having no credentials is told apart from having no rights, and from anything else."""
        lines = self.against(monkeypatch, tried, objects=(refusal, {"error": {"message": "no"}}))
        assert found in lines["bucket"].found
        assert lines["bucket"].status == "missing"

    @pytest.mark.parametrize(("refusal", "status"), [(403, "missing"), (418, "cannot be seen")])
    def test_objects_that_are_closed(self, monkeypatch, tried, refusal, status):
        """Who may list may yet not read."""
        lines = self.against(monkeypatch, tried, an_object=(refusal, {"error": {"message": "no"}}))
        assert (lines["bucket"].status, lines["reading"].status) == ("ok", status)

    def against(self, monkeypatch, tried, *, objects=(200, {}), an_object=(404, {}), iam=(403, {})):
        """Return what is found at a server of Google's protocol with these answers."""
        api = "/storage/v1/b/bucket"
        with answering({f"{api}/o/": an_object, f"{api}/o": objects, f"{api}/iam": iam}) as url:
            monkeypatch.setenv("STORAGE_EMULATOR_HOST", url)
            gcsfs.GCSFileSystem.clear_instance_cache()
            try:
                return tried("gs://bucket/prices/", token="anon")
            finally:
                gcsfs.GCSFileSystem.clear_instance_cache()


class TestFolder:
    """A folder, which the local service alone writes to."""

    def test_a_folder_that_is_there_and_one_that_is_not(self, tmp_path, tried):
        """Either will do, and none is made."""
        assert tried(tmp_path)["folder"].found == f"{tmp_path} can be written."
        assert tried(f"file://{tmp_path}/new/er/")["folder"].found == f"{tmp_path}/new/er can be made."
        assert list(tmp_path.iterdir()) == []

    def test_a_file_is_no_folder(self, tmp_path, tried):
        """What is in the way is named."""
        (tmp_path / "taken").write_text("")
        folder = tried(tmp_path / "taken" / "below")["folder"]
        assert (folder.status, folder.found) == ("missing", f"{tmp_path / 'taken'} is no folder.")

    def test_a_file_system_that_cannot_be_written(self, tried):
        """A place that the system keeps closed, even to root, is missing."""
        assert tried("/proc/self/new")["folder"].status == "missing"

    def test_a_service_elsewhere_cannot_write_here(self, tmp_path):
        """Only the local service can."""
        address = "https://service.invalid"
        client = nimble_pandas.Client(base_url=address, username="me", password="sesame")
        lines = {line.name: line for line in nimble_pandas.check(tmp_path, client=client).lines}
        assert lines["service"].status == "missing"
        assert lines["writing"].found == f"{address} cannot write to a folder of this machine."


@pytest.mark.parametrize("url", ["ftp://bucket/x", "s3:///x", "abfs://container/x"])
def test_a_store_that_the_service_does_not_write_to(tried, url):
    """The error says which it does."""
    bucket = tried(url)["bucket"]
    assert bucket.status == "missing"
    assert '"s3://bucket' in bucket.remedy


def test_options_that_the_store_does_not_take(tried):
    """They are named, and what is secret in them is not shown, however deep it lies."""
    bucket = tried("s3://bucket/", wrong={"secret_key": "open sesame", "secret": "/sesame"})["bucket"]
    assert bucket.status == "missing"
    assert "wrong" in bucket.found
    assert "sesame" not in repr(bucket)


def test_a_ledger_that_cannot_be_written(tmp_path, monkeypatch, service):
    """It would stop a job before anything is sent, so it is found here too."""
    (tmp_path / "taken").write_text("")
    monkeypatch.setenv("NIMBLE_PANDAS_HOME", str(tmp_path / "taken"))
    *_, ledger = nimble_pandas.check(client=service.client()).lines
    assert ledger.status == "missing"
    assert "NIMBLE_PANDAS_HOME" in ledger.remedy


def test_how_it_is_shown():
    """Aligned within 80 columns, the policy apart and whole, and HTML with all text escaped."""
    policy = '{\n  "<Statement>": []\n}'
    check = Check(
        (
            Line("key", "ok", "Accepted."),
            Line("writing", "missing", "<script> " * 12, "Add <it>.", policy),
            Line("encryption", "cannot be seen", "Perhaps."),
        )
    )
    title, _, first, *rest = repr(check).splitlines()
    assert title == "Check: 1 ok, 1 missing, 1 cannot be seen (nothing was submitted or billed)"
    assert first == "  ok              key         Accepted."
    assert max(map(len, rest)) <= 80
    assert rest[-5:] == ["", "To paste (writing):", *policy.splitlines()]
    shown = check._repr_html_()
    assert "<script>" not in shown
    assert "<it>" not in shown
    assert "&lt;Statement&gt;" in shown
    assert not check.ok


@contextlib.contextmanager
def answering(answers):
    """Run a web server that answers by the longest of these paths that a call starts with; give its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            path = max((each for each in answers if self.path.startswith(each)), key=len)
            status_code, body = answers[path]
            self.send_response(status_code)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
