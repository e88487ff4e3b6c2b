"""A web server on this machine, for what is downloaded."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any

PACKET = 1 << 14  # bytes


class Files(SimpleHTTPRequestHandler):
    """Serves a folder, also from the middle of a file, and remembers what it was asked for."""

    server: "Server"

    def do_GET(self) -> None:
        asked = self.headers.get("Range", "")
        self.server.asked.append(asked)
        self.server.authorizations.append(self.headers.get("Authorization", ""))
        file = Path(self.translate_path(self.path))
        if not file.is_file():
            self.send_error(404)
            return
        data = file.read_bytes()
        if not self.server.knows_ranges:
            asked = ""
        start = int(asked.removeprefix("bytes=").rstrip("-") or 0)
        if start >= len(data) > 0:
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if self.server.says_length:
            self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        data = data[start : self.server.stop_after]
        for at in range(0, len(data), PACKET):
            sleep(self.server.pause)
            self.wfile.write(data[at : at + PACKET])

    def log_message(self, *arguments: Any) -> None:
        """Be quiet."""


class Server(ThreadingHTTPServer):
    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), lambda *a: Files(*a, directory=str(folder)))
        self.asked: list[str] = []
        self.authorizations: list[str] = []
        self.stop_after: int | None = None
        """Bytes after which the connection breaks off."""
        self.knows_ranges = True
        self.says_length = True
        self.pause = 0.0
        """Seconds before each packet."""

    def handle_error(self, *arguments: Any) -> None:
        """Be quiet where a client has gone."""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """A server of the files in a folder, as long as the context lasts."""
    with Server(folder) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
