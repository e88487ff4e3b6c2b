"""The studio's server: addresses, and what answers them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from ostinato import __version__
from ostinato.music.sound import default_soundfont
from ostinato.studio import schemas
from ostinato.studio.answers import RefusedError
from ostinato.studio.jobs import FullError
from ostinato.studio.routes import add_files, add_models, add_music, add_results
from ostinato.studio.schemas import ErrorOut
from ostinato.studio.security import TooLongError
from ostinato.studio.state import Studio

STATIC = Path(__file__).parent / "static"
CACHED = {"cache-control": "private, max-age=86400"}
ERRORS: dict[int | str, dict[str, Any]] = {
    code: {"model": ErrorOut} for code in (403, 404, 413, 422, 500, 503)
}


def make_app(studio: Studio) -> FastAPI:
    """Return the application; it starts the processes of `studio`, and ends them."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        for pool in (studio.composing, studio.helping):
            pool.start()
        opening = asyncio.create_task(studio.begin())
        yield
        opening.cancel()
        for pool in (studio.composing, studio.helping):
            await pool.stop()

    app = FastAPI(
        title="Ostinato studio",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses=ERRORS,
    )
    _add_errors(app)
    _add_page(app)
    add_models(app, studio)
    add_music(app, studio)
    add_files(app, studio)
    add_results(app, studio)
    return app


def _add_errors(app: FastAPI) -> None:
    """Answer each error with a sentence."""

    def say(sentence: str, status: int) -> Response:
        return JSONResponse({"error": sentence}, status)

    @app.exception_handler(RefusedError)
    async def refuse(_: Request, error: RefusedError) -> Response:
        return say(str(error), error.status)

    @app.exception_handler(FullError)
    async def full(_: Request, __: FullError) -> Response:
        return say("Too many requests wait already: ask again later.", 503)

    @app.exception_handler(TooLongError)
    async def too_long(_: Request, __: TooLongError) -> Response:
        return say(f"This request is longer than {schemas.LARGEST_BODY // 2**20} MiB.", 413)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        parts = [str(part) for part in first["loc"][1:] if part != "[key]"]
        place = ".".join(parts) or "the request"
        reason = (
            str(first["msg"]).removeprefix("Value error, ").replace("Input should", "it should")
        )
        return say(f"{place} does not fit: {reason}.", 422)

    @app.exception_handler(HTTPException)
    async def other(request: Request, error: HTTPException) -> Response:
        return say(f"{request.url.path[:100]}: {error.detail}.", error.status_code)


def _add_page(app: FastAPI) -> None:
    app.mount("/static", StaticFiles(directory=STATIC), "static")

    @app.get("/", include_in_schema=False)
    async def page() -> Response:
        return FileResponse(STATIC / "index.html", headers={"cache-control": "no-cache"})

    @app.get("/soundfont", include_in_schema=False)
    async def soundfont() -> Response:
        return FileResponse(default_soundfont(), headers=CACHED)
