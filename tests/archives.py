"""Archives as others publish them, and as nobody should."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

Files = dict[str, bytes]
Writer = Callable[[Path, Files], Path]


def zipped(path: Path, files: Files) -> Path:
    """A .zip of names and contents; its folders are entries of their own, as GitHub's are."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for folder in _folders(files):
            archive.writestr(f"{folder}/", b"")
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def tarred(path: Path, files: Files) -> Path:
    """A .tar.gz of names and contents."""
    with tarfile.open(path, "w:gz") as archive:
        for folder in _folders(files):
            archive.addfile(_info(folder, tarfile.DIRTYPE))
        for name, content in files.items():
            info = _info(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def tarred_special(path: Path, name: str, kind: bytes, target: str = "") -> Path:
    """A .tar.gz with one entry that is no plain file."""
    with tarfile.open(path, "w:gz") as archive:
        info = _info(name, kind)
        info.linkname = target
        archive.addfile(info)
    return path


def zipped_link(path: Path, name: str, target: str) -> Path:
    """A .zip with one symbolic link."""
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr = 0o120777 << 16
        archive.writestr(info, target)
    return path


def tarred_header(path: Path, kind: bytes, length: int) -> Path:
    """A .tar.gz whose header claims to be followed by a very long one, of zeros."""
    info = _info("long", kind)
    info.size = length
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(info.tobuf(tarfile.GNU_FORMAT))
        for _ in range(length >> 20):
            file.write(bytes(1 << 20))
    return path


def _info(name: str, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    return info


def _folders(files: Iterable[str]) -> list[str]:
    above = {str(folder) for name in files for folder in Path(name).parents}
    return sorted(
        name for name in above if name != "." and not name.startswith("/") and ".." not in name
    )
