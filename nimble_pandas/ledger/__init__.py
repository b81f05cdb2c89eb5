"""What was sent, on disk."""

from nimble_pandas.ledger.database import default_folder
from nimble_pandas.ledger.ledger import Ledger
from nimble_pandas.ledger.records import (
    KEY_BYTES,
    NO_KEY,
    STATUS_KEPT_SECONDS,
    BatchRecord,
    JobRecord,
    RequestRecord,
    copy_name,
)
from nimble_pandas.ledger.tables import Planned, Sent

__all__ = [
    "KEY_BYTES",
    "NO_KEY",
    "STATUS_KEPT_SECONDS",
    "BatchRecord",
    "JobRecord",
    "Ledger",
    "Planned",
    "RequestRecord",
    "Sent",
    "copy_name",
    "default_folder",
]
