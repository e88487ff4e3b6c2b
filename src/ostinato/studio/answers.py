"""Answers of jobs: awaited, or streamed as server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi import Request

from ostinato.studio.jobs import Job, Pool
from ostinato.studio.worker import Message

STREAM = "text/event-stream"
STATUS = {"error": 422, "fault": 500, "died": 503}


class RefusedError(Exception):
    """An answer that is an error: a sentence and its status."""

    def __init__(self, sentence: str, status: int) -> None:
        super().__init__(sentence)
        self.status = status


def answer_of(message: Message) -> dict[str, Any]:
    """Return the answer of a job; raises `RefusedError` for one that failed."""
    if message.event != "done":
        raise RefusedError(str(message.data), STATUS.get(message.event, 500))
    answer: dict[str, Any] = message.data
    return answer


async def stream(pool: Pool, job: Job) -> AsyncIterator[str]:
    """Yield what is said of a job as server-sent events; a listener who goes cancels it."""
    try:
        async for message in job.follow():
            yield _to_event(message, job)
    finally:
        if pool.find(job.id) is not None:
            pool.cancel(job)


def _to_event(message: Message, job: Job) -> str:
    name, data = message.event, message.data
    if name in STATUS:
        name, data = "error", {"error": data, "status": STATUS[message.event]}
    elif name == "done":
        data = {**data, "id": job.id}
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


async def wait(pool: Pool, job: Job, request: Request) -> dict[str, Any]:
    """Return the answer of a job; an asker who goes cancels it."""
    watching = asyncio.create_task(_watch_asker(pool, job, request))
    try:
        last = await job.end()
    finally:
        watching.cancel()
    return {**answer_of(last), "id": job.id}


async def _watch_asker(pool: Pool, job: Job, request: Request) -> None:
    while not await request.is_disconnected():
        await asyncio.sleep(0.5)
    pool.cancel(job)
