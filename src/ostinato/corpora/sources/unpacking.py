"""Archives from strangers: nothing leaves the folder they are unpacked into, and no bomb goes off.

Only the files that are asked for are written; everything is streamed.
"""

import errno
import gzip
import lzma
import re
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any, Literal

from ostinato.console import bar
from ostinato.errors import UserError

ZIP, GZIP = b"PK", b"\x1f\x8b"  # how such files begin
AT_ONCE = 1 << 20  # bytes: no header of an honest tar is longer
HEADERS = 2048  # bytes: more than the headers of one file in a tar take
LONGEST = 255  # bytes of a name on most disks
BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OverflowError,
    NotImplementedError,  # a compression that zipfile does not know
    RuntimeError,  # a password is needed, or headers are nested without end
    ValueError,
)
NO_PLACE = (None, errno.EINVAL)  # errors of files where an offset lies outside of the archive


@dataclass(frozen=True)
class Limits:
    """The size that an honest archive stays below."""

    entries: int
    megabytes: int  # of 1,000,000 bytes, unpacked


@dataclass(frozen=True)
class Member:
    """One entry; its content can be read until the next one is asked for."""

    name: str
    length: int  # bytes
    kind: Literal["file", "folder", "other"]
    open: Callable[[], IO[bytes]]


Members = Generator[Member, None, None]


class BrokenArchiveError(UserError):
    """A file that is no archive, or not a whole one."""


def unpack(
    source: Path, folder: Path, wanted: Callable[[PurePosixPath], bool], limits: Limits, total: int
) -> int:
    """Write the wanted files of a .zip, a .tar.gz or a folder into `folder`; returns how many.

    `total` is how many are expected. Raises `UserError` where a name leads out of the folder, a
    wanted file is a link or a device, or there is more than the limits allow; and
    `BrokenArchiveError` where `source` cannot be read.
    """
    try:
        with (
            closing(_members(source, limits)) as members,
            bar(f"unpacking {source.name}", total, "files") as advance,
        ):
            written = 0
            for member, name in _within(members, limits, source):
                if member.kind == "folder" or not wanted(name):
                    continue
                if member.kind == "other":
                    raise UserError(
                        f"{source} is not unpacked: {_quote(member.name)} in it is a link or a "
                        "device, where a file is expected."
                    )
                _write(member, folder / name, source)
                written += 1
                advance(written)
            return written
    except (*BROKEN, OSError) as error:
        if isinstance(error, OSError) and error.errno not in NO_PLACE:
            raise  # of the disk, not of the archive
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise BrokenArchiveError(f"{source} cannot be unpacked: {reason}.") from error


def _within(
    members: Iterator[Member], limits: Limits, source: Path
) -> Iterator[tuple[Member, PurePosixPath]]:
    """Yield the members with their names made safe, as long as the limits hold."""
    left = limits.megabytes * 1_000_000
    for count, member in enumerate(members, 1):
        left -= member.length
        if count > limits.entries or left < 0:
            what = (
                f"{limits.entries} entries, which is far beyond what corpus.source.pieces announces"
                if count > limits.entries
                else f"{limits.megabytes} MB, the most that corpus.source.max_megabytes allows"
            )
            raise UserError(
                f"{source} is not unpacked: it holds more than {what}. Raise that if you trust it."
            )
        yield member, _safe(member.name, source)


def _safe(name: str, source: Path) -> PurePosixPath:
    """Return the name as a relative path; raises `UserError` where it leads out of the folder."""
    slashed = name.replace("\\", "/")
    path = PurePosixPath(slashed)
    if path.is_absolute() or ".." in path.parts or re.match("[A-Za-z]:", slashed):
        raise UserError(
            f"{source} is not unpacked: {_quote(name)} in it leads out of the folder that it is "
            "unpacked into."
        )
    if any(len(part.encode("utf-8", "surrogateescape")) > LONGEST for part in path.parts):
        raise UserError(f"{source} is not unpacked: {_quote(name)} in it is too long a name.")
    return path


def _write(member: Member, target: Path, source: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file, member.open() as content:
            shutil.copyfileobj(content, file, AT_ONCE // 4)
    except (FileExistsError, NotADirectoryError) as error:
        raise UserError(
            f"{source} is not unpacked: {_quote(member.name)} is in it twice."
        ) from error


def _members(source: Path, limits: Limits) -> Members:
    if source.is_dir():
        return _of_folder(source)
    with source.open("rb") as file:
        begins = file.read(2)
    if begins == ZIP:
        return _of_zip(source)
    if begins == GZIP:
        return _of_tar(source, limits)
    raise BrokenArchiveError(f"{source} cannot be unpacked: it is neither a .zip nor a .tar.gz.")


def _of_folder(source: Path) -> Members:
    for path in sorted(source.rglob("*")):
        if path.is_file():
            name = path.relative_to(source).as_posix()
            yield Member(name, path.stat().st_size, "file", partial(_binary, path))


def _of_zip(source: Path) -> Members:
    with zipfile.ZipFile(source) as archive:
        for info in archive.infolist():
            mode = stat.S_IFMT(info.external_attr >> 16)
            regular: Literal["file", "other"] = "file" if mode in (0, stat.S_IFREG) else "other"
            kind = "folder" if info.filename.endswith("/") else regular  # it may have no name
            yield Member(info.filename, info.file_size, kind, partial(archive.open, info))


def _of_tar(source: Path, limits: Limits) -> Members:
    with (
        _Gunzipped(source, limits) as unzipped,
        tarfile.open(fileobj=unzipped, mode="r:") as archive,
    ):
        while (info := archive.next()) is not None:
            if info.size < 0:
                raise tarfile.ReadError(f"{_quote(info.name)} is of a negative length")
            archive.members = []  # type: ignore[attr-defined]  # or they pile up
            kind: Any = "file" if info.isreg() else "folder" if info.isdir() else "other"
            yield Member(info.name, info.size, kind, partial(_open, archive, info))


def _binary(path: Path) -> IO[bytes]:
    return path.open("rb")


def _open(archive: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    content = archive.extractfile(info)
    if content is None:
        raise tarfile.ReadError(f"{info.name} has no content")
    return content


class _Gunzipped(gzip.GzipFile):
    """Refuses to hold in memory what a header claims to be long, and to go on without end."""

    def __init__(self, source: Path, limits: Limits) -> None:
        super().__init__(source, "rb")
        self.last = limits.megabytes * 1_000_000 + limits.entries * HEADERS

    def read(self, size: int | None = -1) -> bytes:
        """Read as from a file; raises `tarfile.ReadError` beyond the limits."""
        if size is None or not 0 <= size <= AT_ONCE or self.tell() > self.last:
            raise tarfile.ReadError("its headers are longer than those of any honest archive")
        return super().read(size)


def _quote(name: str) -> str:
    return ascii(name[:100])
