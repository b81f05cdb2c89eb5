"""The one story: batches sent, followed, read, and laid out as a frame."""

from nimble_pandas.job.job import Job
from nimble_pandas.job.outputs import read_outputs
from nimble_pandas.job.past import attach, jobs, rescue
from nimble_pandas.job.prepare import prepare, seconds
from nimble_pandas.job.unread import TASK_COLUMNS, lay_out_tasks, read_tasks, task_table

__all__ = [
    "TASK_COLUMNS",
    "Job",
    "attach",
    "jobs",
    "lay_out_tasks",
    "prepare",
    "read_outputs",
    "read_tasks",
    "rescue",
    "seconds",
    "task_table",
]
