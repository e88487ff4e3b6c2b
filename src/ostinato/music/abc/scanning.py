"""The text of a tune -> tokens: what sounds, without all that is only seen."""

import re

from ostinato.errors import UnreadableError
from ostinato.music.abc.body import Body
from ostinato.music.abc.header import Header
from ostinato.music.abc.tokens import Tune

FIELD = re.compile(r"([A-Za-z+]):(?!\||:)(.*)")
DIRECTIVE = re.compile(r"(?:%%|I:)\s*(.*)")
LONGEST_FIELD = 1_000  # characters of a field that music depends on


def scan(text: str) -> Tune:
    """Return the tune that a text writes.

    Raises `UnreadableError`, with the line and the reason.
    """
    tune = Tune()
    header, body = Header(tune), Body(tune)
    hidden = False
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith(("%%begin", "%%end")):
            hidden = line.startswith("%%begin")
        elif not hidden:
            try:
                _scan_line(line.rstrip("\\ \t"), header, body)
            except UnreadableError as error:
                raise UnreadableError(f"line {number} of the tune: {error}") from None
    if not header.finished:
        raise UnreadableError("it has no K: field, which ends the header of a tune")
    return tune


def _scan_line(line: str, header: Header, body: Body) -> None:
    current = body if header.finished else header
    if match := DIRECTIVE.match(line):
        current.directive(match[1][:LONGEST_FIELD])
    elif line.startswith("%"):
        return
    elif match := FIELD.match(line):
        if match[1] in "KLMPQUVm" and len(match[2]) > LONGEST_FIELD:
            raise UnreadableError(f"its field {match[1]}: has {len(match[2])} characters")
        current.field(match[1], _without_comment(match[2]))
    elif header.finished:
        body.music(_without_comment(line))


def _without_comment(line: str) -> str:
    start = 0
    while (at := line.find("%", start)) >= 0:
        if at == 0 or line[at - 1] != "\\":
            return line[:at].rstrip("\\ \t")
        start = at + 1
    return line
