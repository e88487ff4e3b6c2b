"""Addresses of the API."""

import json
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from ostinato.studio import schemas
from ostinato.studio.answers import STREAM, RefusedError, answer_of, stream, wait
from ostinato.studio.schemas import Composed, ModelOut, QueueOut, ReadOut
from ostinato.studio.state import Studio

TYPES = {
    "midi": ("audio/midi", ".mid"),
    "musicxml": ("application/vnd.recordare.musicxml+xml", ".musicxml"),
    "abc": ("text/vnd.abc", ".abc"),
    "wav": ("audio/wav", ".wav"),
}
COMPOSED: dict[int | str, dict[str, Any]] = {200: {"model": Composed, "content": {STREAM: {}}}}


def add_models(app: FastAPI, studio: Studio) -> None:
    """Add what opens models, and what says how many requests wait."""

    @app.get("/v1/models")
    async def list_models() -> dict[str, Any]:
        """Return the models that are open, why others are not, and known ones to open."""
        known = answer_of(await studio.helping.answer("folders", {}))["known"]
        await studio.opened.wait()
        return {
            "open": [_shown(model) for model in studio.models.values()],
            "failed": studio.failed,
            "known": [*known, *studio.registered],
        }

    @app.post("/v1/models", response_model=ModelOut)
    async def open_model(asked: schemas.OpenModel) -> Any:
        """Open a model."""
        return _shown(await studio.open(asked.name))

    @app.get("/v1/queue", response_model=QueueOut)
    async def queue() -> Any:
        """Return how many requests are drawn and wait."""
        pool = studio.composing
        return {
            "running": len(pool.running),
            "waiting": len(pool.waiting),
            "workers": len(pool.processes),
        }

    @app.delete("/v1/jobs/{id_}")
    async def cancel(id_: str) -> dict[str, str]:
        """Cancel a request that waits or is drawn."""
        job = studio.composing.find(id_)
        if job is None:
            raise RefusedError(f"No request {id_[:32]} waits or is drawn.", 404)
        studio.composing.cancel(job)
        return {"cancelled": job.id}


def add_music(app: FastAPI, studio: Studio) -> None:
    """Add what draws new music."""

    async def draw(kind: str, asked: schemas.Drawing, request: Request) -> Response:
        model = studio.model(asked.model)
        body = {"kind": kind, "folder": model["folder"], "body": asked.model_dump(mode="json")}
        job = await studio.composing.submit("draw", body)
        if STREAM in request.headers.get("accept", ""):
            headers = {"cache-control": "no-store", "x-request-id": job.id}
            return StreamingResponse(
                stream(studio.composing, job), media_type=STREAM, headers=headers
            )
        return JSONResponse(await wait(studio.composing, job, request))

    @app.post("/v1/compose", responses=COMPOSED)
    async def compose(asked: schemas.Compose, request: Request) -> Response:
        """Compose from nothing, or go on from music."""
        return await draw("compose", asked, request)

    @app.post("/v1/infill", responses=COMPOSED)
    async def infill(asked: schemas.Infill, request: Request) -> Response:
        """Make a part of music anew."""
        return await draw("infill", asked, request)

    @app.post("/v1/harmonise", responses=COMPOSED)
    async def harmonise(asked: schemas.Harmonise, request: Request) -> Response:
        """Add voices to a melody."""
        return await draw("harmonise", asked, request)

    @app.post("/v1/vary", responses=COMPOSED)
    async def vary(asked: schemas.Vary, request: Request) -> Response:
        """Vary a segment."""
        return await draw("vary", asked, request)

    @app.post("/v1/interpolate", responses=COMPOSED)
    async def interpolate(asked: schemas.Interpolate, request: Request) -> Response:
        """Go from one segment to another in steps."""
        return await draw("interpolate", asked, request)

    @app.post("/v1/latent", responses=COMPOSED)
    async def latent(asked: schemas.Latent, request: Request) -> Response:
        """Draw a segment with more or less of attributes."""
        return await draw("latent", asked, request)


def add_files(app: FastAPI, studio: Studio) -> None:
    """Add what reads and writes files, and draws notation."""

    @app.post("/v1/read", response_model=ReadOut)
    async def read(request: Request, name: Annotated[str, Query(max_length=200)]) -> Any:
        """Read a music file, the body, as the suffix of its name says."""
        content = await request.body()
        return answer_of(await studio.helping.answer("read", {"content": content, "name": name}))

    @app.post("/v1/notation")
    async def notation(asked: schemas.Notation) -> dict[str, Any]:
        """Draw music as notation, pages of SVG, and say which notes are which."""
        body = asked.model_dump(mode="json")
        return answer_of(await studio.helping.answer("notation", body))

    @app.post("/v1/export/{format_}", response_class=Response)
    async def export(format_: str, asked: schemas.Export) -> Response:
        """Write music as midi, musicxml or wav, a melody as abc."""
        if format_ not in TYPES:
            raise RefusedError(f"{format_[:32]} is none of {', '.join(TYPES)}.", 404)
        body = {"format": format_, "body": asked.model_dump(mode="json")}
        found = answer_of(await studio.helping.answer("export", body))
        kind, suffix = TYPES[format_]
        name = f'attachment; filename="{asked.name}{suffix}"'
        headers = {"content-disposition": name, "x-warnings": json.dumps(found["warnings"])}
        return Response(found["content"], media_type=kind, headers=headers)


def add_results(app: FastAPI, studio: Studio) -> None:
    """Add what keeps votes and pieces."""

    @app.post("/v1/votes")
    async def vote(asked: schemas.VoteIn) -> dict[str, Any]:
        """Keep a vote on two pieces where `ostinato votes` finds it."""
        models = [studio.model(side.model) for side in asked.sides]
        body = {
            "body": asked.model_dump(mode="json"),
            "models": [{"name": m["name"], "folder": m["folder"]} for m in models],
            "voter": studio.voter,
        }
        return answer_of(await studio.helping.answer("vote", body))

    @app.post("/v1/log")
    async def log(asked: schemas.Log) -> dict[str, Any]:
        """Put a piece on the MLflow run of its model."""
        folder = studio.model(asked.model)["folder"]
        body = {"body": asked.model_dump(mode="json"), "folder": folder}
        return answer_of(await studio.helping.answer("log", body))


def _shown(model: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in model.items() if key not in ("folder", "warnings")}
