"""Doing the work: take tasks from a queue, deliver their outputs, call back."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor

from nimble_pandas.local.clock import Clock
from nimble_pandas.local.faults import Faults
from nimble_pandas.local.tasks.batches import Batch, Task
from nimble_pandas.local.tasks.callbacks import Callbacks
from nimble_pandas.local.tasks.delivery import Delivery, Storage
from nimble_pandas.local.tasks.instant import Instant
from nimble_pandas.local.tasks.outputs import Outputs, TaskFailed
from nimble_pandas.local.tasks.results import Results

_UPLOADS = 8


class Worker:
    """Works off the tasks of all batches, so many at a time.

    Parameters
    ----------
    outputs : Outputs or Instant
        Makes the output of a task.
    storage : Storage
        Takes the outputs that are to be delivered.
    results : Results
        Takes the outputs that are to be pulled.
    faults : Faults
        What is to go wrong.
    clock : Clock
        Tells when.
    errors : list of Exception
        Gets the errors of our own making.
    max_tasks : int
        How many tasks are worked on at once.
    """

    def __init__(
        self,
        *,
        outputs: Outputs | Instant,
        storage: Storage,
        results: Results,
        faults: Faults,
        clock: Clock,
        errors: list[Exception],
        max_tasks: int,
    ) -> None:
        self._outputs = outputs
        self._storage = storage
        self._results = results
        self._faults = faults
        self._clock = clock
        self._errors = errors
        self._queue: asyncio.Queue[tuple[Batch, Task]] = asyncio.Queue()
        self._uploads = ThreadPoolExecutor(_UPLOADS, "nimble-upload")
        self._callbacks = Callbacks()
        self._under_way: set[asyncio.Task[None]] = set()
        for _ in range(max_tasks):
            self._spawn(self._work())

    def add(self, batch: Batch) -> None:
        """Take up a batch; returns at once.

        Parameters
        ----------
        batch : Batch
            Its tasks are pending.
        """
        for task in batch.tasks:
            task.move("queued", self._clock)
            self._queue.put_nowait((batch, task))

    async def aclose(self) -> None:
        """Stop working; what is not done stays undone."""
        for job in self._under_way:
            job.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._callbacks.aclose()
        await self._outputs.aclose()
        await asyncio.to_thread(self._uploads.shutdown, cancel_futures=True)
        await asyncio.to_thread(self._storage.close)

    async def _work(self) -> None:
        while True:
            batch, task = await self._queue.get()
            try:
                await self._carry_out(batch, task)
            except TaskFailed as failure:
                self._fail(task, str(failure), failure.error_type)
            except Exception as error:  # noqa: BLE001 -- a bug of ours: `Service.check` raises it again
                self._errors.append(error)
                self._fail(task, f"{type(error).__name__}: {error}", "internal_error")
            self._callbacks.send(task)

    async def _carry_out(self, batch: Batch, task: Task) -> None:
        task.move("in_progress", self._clock)
        data = await self._outputs.produce(task)
        ready = Delivery(batch=batch, task=task, data=data, clock=self._clock, produce=self._outputs.produce)
        delivery = await self._faults.on_output(ready)
        task.move("uploading", self._clock)
        if delivery.wait:
            self._spawn(self._store_later(delivery))
        else:
            await self._store(delivery)
        task.move("success", self._clock)

    async def _store(self, delivery: Delivery) -> None:
        task, data = delivery.task, delivery.data
        if data is None:
            return
        if task.target is None:
            self._results.put(task.id, data)
            return
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._uploads, self._storage.write, task.target, data)
        except Exception as error:
            # fsspec's filesystems raise what they like: OSError, botocore's, gcsfs's, ValueError
            raise TaskFailed(f"upload failed: {type(error).__name__}: {error}", "upload_error") from error

    async def _store_later(self, delivery: Delivery) -> None:
        assert delivery.wait is not None  # noqa: S101 -- the caller has looked
        await delivery.wait()
        await self._store(delivery)

    def _fail(self, task: Task, error: str, error_type: str) -> None:
        task.error, task.error_type = error, error_type
        task.move("failed", self._clock)

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        job = asyncio.create_task(work)
        self._under_way.add(job)
        job.add_done_callback(self._under_way.discard)
