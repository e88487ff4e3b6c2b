"""Files from the network: resumed where they were cut short, checked, kept for the next time."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from ostinato.console import bar, say
from ostinato.corpora.sources.checksum import Checksum
from ostinato.errors import UserError
from ostinato.files import fingerprint

CHUNK = 1 << 14  # bytes: so much at most is lost where a connection breaks off
PATIENCE = 30  # seconds without a byte
NOT_SATISFIABLE, PARTIAL = 416, 206  # answers of HTTP to a Range


def kept_in() -> Path:
    """Return the folder of downloads: `$XDG_CACHE_HOME/ostinato` or `~/.cache/ostinato`."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "ostinato"


def download(address: str, checksum: Checksum | None = None, mirror: str | None = None) -> Path:
    """Return the file at an address, from the network if it was not fetched before.

    `mirror` replaces the host: an address (https://…, the path of `address` is appended), or a
    folder that holds a file of the same name. With a checksum, a download that was cut short goes
    on where it stopped. Raises `UserError` where the file cannot be had or is not the one meant.
    """
    name = name_of_file(address)
    if mirror and (folder := as_folder(mirror)):
        return _in_folder(folder, name, checksum)
    if mirror:
        address = mirror.rstrip("/") + urlsplit(address).path
    target = kept_in() / fingerprint(address, checksum and checksum.digits) / name
    if _whole(target, checksum):
        return target
    from filelock import FileLock

    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{name}.part")
    with FileLock(target.with_name(f"{name}.lock")):
        if not _whole(target, checksum):  # another fetch may have brought it meanwhile
            _fetch_and_check(address, part, checksum)
            part.replace(target)
    return target


def local(path: str, checksum: Checksum | None = None) -> Path:
    """Return a file of the user's; raises `UserError` where it is missing or not the one meant."""
    file = Path(path).expanduser()
    if not file.is_file():
        raise UserError(f"{file} is no file: corpus.source.path must lead to one.")
    return _check(file, checksum)


def forget(file: Path) -> None:
    """Keep a download no longer that proved to be broken; files of the user's stay."""
    if file.is_relative_to(kept_in()):
        file.unlink(missing_ok=True)


def name_of_file(address: str) -> str:
    """Return the name of the file at an address."""
    return Path(urlsplit(address).path).name


def as_folder(mirror: str) -> Path | None:
    """Return the folder that a mirror is; None where it is an address."""
    return None if "://" in mirror else Path(mirror).expanduser()


def _in_folder(folder: Path, name: str, checksum: Checksum | None) -> Path:
    if not (folder / name).is_file():
        raise UserError(
            f"There is no file {name} in {folder}: corpus.mirror (or OSTINATO_MIRROR) must be a "
            "folder that holds it, or an address that begins with https://."
        )
    return _check(folder / name, checksum)


def _check(file: Path, checksum: Checksum | None) -> Path:
    if checksum is not None and not checksum.fits(file):
        raise checksum.refusal(file, file)
    return file


def _whole(file: Path, checksum: Checksum | None) -> bool:
    return file.is_file() and (checksum is None or checksum.fits(file))


def _fetch_and_check(address: str, part: Path, checksum: Checksum | None) -> None:
    """Fetch into `part`; where the whole is wrong because its beginning was, once more."""
    if checksum is None:
        part.unlink(missing_ok=True)  # two versions might be glued together unseen
    resumed = part.exists()
    _fetch(address, part)
    if checksum is None or checksum.fits(part):
        return
    refusal = checksum.refusal(address, part, f"{_ways_out(address)} ")
    part.unlink()
    if not resumed:
        raise refusal
    _fetch_and_check(address, part, checksum)


def _fetch(address: str, part: Path) -> None:
    import requests

    try:
        _receive(address, part)
    except requests.RequestException as error:
        raise UserError(
            f"{address} could not be downloaded ({_reason(error)}): try again. {_ways_out(address)}"
        ) from error


def _ways_out(address: str) -> str:
    return (
        "Or give a mirror with corpus.mirror=https://…, or a file that you have with "
        f"corpus.source.path=/path/to/{name_of_file(address)}."
    )


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
        length = response.headers.get("Content-Length")  # archives made on demand have none
        total = start * resumed + int(length) if length else None
        if resumed:
            say(f"{part.stem}: going on after {start} bytes")
        with (
            part.open("ab" if resumed else "wb") as file,
            bar(f"downloading {part.stem}", total, "bytes") as advance,
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
