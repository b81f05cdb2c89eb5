"""The one story: batches sent, followed, read, and laid out as a frame."""

from nimble_pandas.job.job import Job
from nimble_pandas.job.outputs import read_outputs
from nimble_pandas.job.past import attach, jobs, rescue
from nimble_pandas.job.prepare import prepare, seconds

__all__ = ["Job", "attach", "jobs", "prepare", "read_outputs", "rescue", "seconds"]
