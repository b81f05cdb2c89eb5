"""What the caller sees while a job runs: a frozen snapshot goes to a view, which shows it.

The calling thread tells the view; a view decides nothing about the job. `view` picks one for the place
where the code runs: a widget or HTML in a notebook, a bar in a terminal, log lines otherwise.
"""

from nimble_pandas.progress.choose import view
from nimble_pandas.progress.snapshot import Snapshot, View

__all__ = ["Snapshot", "View", "view"]
