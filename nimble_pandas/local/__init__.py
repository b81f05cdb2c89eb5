"""The batch API on loopback: it takes batches, fetches and parses the pages, and delivers the outputs.

::

    with nimble_pandas.local.serve() as service:
        prices = pages.nimble.batch(url_col="url", client=service.client(), vendor="walmart", parse=True)

It answers as the API is documented. Where the documents are silent, or speak of what cannot be had on
loopback, this is what it does:

**Submit.** One bad request refuses the whole batch with 400, and so do more than 1,000 requests; the
message names each bad request, and nothing is taken. Bodies are read as JSON whatever their content type
says, up to 8 MiB (413 beyond). Unknown parameters are taken, echoed, and noted in the output as not
honoured. What contradicts itself on one level is a 400; what only a default and a request together make
wrong is told by the task: its ``error`` (``storage_type``), or the output's ``notes`` (``state`` outside
the US). ``/batch/web`` needs no vendor; ``/batch/serp`` answers 501, for there are no search engines here.

**Delivery.** ``storage_url`` decides where, and ``storage_type`` may be left out; beside ``s3`` and ``gs``
there is ``file``, a folder of this machine. A missing slash at the end is added. The name ends in
``.json``, gzipped ``.json.gz``. A ``storage_object_name`` that comes again in its batch gets the task id
appended. Buckets are never made, folders are; a file appears whole. A failed upload fails the task.
``storage_compress`` is for storage only: what is pulled is plain JSON.

**Pull.** Results wait in memory, 256 MiB of them, the oldest make room. A result asked for too early, of a
failed task, delivered elsewhere or gone is a 404 whose body says which; never a 2xx that could pass for an
output.

**Output.** ``notes`` says what of a request could not be honoured. A page that cannot be had at all is a
failed task; a page that the site answers with an error status is an output.

**Callbacks.** The body is the task object, sent once, within 5 s, without credentials, following no
redirect; what went wrong stands in the task's ``callback_error``. Pages and callbacks at link-local and
metadata addresses are refused.

**Memory.** Batches, tasks and results are forgotten 24 hours after the batch was taken, by `Service.clock`;
nothing outlives the process.

**Lists.** The newest comes first; a cursor is the number of the last entry of the page before.

``/api/v1/openapi.json`` describes all of this and is the one call that needs no credentials.
"""

from nimble_pandas.local.api.journal import Call
from nimble_pandas.local.clock import Clock
from nimble_pandas.local.faults import Fault, Scripted
from nimble_pandas.local.service import Service, serve

__all__ = ["Call", "Clock", "Fault", "Scripted", "Service", "serve"]
