"""Parsing XML that strangers wrote: no entities of its own, and neither deep nor endless."""

from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from ostinato.errors import UnreadableError

DEEPEST = 100  # elements within elements; MusicXML needs a dozen
MOST_ELEMENTS = 3_000_000  # with attributes; each takes up to 300 bytes of memory


def parse(data: bytes) -> Element:
    """The root of an XML document. Raises `UnreadableError`, with the reason.

    Declared entities are refused: they could multiply the text or name files elsewhere, and no
    writer of scores declares any.
    """
    builder, depth, count = TreeBuilder(), 0, 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth, count
        depth += 1
        count += 1 + len(attributes)
        if depth > DEEPEST:
            raise UnreadableError(f"its XML is nested more than {DEEPEST} elements deep")
        if count > MOST_ELEMENTS:
            raise UnreadableError(f"its XML has more than {MOST_ELEMENTS} elements and attributes")
        builder.start(tag, attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag)

    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = builder.data
    parser.EntityDeclHandler = _refuse_entity
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:  # the last two of an encoding
        raise UnreadableError(f"it is no XML: {error}") from error
    return builder.close()


def _refuse_entity(name: str, *_declared: object) -> None:
    raise UnreadableError(f"its XML declares an entity ({name[:40]}), which no score needs")
