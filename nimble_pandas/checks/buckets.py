"""What a bucket lets its reader and the service do, as far as the reader can see; nothing is written."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Literal

from nimble_pandas.checks.lines import Line
from nimble_pandas.permissions import PRINCIPAL, bucket_policy, creators, granted, key_policy
from nimble_pandas.storage import Store

# an object of this name is looked for where a prefix is empty; it is never written
_NO_OBJECT = "nimble-pandas-check"

_UNAUTHORIZED = 401

# how the stores' libraries say that there are no credentials, and how S3 says that they are no good
_NO_CREDENTIALS = {
    "NoCredentialsError",
    "PartialCredentialsError",
    "ProfileNotFound",
    "DefaultCredentialsError",
}
_BAD_CREDENTIALS = {
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
}


class Bucket(ABC):
    """What all stores are asked.

    Parameters
    ----------
    store : Store
        The store, opened with the reader's own options.
    """

    # what the reader must hold to list and to read, and how to sign in: each store has its words
    to_list: str
    to_read: str
    to_sign_in: str

    def __init__(self, store: Store) -> None:
        self.fs, self.url = store.fs, store.storage_url
        protocol, _, rest = self.url.partition("://")
        self.name, _, self.prefix = rest.partition("/")
        self.root = f"{protocol}://{self.name}"

    @abstractmethod
    def _first(self) -> str | None:
        """Return the name of an object under the prefix."""

    @abstractmethod
    def _head(self, key: str) -> None:
        """Ask whether there is an object."""

    @abstractmethod
    def _where(self) -> str:
        """Return where the bucket is."""

    @abstractmethod
    def _writing(self) -> Iterator[Line]:
        """Say whether the service may write."""

    def lines(self) -> Iterator[Line]:
        """Say how everything stands.

        Yields
        ------
        Line
            The bucket, reading, and what there is to say of writing.
        """
        try:
            key, where = self._first(), self._where()
        except Exception as exc:  # noqa: BLE001 -- whatever a store raises is what was to be found out
            yield self._closed(exc)
            if _trouble(exc) not in {"no credentials", "denied"}:
                return
        else:
            yield Line("bucket", "ok", f"{self.root} can be listed{where}.")
            yield self._reading(key)
        yield from self._writing()

    def _closed(self, exc: Exception) -> Line:
        trouble, why = _trouble(exc), _code(exc) or type(exc).__name__
        found, remedy = {
            "absent": (f"There is no {self.root}.", "Check its name, or make it."),
            "no credentials": (f"No credentials for {self.root} were found ({why}).", self.to_sign_in),
            "bad credentials": (f"Your credentials for {self.root} are refused ({why}).", self.to_sign_in),
            "denied": (f"You may not list {self.root} ({why}).", f"Ask its owner for {self.to_list}."),
            "other": (
                f"{self.root}: {type(exc).__name__}: {exc}",
                "Check storage_url= and storage_options=.",
            ),
        }[trouble]
        return Line("bucket", "missing", found, remedy)

    def _reading(self, key: str | None) -> Line:
        # who may list is told that an object is not there; who may not read it is denied all the same
        try:
            self._head(key or f"{self.prefix}{_NO_OBJECT}")
        except Exception as exc:  # noqa: BLE001 -- as above
            if _trouble(exc) == "denied":
                remedy = f"Ask the bucket's owner for {self.to_read}."
                return Line("reading", "missing", f"You may not read objects under {self.url}.", remedy)
            if _trouble(exc) != "absent":
                remedy = "Try again later."
                return Line("reading", "cannot be seen", f"{type(exc).__name__}: {exc}", remedy)
        return Line("reading", "ok", f"You may read objects under {self.url}.")


class S3(Bucket):
    """On S3, and on what speaks like it."""

    to_list = "s3:ListBucket on the bucket"
    to_read = "s3:GetObject on its objects"
    to_sign_in = "Give key and secret in storage_options=, set AWS_PROFILE, or sign in with the aws command."

    def _first(self) -> str | None:
        found = self.fs.call_s3("list_objects_v2", Bucket=self.name, Prefix=self.prefix, MaxKeys=1)
        return next((each["Key"] for each in found.get("Contents", ())), None)

    def _head(self, key: str) -> None:
        self.fs.call_s3("head_object", Bucket=self.name, Key=key)

    def _where(self) -> str:
        region = self.fs.call_s3("head_bucket", Bucket=self.name).get("BucketRegion")
        endpoint = self.fs.s3.meta.endpoint_url
        # a setting that points elsewhere is easily forgotten
        elsewhere = "" if ".amazonaws.com" in endpoint else f" at {endpoint}"
        return (f", in {region}" if region else "") + elsewhere

    def _writing(self) -> Iterator[Line]:
        yield self._leave()
        yield self._encryption()

    def _leave(self) -> Line:
        paste = bucket_policy(self.url)
        try:
            policy = json.loads(self.fs.call_s3("get_bucket_policy", Bucket=self.name)["Policy"])
        except Exception as exc:  # noqa: BLE001 -- as above
            if _code(exc) != "NoSuchBucketPolicy":
                found = f"You may not read the bucket's policy ({_code(exc) or type(exc).__name__})."
                remedy = "See that the policy below is among what its owner has set."
                return Line("writing", "cannot be seen", found, remedy, paste)
            policy = {}
        return _judged(granted(policy, self.name, self.prefix), paste)

    def _encryption(self) -> Line:
        try:
            answer = self.fs.call_s3("get_bucket_encryption", Bucket=self.name)
        except Exception as exc:  # noqa: BLE001 -- as above
            if _code(exc) == "ServerSideEncryptionConfigurationNotFoundError":
                return Line("encryption", "ok", "The bucket sets none.")
            found = f"You may not read the bucket's encryption ({_code(exc) or type(exc).__name__})."
            remedy = "If it is SSE-KMS with a key of yours, its policy must allow nimble_pandas.key_policy()."
            return Line("encryption", "cannot be seen", found, remedy)
        rules = answer["ServerSideEncryptionConfiguration"]["Rules"]
        return _key(next((each.get("ApplyServerSideEncryptionByDefault", {}) for each in rules), {}))


class Gcs(Bucket):
    """On Google Cloud Storage."""

    to_list = "storage.objects.list (role Storage Object Viewer)"
    to_read = "storage.objects.get (role Storage Object Viewer)"
    to_sign_in = "Run gcloud auth application-default login, or give token in storage_options=."

    def _first(self) -> str | None:
        asked = {"prefix": self.prefix, "maxResults": 1}
        found = self.fs.call("GET", "b/{}/o", self.name, json_out=True, **asked)
        return next((each["name"] for each in found.get("items", ())), None)

    def _head(self, key: str) -> None:
        self.fs.call("GET", "b/{}/o/{}", self.name, key, json_out=True)

    def _where(self) -> str:
        return ""

    def _writing(self) -> Iterator[Line]:
        paste = bucket_policy(self.url)
        try:
            who = creators(self.fs.call("GET", "b/{}/iam", self.name, json_out=True))
        except Exception as exc:  # noqa: BLE001 -- as above
            remedy = (
                "See that Nimble's service account has the role Storage Object Creator; the command is below."
            )
            yield Line(
                "writing",
                "cannot be seen",
                f"The bucket's IAM policy is not shown ({type(exc).__name__}).",
                remedy,
                paste,
            )
            return
        if "allUsers" in who:
            yield Line("writing", "ok", "The bucket lets everyone write.")
        elif who:
            remedy = "See that Nimble's service account is among them; otherwise run the command below."
            yield Line("writing", "cannot be seen", f"These may write: {', '.join(who)}.", remedy, paste)
        else:
            remedy = "Run the command below, with the service account that Nimble names."
            yield Line("writing", "missing", "The bucket's IAM policy lets no one write.", remedy, paste)


def _judged(verdicts: Mapping[str, str], paste: str) -> Line:
    def having(verdict: str) -> str:
        return ", ".join(action for action, each in verdicts.items() if each == verdict)

    if denied := having("denied"):
        remedy = "Except that principal from the Deny, and see that the statements below are in the policy."
        return Line("writing", "missing", f"A Deny keeps {PRINCIPAL} from {denied}.", remedy, paste)
    if wanting := having("not allowed"):
        remedy = "Add the statements below to the bucket's policy; keep those that it has."
        return Line("writing", "missing", f"The policy does not let {PRINCIPAL} do {wanting}.", remedy, paste)
    if conditional := having("conditional"):
        found = f"The policy sets conditions on {conditional} for {PRINCIPAL}."
        return Line(
            "writing", "cannot be seen", found, "See that they hold, or add the statements below.", paste
        )
    return Line("writing", "ok", f"The policy lets {PRINCIPAL} write.")


def _key(default: Mapping[str, str]) -> Line:
    algorithm, key = default.get("SSEAlgorithm", ""), default.get("KMSMasterKeyID", "")
    if not algorithm.startswith("aws:kms"):
        return Line("encryption", "ok", f"{algorithm or 'None'}: no key has to allow anything.")
    if not key or key.endswith("alias/aws/s3"):
        # https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html: nobody can edit its policy
        found = "SSE-KMS with AWS's own key, which no other account can be let to use."
        return Line(
            "encryption",
            "missing",
            found,
            "Set SSE-S3, or a key of yours with the policy below.",
            key_policy(),
        )
    found = f"SSE-KMS with the key {key}."
    return Line(
        "encryption", "cannot be seen", found, "See that its policy has the statement below.", key_policy()
    )


def _trouble(exc: Exception) -> Literal["absent", "no credentials", "bad credentials", "denied", "other"]:
    if isinstance(exc, FileNotFoundError):
        return "absent"
    if type(exc).__name__ in _NO_CREDENTIALS or getattr(exc, "code", None) == _UNAUTHORIZED:
        return "no credentials"
    if _code(exc) in _BAD_CREDENTIALS:
        return "bad credentials"
    # gcsfs says so in words alone
    denied = isinstance(exc, PermissionError) or str(exc).startswith("Forbidden")
    return "denied" if denied else "other"


def _code(exc: Exception) -> str | None:
    """Return S3's own word for an error, which s3fs keeps in the cause."""
    response = getattr(exc.__cause__, "response", None)
    return response.get("Error", {}).get("Code") if isinstance(response, Mapping) else None
