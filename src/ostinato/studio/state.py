"""What the server has: its processes and its open models."""

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import Any

from ostinato.studio.answers import RefusedError, answer_of
from ostinato.studio.jobs import Pool


@dataclass
class Studio:
    """What the server has: its processes and its open models, by id.

    composing: processes that draw music; helping: one that reads, writes and engraves, so that
    these do not wait for music. names: of the models to open first; failed: by name, why one could
    not be; opened: whether the first ones are; registered: models to offer; voter: who votes here.
    """

    composing: Pool
    helping: Pool
    names: tuple[str, ...] = ()
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    registered: list[dict[str, str]] = field(default_factory=list)
    voter: str = field(default_factory=lambda: secrets.token_hex(8))
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    def model(self, id_: str) -> dict[str, Any]:
        """Return an open model; raises `RefusedError`."""
        if id_ not in self.models:
            known = f"open are {', '.join(self.models)}" if self.models else "none is open"
            raise RefusedError(f"No model {id_[:32]} is open ({known}): open it first.", 404)
        return self.models[id_]

    async def begin(self) -> None:
        """Open the first models, and look for registered ones."""
        for name in self.names:
            try:
                await self.open(name)
            except RefusedError as error:
                self.failed[name] = str(error)
        self.opened.set()
        found = await self.helping.answer("registered", {})
        if found.event == "done":
            self.registered = found.data["known"]

    async def open(self, name: str) -> dict[str, Any]:
        """Open a model by its name, once, and return what it is."""
        found = answer_of(await self.composing.answer("open", {"name": name}))
        for model in self.models.values():
            if model["folder"] == found["folder"]:
                return model
        model = {**found, "id": f"m{len(self.models) + 1}"}
        self.models[model["id"]] = model
        return model
