"""What the owner of a bucket must allow the service, and whether a policy says so; pure.

The principal, the actions and the role are those of the batch documentation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from nimble_pandas.errors import ConfigError

#: What a policy says of one action; ``conditional`` where it depends on what cannot be seen from here.
Verdict = Literal["allowed", "not allowed", "denied", "conditional"]

#: Who writes into a bucket on S3.
PRINCIPAL = "arn:aws:iam::744254827463:user/webit-uploader"

# the user, its account in both spellings, and everyone; AWS takes no other wildcard in a principal
_NAMES = {PRINCIPAL, "arn:aws:iam::744254827463:root", "744254827463", "*"}

_OBJECT_ACTIONS = ("s3:PutObject", "s3:PutObjectACL")
_BUCKET_ACTION = "s3:GetBucketLocation"
_VERSION = "2012-10-17"
_KEY_ACTIONS = ("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey")

# the predefined roles that hold storage.objects.create
# https://cloud.google.com/storage/docs/access-control/iam-roles
_CREATING_ROLES = {
    f"roles/storage.{name}"
    for name in (
        "objectCreator",
        "objectUser",
        "objectAdmin",
        "admin",
        "legacyBucketWriter",
        "legacyBucketOwner",
    )
}


def bucket_policy(storage_url: str) -> str:
    """Return what to paste so that the service may write into a bucket.

    Parameters
    ----------
    storage_url : str
        ``s3://bucket/…``, ``gs://bucket/…``, or the name of an S3 bucket alone.

    Returns
    -------
    str
        For S3 the bucket policy, as JSON; for GCS the command that gives the role.

    Raises
    ------
    ConfigError
        It names no bucket.

    Examples
    --------
    >>> import nimble_pandas
    >>> print(nimble_pandas.bucket_policy("gs://my-bucket"))  # doctest: +ELLIPSIS
    gcloud storage buckets add-iam-policy-binding gs://my-bucket ...
    """
    protocol, separator, rest = storage_url.partition("://")
    bucket = (rest if separator else storage_url).partition("/")[0]
    if not bucket or (separator and protocol not in {"s3", "s3a", "gs", "gcs"}):
        raise ConfigError(f"{storage_url!r} names no bucket.", hint='Give "s3://bucket" or "gs://bucket".')
    if protocol in {"gs", "gcs"} and separator:
        return (
            f"gcloud storage buckets add-iam-policy-binding gs://{bucket} "
            "--member=serviceAccount:NIMBLES_SERVICE_ACCOUNT --role=roles/storage.objectCreator"
        )
    return _policy(
        [
            {"Action": list(_OBJECT_ACTIONS), "Resource": f"arn:aws:s3:::{bucket}/*"},
            {"Action": _BUCKET_ACTION, "Resource": f"arn:aws:s3:::{bucket}"},
        ]
    )


def key_policy() -> str:
    """Return what to add to the policy of the key of a bucket that is encrypted with SSE-KMS.

    Returns
    -------
    str
        The key policy's statement for the service, as JSON.
    """
    return _policy([{"Action": list(_KEY_ACTIONS), "Resource": "*"}])


def _policy(grants: list[dict[str, object]]) -> str:
    statements = [{"Effect": "Allow", "Principal": {"AWS": PRINCIPAL}, **grant} for grant in grants]
    return json.dumps({"Version": _VERSION, "Statement": statements}, indent=2)


def granted(policy: Mapping[str, Any], bucket: str, prefix: str) -> dict[str, Verdict]:
    """Return what the policy of an S3 bucket says of each action that the service needs.

    Parameters
    ----------
    policy : Mapping
        The bucket's policy; empty where it has none.
    bucket : str
        The bucket.
    prefix : str
        The start of the names of all objects that the service is going to write.

    Returns
    -------
    dict of str to Verdict
        By action.
    """
    arn = f"arn:aws:s3:::{bucket}"
    # names as the service makes them stand for all of them
    objects = [f"{arn}/{prefix}job/batch/task{ending}" for ending in (".json", ".json.gz")]
    statements = [each for each in _listed(policy.get("Statement")) if _names_service(each)]
    verdicts = {action: _verdict(statements, action, objects) for action in _OBJECT_ACTIONS}
    return {**verdicts, _BUCKET_ACTION: _verdict(statements, _BUCKET_ACTION, [arn])}


def creators(policy: Mapping[str, Any]) -> list[str]:
    """Return who may write objects, by the IAM policy of a bucket on Google Cloud Storage.

    Parameters
    ----------
    policy : Mapping
        The bucket's own policy; what the project grants is not in it.

    Returns
    -------
    list of str
        Members, such as ``serviceAccount:…`` and ``allUsers``, sorted.
    """
    bindings = [each for each in policy.get("bindings", ()) if each.get("role") in _CREATING_ROLES]
    return sorted({member for each in bindings for member in each.get("members", ())})


def _verdict(statements: Iterable[Mapping[str, Any]], action: str, arns: Iterable[str]) -> Verdict:
    about = [each for each in statements if _covers(each, "Action", action)]
    denials = [each for each in about if each.get("Effect") == "Deny" and not _is_about_plain_http(each)]
    denials = [each for each in denials if any(_covers(each, "Resource", arn) for arn in arns)]
    leaves = [each for each in about if each.get("Effect") == "Allow"]
    sure = [each for each in leaves if not each.get("Condition")]
    if any(not each.get("Condition") for each in denials):
        return "denied"
    if not _cover_all(leaves, arns):
        return "not allowed"
    return "conditional" if denials or not _cover_all(sure, arns) else "allowed"


def _cover_all(statements: Iterable[Mapping[str, Any]], arns: Iterable[str]) -> bool:
    return all(any(_covers(each, "Resource", arn) for each in statements) for arn in arns)


def _covers(statement: Mapping[str, Any], element: str, value: str) -> bool:
    excepted = statement.get(f"Not{element}")
    if excepted is not None:
        return not _matches(excepted, value, element)
    return _matches(statement.get(element), value, element)


def _matches(patterns: object, value: str, element: str) -> bool:
    # actions are the same in any case, resources are not
    flags = re.IGNORECASE | re.DOTALL if element == "Action" else re.DOTALL
    wild = (re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".") for pattern in _listed(patterns))
    return any(re.fullmatch(pattern, value, flags) for pattern in wild)


def _names_service(statement: Mapping[str, Any]) -> bool:
    if "NotPrincipal" in statement:
        return not _among(statement["NotPrincipal"])
    return _among(statement.get("Principal"))


def _among(principal: object) -> bool:
    names = principal.get("AWS") if isinstance(principal, Mapping) else principal
    return not _NAMES.isdisjoint(_listed(names))


def _is_about_plain_http(statement: Mapping[str, Any]) -> bool:
    """Say whether a statement forbids plain HTTP and nothing else, as AWS recommends for every bucket."""
    condition = json.dumps(statement.get("Condition")).lower().replace("[", "").replace("]", "")
    return condition.replace('"false"', "false") == '{"bool": {"aws:securetransport": false}}'


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 -- policies write lists of one without the list
    if value is None:
        return []
    return [value] if isinstance(value, str | Mapping) else list(value)
