"""Compressed MusicXML (.mxl): a ZIP archive whose container.xml names the score in it.

Nothing is unpacked to disk, so a name that points outside the archive is only a name.
Source: W3C, MusicXML 4.0, "Compressed .mxl Files".
"""

import io
import zipfile
from pathlib import Path
from xml.etree.ElementTree import Element

from ostinato.errors import UnreadableError
from ostinato.music import limits, xml_parser

CONTAINER = "META-INF/container.xml"
SCORES = (".musicxml", ".xml")
ENCRYPTED = 0x1  # flag of a member


def read_score(path: Path) -> bytes:
    """Return the XML of the first score that the container names.

    Without a container it is the only score in the archive. Raises `UnreadableError` where there
    is none, where it is encrypted or too large unpacked.
    """
    data = limits.read_bytes(path, limits.LARGEST_MXL)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _member(archive, _score_name(archive))
    except UnreadableError:
        raise
    except Exception as error:  # zipfile lets through whatever damaged fields lead to
        reason = limits.one_line(error)
        raise UnreadableError(f"not readable as compressed MusicXML: {reason}") from error


def _score_name(archive: zipfile.ZipFile) -> str:
    names = archive.namelist()
    if CONTAINER not in names:
        scores = [name for name in names if name.lower().endswith(SCORES)]
        if len(scores) != 1:
            raise UnreadableError(f"the archive has {len(scores)} scores and no {CONTAINER!r}")
        return scores[0]
    rootfiles = xml_parser.parse(_member(archive, CONTAINER)).findall("rootfiles/rootfile")
    named = [file.get("full-path", "") for file in rootfiles if _is_score(file)]
    if not named or not named[0]:
        raise UnreadableError(f"its {CONTAINER} names no score")
    # Some write the path as their system does, or as one from the archive's root.
    plain = named[0].replace("\\", "/").removeprefix("./").lstrip("/")
    return named[0] if named[0] in names or plain not in names else plain


def _is_score(rootfile: Element) -> bool:
    media = rootfile.get("media-type", "")
    return not media or "xml" in media


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return the bytes of a member; zipfile never gives more than the member's declared length."""
    try:
        member = archive.getinfo(name)
    except KeyError:
        raise UnreadableError(f"the archive has no {_quote(name)}") from None
    if member.flag_bits & ENCRYPTED:
        raise UnreadableError(f"{_quote(name)} in the archive is encrypted")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UnreadableError(f"{_quote(name)} in the archive is not deflated")
    limits.check_length(member.file_size, limits.LARGEST_XML, f"{_quote(name)} unpacked")
    return archive.read(member)


def _quote(name: str) -> str:
    return repr(name[:80])
