"""XML that may be parsed: without entities of its own, and neither deep nor endless."""

from xml.parsers import expat

from ostinato.errors import UnreadableError

DEEPEST = 100  # elements within elements; MusicXML needs a dozen
MOST_ELEMENTS = 3_000_000  # with attributes; each takes up to 300 bytes of memory


def check(data: bytes) -> None:
    """Raise `UnreadableError`, with the reason, for XML that may not be parsed.

    Entities could multiply the text or name files elsewhere; no writer of scores declares any.
    """
    parser = expat.ParserCreate()
    depth = count = 0

    def start(_tag: str, attributes: list[str]) -> None:
        nonlocal depth, count
        depth += 1
        count += 1 + len(attributes) // 2
        if depth > DEEPEST:
            raise UnreadableError(f"its XML is nested more than {DEEPEST} elements deep")
        if count > MOST_ELEMENTS:
            raise UnreadableError(f"its XML has more than {MOST_ELEMENTS} elements and attributes")

    def end(_tag: str) -> None:
        nonlocal depth
        depth -= 1

    parser.ordered_attributes = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.EntityDeclHandler = _refuse_entity
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise UnreadableError(f"it is no XML: {error}") from error
    except (ValueError, LookupError) as error:  # of an encoding that is unknown
        raise UnreadableError(f"it is no XML: {error}") from error


def _refuse_entity(name: str, *_declared: object) -> None:
    raise UnreadableError(f"its XML declares an entity ({name[:40]}), which no score needs")
