"""Files from the network: resumed where they were cut short, checked, kept for the next time."""

import hashlib
import os
from pathlib import Path
from urllib.parse import urlsplit

from ostinato.console import bar, say
from ostinato.errors import UserError
from ostinato.files import fingerprint

CHUNK = 1 << 14  # bytes: so much at most is lost where a connection breaks off
PATIENCE = 30  # seconds without a byte
NOT_SATISFIABLE, PARTIAL = 416, 206  # answers of HTTP to a Range


def kept_in() -> Path:
    """The folder where downloads are kept: `$XDG_CACHE_HOME/ostinato` or `~/.cache/ostinato`."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "ostinato"


def download(address: str, sha256: str | None = None, mirror: str | None = None) -> Path:
    """The file at an address, from the network if it was not fetched before.

    `mirror` replaces the host: an address (https://…, the rest of `address` is appended), or a
    folder that holds a file of the same name. With `sha256`, a download that was cut short goes on
    where it stopped. Raises `UserError` where the file cannot be had or is not the one meant.
    """
    name = Path(urlsplit(address).path).name
    if mirror and "://" not in mirror:
        return _checked(Path(mirror).expanduser() / name, sha256, "corpus.source.mirror")
    if mirror:
        address = mirror.rstrip("/") + urlsplit(address).path
    target = kept_in() / fingerprint(address, sha256) / name
    if target.is_file() and sha256 in (None, digest(target)):
        return target
    from filelock import FileLock

    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{name}.part")
    with FileLock(target.with_name(f"{name}.lock")):
        _fetch_checked(address, part, sha256)
        part.replace(target)
    return target


def local(path: str, sha256: str | None = None) -> Path:
    """A file that the user has; raises `UserError` where it is not there or not the one meant."""
    return _checked(Path(path).expanduser(), sha256, "corpus.source.path")


def digest(file: Path) -> str:
    """The sha256 of a file, in hexadecimal digits."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _checked(file: Path, sha256: str | None, key: str) -> Path:
    if not file.is_file():
        raise UserError(f"{file} is no file: {key} must lead to one.")
    if sha256 not in (None, digest(file)):
        raise UserError(
            f"{file} is not the file that was published: its sha256 is {digest(file)}, not "
            f"{sha256}. To take it all the same, set corpus.source.sha256=null."
        )
    return file


def _fetch_checked(address: str, part: Path, sha256: str | None) -> None:
    """Fetch into `part`; where the whole is wrong because its beginning was, once more."""
    if sha256 is None:
        part.unlink(missing_ok=True)  # two versions might be glued together unseen
    resumed = part.exists()
    _fetch(address, part)
    if sha256 is None:
        return
    found = digest(part)
    if found == sha256:
        return
    part.unlink()
    if resumed:
        _fetch_checked(address, part, sha256)
        return
    raise UserError(
        f"{address} is not the file that was published: its sha256 is {found}, not {sha256}. Give "
        f"another mirror with corpus.source.mirror=https://… or a file that you have with "
        f"corpus.source.path=/path/to/{Path(address).name}."
    )


def _fetch(address: str, part: Path) -> None:
    import requests

    try:
        _receive(address, part)
    except (requests.RequestException, OSError) as error:
        raise UserError(
            f"{address} could not be downloaded ({_reason(error)}): try again, give a mirror with "
            f"corpus.source.mirror=https://… or a file that you have with "
            f"corpus.source.path=/path/to/{Path(address).name}."
        ) from error


def _receive(address: str, part: Path) -> None:
    """Append to `part` what is missing of it."""
    import requests

    start = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    with requests.get(address, headers=headers, stream=True, timeout=PATIENCE) as response:
        if start and response.status_code == NOT_SATISFIABLE:
            return  # nothing is missing: the checksum will tell
        response.raise_for_status()
        resumed = response.status_code == PARTIAL
        size = start * resumed + int(response.headers.get("Content-Length", 0))
        if resumed:
            say(f"{part.stem}: going on after {start} bytes")
        with (
            part.open("ab" if resumed else "wb") as file,
            bar(f"downloading {part.stem}", size, "bytes") as advance,
        ):
            for chunk in response.iter_content(CHUNK):
                file.write(chunk)
                advance(file.tell())


def _reason(error: Exception) -> str:
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"the server answers {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout):
        return f"no answer within {PATIENCE} s"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke off"
    if isinstance(error, ValueError):
        return "it is no address of the web"
    if isinstance(error, requests.ConnectionError):
        return "the server cannot be reached"
    return getattr(error, "strerror", None) or type(error).__name__
