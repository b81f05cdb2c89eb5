"""Scripted faults: what goes wrong with the real service, made to happen on demand, and counted.

====================  ================================  ======================================================
kind                  meets                             what happens
====================  ================================  ======================================================
``400`` … ``555``     any call                          this status with its documented body; nothing is taken
``html``              any call                          200 and an HTML page in place of JSON
``no_body``           any call                          200 and an empty body
``reset``             any call                          the connection is reset before the call is looked at
``delay``             any call                          the answer comes ``seconds`` later
``expired``           progress, summary, task, results  the batch is forgotten: 404
``lost``              any call                          the call is carried out, the answer never comes
``cut``               any call                          the call is carried out, the answer breaks off
``taken_500``         submit                            the batch is taken, the answer is 500
``taken_html``        submit                            the batch is taken, the answer is an HTML page
``shuffled``          submit, summary                   the tasks come in another order
``null_tasks``        submit, summary                   nulls stand between the tasks
``repeated_tasks``    submit, summary                   tasks come twice
``missing_tasks``     submit, summary                   a task is left out (the last of those chosen)
``foreign_tasks``     submit, summary                   tasks that are nobody's come first
``altered_echo``      submit, summary                   ``input`` holds another URL (``text``)
``literal_base_url``  submit, summary                   ``status_url`` begins with a literal ``[base_url]``
``unknown_state``     submit, summary                   ``state`` is a word that nobody knows (``text``)
``incomplete``        progress, summary                 progress is 1, completed is false
``elsewhere``         a task, when it is made           its ``output_url`` points elsewhere (``to``)
``failed``            a task's output                   the task fails with an error (``text``)
``late``              a task's output                   success first; it comes ``seconds`` or ``polls`` later
``missing``           a task's output                   success, and the output never comes
``zero_bytes``        a task's output                   an empty object
``truncated``         a task's output                   half the JSON
``truncated_gzip``    a task's output                   half a gzip stream
``bomb``              a task's output                   a gzip stream that unpacks to a gigabyte
``nested``            a task's output                   JSON that nests 100,000 levels deep
``plain_html``        a task's output                   the page itself in place of the JSON object
``foreign_output``    a task's output                   another task's whole output
``foreign_page``      a task's output                   another task's page under this task's id
====================  ================================  ======================================================

The statuses are 400, 401, 402, 403, 404, 429, 500, 501, 502, 503 and 555. A new kind is one
decorated function in `calls` or `outputs`.
"""

from nimble_pandas.local.faults import calls, outputs
from nimble_pandas.local.faults.book import Faults, Scripted
from nimble_pandas.local.faults.fault import KINDS, Fault

__all__ = ["KINDS", "Fault", "Faults", "Scripted", "calls", "outputs"]
