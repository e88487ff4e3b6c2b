"""Parsing XML that strangers wrote: no entities of its own, and not endless."""

import re
from xml.etree.ElementTree import Element, ParseError, XMLParser

from ostinato.errors import UnreadableError

MOST_ELEMENTS = 3_000_000  # with attributes; each takes up to 300 bytes of memory
ENTITY = re.compile(rb"<\0?!\0?E\0?N\0?T\0?I\0?T\0?Y\0?([^>\"']{0,80})")  # UTF-16 has zeros
BLANK = b" \t\r\n"
UTF_16 = (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")
NO_XML = (ParseError, ValueError, LookupError)  # the last two of an encoding


def parse(data: bytes) -> Element:
    """Return the root of an XML document; tags are without namespaces.

    Blanks before the document and a wrong name of its encoding are forgiven: what is no UTF-8 then
    is taken for Latin-1. Declared entities are refused: they could multiply the text or name files
    elsewhere, and no writer of scores declares any. Raises `UnreadableError`, with the reason.
    """
    data = data.lstrip(BLANK)
    _check(data)
    try:
        root = _tree(data, None)
    except NO_XML as error:
        try:
            root = _tree(_as_utf_8(data), "utf-8")
        except NO_XML:
            raise UnreadableError(f"it is no XML: {error}") from error
    if "}" in root.tag:
        for element in root.iter():
            element.tag = element.tag.rpartition("}")[2]
    return root


def _check(data: bytes) -> None:
    """Refuse what would become far more than it is, whatever its encoding."""
    if declared := ENTITY.search(data):
        name = re.sub(r"[^ -~]", "", declared[1].decode("latin-1")).strip("% ").split(" ")[0]
        what = f" ({name[:40]})" if name else ""
        raise UnreadableError(f"its XML declares an entity{what}, which no score needs")
    count = data.count(b"<") - data.count(b"</") + data.count(b"=")
    if count > MOST_ELEMENTS:
        raise UnreadableError(f"its XML has more than {MOST_ELEMENTS} elements and attributes")


def _tree(data: bytes, encoding: str | None) -> Element:
    parser = XMLParser(encoding=encoding)
    parser.feed(data)
    return parser.close()


def _as_utf_8(data: bytes) -> bytes:
    if data.startswith(UTF_16):
        return data.decode("utf-16").encode()
    try:
        return data.decode("utf-8-sig").encode()
    except UnicodeDecodeError:
        return data.decode("latin-1").encode()
