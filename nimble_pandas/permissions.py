"""What the owner of a bucket must allow the service; pure.

The principal, the actions and the role are those of the batch documentation.
"""

from __future__ import annotations

import json

from nimble_pandas.errors import ConfigError

_PRINCIPAL = "arn:aws:iam::744254827463:user/webit-uploader"
_VERSION = "2012-10-17"
_KEY_ACTIONS = ("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey")


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
            {"Action": ["s3:PutObject", "s3:PutObjectACL"], "Resource": f"arn:aws:s3:::{bucket}/*"},
            {"Action": "s3:GetBucketLocation", "Resource": f"arn:aws:s3:::{bucket}"},
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
    statements = [{"Effect": "Allow", "Principal": {"AWS": _PRINCIPAL}, **grant} for grant in grants]
    return json.dumps({"Version": _VERSION, "Statement": statements}, indent=2)
