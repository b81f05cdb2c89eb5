"""What the caller sees while a job runs: a frozen snapshot goes to a view, which shows it.

One thread tells a view; a view decides nothing about the job. `view` picks one for the place where the code
runs: HTML in a notebook, with a button where one would be heard; a bar in a terminal; log lines otherwise.
"""

from nimble_pandas.progress.choose import view
from nimble_pandas.progress.pace import Paced
from nimble_pandas.progress.snapshot import Landed, Problem, Snapshot, View

__all__ = ["Landed", "Paced", "Problem", "Snapshot", "View", "view"]
