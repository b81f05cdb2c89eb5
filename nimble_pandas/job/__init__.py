"""The one story: batches sent, followed, read, and laid out as a frame."""

from nimble_pandas.job.job import Job, attach
from nimble_pandas.job.outputs import read_outputs
from nimble_pandas.job.prepare import plan_rows, prepare

__all__ = ["Job", "attach", "plan_rows", "prepare", "read_outputs"]
