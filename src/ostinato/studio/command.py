"""`ostinato studio`: the page and the API, until interrupted."""

import asyncio
import threading
import time
import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ostinato import console
from ostinato.errors import ConfigError, UserError
from ostinato.stages.workspace import Workspace
from ostinato.studio.models import ModelCache, locate
from ostinato.studio.security import Guard, is_loopback, make_token
from ostinato.ui import find_port, has_screen
from ostinato.weights import WEIGHTS

if TYPE_CHECKING:
    import uvicorn

LOCAL = ("127.0.0.1", "localhost", "::1")
MOST_WORKERS = 16
PAUSE = 0.05  # seconds between two looks whether the server has begun


@dataclass(frozen=True)
class Request:
    """Request of a command line. models: names of those to open."""

    models: Sequence[str]
    host: str = "127.0.0.1"
    port: int = 5050
    workers: int = 1
    browser: bool = True


def run_studio(asked: Request, workspace: Workspace, here: Path) -> int:
    """Serve the page until interrupted; returns the exit code.

    Raises `UserError` where there is no model, and for a port or an address that cannot be used.
    """
    import uvicorn

    from ostinato.studio.app import make_app
    from ostinato.studio.jobs import Pool
    from ostinato.studio.state import Studio

    if not 1 <= asked.workers <= MOST_WORKERS:
        raise ConfigError(f"--workers {asked.workers} does not fit: give 1 to {MOST_WORKERS}.")
    names = tuple(asked.models) or _default_model(workspace)
    for name in names:
        locate(name, ModelCache(workspace, here))
    port = find_port(asked.port)
    if port != asked.port:
        console.say(f"port {asked.port} is taken: using {port}")
    local = is_loopback(asked.host)
    token = None if local else make_token()
    root = workspace.root
    studio = Studio(Pool(asked.workers, root, here), Pool(1, root, here), names)
    app = Guard(make_app(studio), {*LOCAL, asked.host} if local else (), token)
    config = uvicorn.Config(
        app, asked.host, port, log_level="warning", server_header=False, ws="none"
    )
    server = uvicorn.Server(config)
    shown = f"[{asked.host}]" if ":" in asked.host else asked.host
    address = f"http://{shown}:{port}/" + (f"?token={token}" if token else "")
    threading.Thread(target=_announce, args=(server, address, asked.browser), daemon=True).start()
    try:
        asyncio.run(server.serve())
    except KeyboardInterrupt:  # how one ends it
        return 0
    except SystemExit as error:
        raise UserError(f"the studio cannot be served at {asked.host}:{port}.") from error
    return 0


def _default_model(workspace: Workspace) -> tuple[str, ...]:
    """Return the model of the project; raises `UserError` where there is none."""
    if not (workspace.model / WEIGHTS).is_file():
        raise UserError(
            f"{console.where(workspace.model)} holds no trained model: run `make repro` first, or "
            "name one, as in ostinato studio path/to/a/model."
        )
    return (console.where(workspace.model),)


def _announce(server: "uvicorn.Server", address: str, browser: bool) -> None:
    while not server.started:
        if server.should_exit:
            return
        time.sleep(PAUSE)
    console.say(f"the studio is at {address} (Ctrl-C ends it)")
    if browser and has_screen():
        webbrowser.open(address)
