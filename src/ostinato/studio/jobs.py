"""Jobs that wait for a worker process, in the order in which they came."""

import asyncio
import contextlib
import itertools
import multiprocessing
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from ostinato.studio.worker import Message, Task, work

MOST_WAITING = 200
GRACE = 5.0  # seconds in which a cancelled task may end by itself
ENDS = ("done", "error", "fault", "died")
DIED = "The process that worked on it has stopped in the middle: ask again, a new one is ready."


class FullError(Exception):
    """The queue has no room for another job."""


@dataclass(eq=False)
class Job:
    """A task that waits, runs or has ended. messages: what is said of it, in order."""

    id: str
    task: Task
    messages: "asyncio.Queue[Message]" = field(default_factory=asyncio.Queue)
    cancelled: bool = False

    async def follow(self) -> AsyncIterator[Message]:
        """Yield what is said of the job, up to its end."""
        while True:
            message = await self.messages.get()
            yield message
            if message.event in ENDS:
                return

    async def end(self) -> Message:
        """Return the last that is said of the job."""
        return [message async for message in self.follow()][-1]


class Process:
    """A worker process, started again where it has died."""

    def __init__(self, root: Path, here: Path) -> None:
        self._places = (root, here)
        self._context = multiprocessing.get_context("spawn")
        self._cancelled = self._context.Value("q", -1, lock=False)
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None

    def start(self) -> Connection:
        """Return a connection to a living process."""
        if self._process is not None and self._process.is_alive() and self._connection:
            return self._connection
        self.end()
        ours, theirs = self._context.Pipe()
        self._cancelled.value = -1
        self._process = self._context.Process(
            target=work, args=(theirs, self._cancelled, *self._places), daemon=True
        )
        self._process.start()
        theirs.close()
        self._connection = ours
        return ours

    async def run(self, job: Job) -> None:
        """Do a job and hand on what is said of it; a worker that dies ends it with an error."""
        try:
            connection = await asyncio.to_thread(self.start)
            connection.send(job.task)
            while True:
                message = await self._receive(connection, job)
                job.messages.put_nowait(message)
                if message.event in ENDS:
                    return
        except (EOFError, OSError):
            await asyncio.to_thread(self.end)
            job.messages.put_nowait(
                Message("error", "cancelled") if job.cancelled else Message("died", DIED)
            )

    async def _receive(self, connection: Connection, job: Job) -> Message:
        receiving = asyncio.create_task(asyncio.to_thread(connection.recv))
        asked = None
        while not receiving.done():
            await asyncio.wait({receiving}, timeout=0.1)
            if job.cancelled and asked is None:
                self._cancelled.value = job.task.number
                asked = asyncio.get_running_loop().time()
            elif asked is not None and asyncio.get_running_loop().time() > asked + GRACE:
                self.kill()  # the receiving thread then finds the end of the connection
        message: Message = await receiving
        return message

    def kill(self) -> None:
        """End the process at once."""
        if self._process is not None:
            self._process.kill()

    def end(self) -> None:
        """End the process, and what it was connected by."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
        if self._connection is not None:
            self._connection.close()
        self._process = self._connection = None


class Pool:
    """Worker processes, and the jobs that wait for one."""

    def __init__(self, count: int, root: Path, here: Path) -> None:
        self.processes = [Process(root, here) for _ in range(count)]
        self.waiting: deque[Job] = deque()
        self.running: set[Job] = set()
        self._numbers = itertools.count(1)
        self._news = asyncio.Condition()
        self._loops: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to take jobs, and start the processes before the first one comes."""
        self._loops = [asyncio.create_task(self._take(process)) for process in self.processes]

    async def stop(self) -> None:
        """End the processes; jobs that have not ended are told so."""
        for loop in self._loops:
            loop.cancel()
        for job in [*self.waiting, *self.running]:
            job.messages.put_nowait(Message("error", "The studio has ended."))
        for process in self.processes:
            await asyncio.to_thread(process.end)

    async def submit(self, name: str, request: Any) -> Job:
        """Add a job; raises `FullError` where too many wait."""
        if len(self.waiting) >= MOST_WAITING:
            raise FullError
        number = next(self._numbers)
        job = Job(f"j{number}", Task(number, name, request))
        self.waiting.append(job)
        job.messages.put_nowait(self._place(job))
        async with self._news:
            self._news.notify()
        return job

    async def answer(self, name: str, request: Any) -> Message:
        """Do a job, and return its end."""
        job = await self.submit(name, request)
        return await job.end()

    def find(self, id_: str) -> Job | None:
        """Return the job of an id that waits or runs."""
        return next((job for job in [*self.waiting, *self.running] if job.id == id_), None)

    def cancel(self, job: Job) -> None:
        """End a job: at once where it waits, else as soon as its worker heeds it."""
        job.cancelled = True
        if job in self.waiting:
            self.waiting.remove(job)
            job.messages.put_nowait(Message("error", "cancelled"))
            self._tell_places()

    def _place(self, job: Job) -> Message:
        ahead = self.waiting.index(job) + len(self.running)
        free = len(self.processes)
        return Message("queued", {"id": job.id, "ahead": max(0, ahead - free + 1)})

    def _tell_places(self) -> None:
        for job in self.waiting:
            job.messages.put_nowait(self._place(job))

    async def _take(self, process: Process) -> None:
        with contextlib.suppress(OSError):
            await asyncio.to_thread(process.start)
        while True:
            async with self._news:
                await self._news.wait_for(lambda: bool(self.waiting))
                job = self.waiting.popleft()
            self.running.add(job)
            job.messages.put_nowait(Message("started", {"id": job.id}))
            self._tell_places()
            try:
                await process.run(job)
            finally:
                self.running.discard(job)
