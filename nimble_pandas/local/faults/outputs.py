"""Faults that meet a task or its output."""

from __future__ import annotations

import asyncio
import functools
import gzip
import json
import struct
import uuid
import zlib
from dataclasses import replace

from nimble_pandas.local.faults.fault import Fault, kind
from nimble_pandas.local.tasks.batches import Task
from nimble_pandas.local.tasks.delivery import Delivery
from nimble_pandas.local.tasks.outputs import TaskFailed

_BOMB_BYTES = 1 << 30
_GZIP_HEADER = b"\x1f\x8b\x08" + bytes(6) + b"\xff"
_EMPTY_LAST_BLOCK = b"\x03\x00"
_NESTED_LEVELS = 100_000
_LOOK_EVERY = 0.02


@kind("elsewhere", "made")
def _elsewhere(fault: Fault, task: Task) -> None:
    task.output_url, task.download_url = fault.to or f"s3://somebody-elses-bucket/{task.id}.json", None


@kind("failed", "output")
async def _failed(fault: Fault, _delivery: Delivery) -> Delivery:
    raise TaskFailed(fault.text or "The requested resource could not be reached", "scripted")


@kind("late", "output")
async def _late(fault: Fault, delivery: Delivery) -> Delivery:
    batch, clock = delivery.batch, delivery.clock
    # counted from here on, where the success is not to be seen yet: who sees it may poll no more than that
    until = batch.polls + (fault.polls or 0)

    async def wait() -> None:
        if fault.polls is None:
            await clock.sleep(fault.seconds)
            return
        while batch.polls < until:  # noqa: ASYNC110 -- a counter, not an event
            await asyncio.sleep(_LOOK_EVERY)

    return replace(delivery, wait=wait)


@kind("missing", "output")
async def _missing(_fault: Fault, delivery: Delivery) -> Delivery:
    return replace(delivery, data=None)


@kind("zero_bytes", "output")
async def _zero_bytes(_fault: Fault, delivery: Delivery) -> Delivery:
    return replace(delivery, data=b"")


@kind("truncated", "output")
async def _truncated(_fault: Fault, delivery: Delivery) -> Delivery:
    plain = _plain(delivery.data)
    return replace(delivery, data=_like(delivery.data, plain[: len(plain) // 2]))


@kind("truncated_gzip", "output")
async def _truncated_gzip(_fault: Fault, delivery: Delivery) -> Delivery:
    packed = gzip.compress(_plain(delivery.data), mtime=0)
    return replace(delivery, data=packed[: len(packed) // 2])


@kind("bomb", "output")
async def _bomb(_fault: Fault, delivery: Delivery) -> Delivery:
    return replace(delivery, data=await asyncio.to_thread(_bomb_data))


@kind("nested", "output")
async def _nested(_fault: Fault, delivery: Delivery) -> Delivery:
    nest = b"[" * _NESTED_LEVELS + b"]" * _NESTED_LEVELS
    return replace(delivery, data=_like(delivery.data, b'{"status": "success", "parsing": ' + nest + b"}"))


@kind("plain_html", "output")
async def _plain_html(_fault: Fault, delivery: Delivery) -> Delivery:
    html = str(json.loads(_plain(delivery.data)).get("html_content", ""))
    return replace(delivery, data=_like(delivery.data, html.encode(errors="replace")))


@kind("foreign_output", "output")
async def _foreign_output(_fault: Fault, delivery: Delivery) -> Delivery:
    data = await delivery.produce(_other(delivery))
    return replace(delivery, data=_like(delivery.data, _plain(data)))


@kind("foreign_page", "output")
async def _foreign_page(_fault: Fault, delivery: Delivery) -> Delivery:
    output = json.loads(_plain(await delivery.produce(_other(delivery))))
    data = json.dumps({**output, "task_id": delivery.task.id}).encode()
    return replace(delivery, data=_like(delivery.data, data))


def _other(delivery: Delivery) -> Task:
    """Pick the next task of the batch; a task alone gets a stranger with its own request."""
    tasks, here = delivery.batch.tasks, delivery.task.position
    if len(tasks) > 1:
        return replace(tasks[(here + 1) % len(tasks)])
    return replace(delivery.task, id=str(uuid.uuid4()))


def _plain(data: bytes | None) -> bytes:
    data = data or b""
    return gzip.decompress(data) if _is_gzip(data) else data


def _like(model: bytes | None, data: bytes) -> bytes:
    return gzip.compress(data, mtime=0) if _is_gzip(model or b"") else data


def _is_gzip(data: bytes) -> bool:
    return data[:2] == b"\x1f\x8b"


@functools.cache
def _bomb_data() -> bytes:
    """Pack a gigabyte of blanks into a megabyte: one packed block, repeated (RFC 1951, 1952)."""
    blanks = b" " * (1 << 20)
    n_blocks = _BOMB_BYTES // len(blanks)
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    # after a full flush a block looks back at nothing, so it can stand anywhere
    block = packer.compress(blanks) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = functools.reduce(lambda crc, _: zlib.crc32(blanks, crc), range(n_blocks), 0)
    trailer = struct.pack("<LL", checksum, _BOMB_BYTES)
    return _GZIP_HEADER + block * n_blocks + _EMPTY_LAST_BLOCK + trailer
