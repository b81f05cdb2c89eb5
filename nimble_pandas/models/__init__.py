"""The wire's nouns: the only room that knows the service's JSON names."""

from nimble_pandas.models.answers import Batch, Progress, Task, TaskPage, reason
from nimble_pandas.models.batches import (
    DELIVERY_PARAMETERS,
    DOCUMENTED_DEFAULTS,
    MAX_BATCH_REQUESTS,
    PARAMETERS,
    Delivery,
    encode_batch,
    encode_json,
    is_http_url,
)
from nimble_pandas.models.outputs import Entities, Output, read_output

__all__ = [
    "DELIVERY_PARAMETERS",
    "DOCUMENTED_DEFAULTS",
    "MAX_BATCH_REQUESTS",
    "PARAMETERS",
    "Batch",
    "Delivery",
    "Entities",
    "Output",
    "Progress",
    "Task",
    "TaskPage",
    "encode_batch",
    "encode_json",
    "is_http_url",
    "read_output",
    "reason",
]
