"""``ddf.nimble``: the verbs on a Dask DataFrame, where one machine is not enough.

Importing this adds ``nimble`` to every Dask DataFrame. Requests are sent once, from here, through the ledger,
when a verb is called; outputs are read by the workers, partition by partition, when something is computed.
"""

from nimble_pandas.dask.verbs import DaskJob, batch, submit

__all__ = ["DaskJob", "batch", "submit"]
