"""Repeats, endings and parts, unrolled: a voice as it is played from beginning to end.

abc2midi unrolls them too, but not where the voices of a tune leave out a |:, nor where a last
ending is closed by :| or a section is played more than twice.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from ostinato.errors import UnreadableError
from ostinato.music.abc.tokens import Kind, Token

MOST_PLAYED = 200_000  # tokens of a voice once it is unrolled
MOST_PARTS = 1_000  # in the order in which they are played
BARLINE = Token(Kind.BAR, "|")
CLOSING = (":|", "::")
# What a state is where nothing was said: what comes back to an earlier place needs it.
UNSAID = {
    "MIDI transpose": "%%MIDI transpose 0",
    "MIDI program": "%%MIDI program 0",
    "propagate": "%%propagate-accidentals pitch",
}

Span = tuple[int, int]


@dataclass
class _Ending:
    numbers: tuple[int, ...]
    start: int
    stop: int | None = None


@dataclass
class _Sections:
    """Finds the spans of a part in the order in which they are played."""

    tokens: Sequence[Token]
    start: int
    stop: int
    spans: list[Span] = field(default_factory=list)
    opened: int = 0  # how often the section is played by its |:, or 0 where none stands
    endings: list[_Ending] = field(default_factory=list)

    def find(self) -> list[Span]:
        """Return the spans."""
        for index in range(self.start, self.stop):
            token = self.tokens[index]
            if token.kind is Kind.ENDING:
                self._end_begins(index, token.numbers)
            elif token.kind is Kind.BAR and token.text != "|":
                self._bar(index, token)
        self._play(self.stop, 1)
        return self.spans

    def _end_begins(self, index: int, numbers: tuple[int, ...]) -> None:
        if self.endings:
            if self.endings[-1].stop is None:
                self.endings[-1].stop = index
            if set(numbers) & {n for ending in self.endings for n in ending.numbers}:
                raise UnreadableError("where a repeat with endings begins is not written")
        self.endings.append(_Ending(numbers, index + 1))

    def _bar(self, index: int, token: Token) -> None:
        if token.text in CLOSING:
            self._close(index, token)
        elif token.text == "||":
            later = self.endings and 1 not in self.endings[-1].numbers
            if later and not self._ending_follows(index):
                self._play(index, 1)
        elif self.opened and not self.endings:  # a |: where :| was forgotten
            self._play(index, self.opened)
        else:
            self._play(index, 1)
        if token.text in ("|:", "::") and self.start == index + 1:
            self.opened = token.numbers[-1]

    def _close(self, index: int, token: Token) -> None:
        follows = self._ending_follows(index)
        if self.endings and follows and token.text == ":|":
            self.endings[-1].stop = index
        elif follows:
            raise UnreadableError("an ending follows a repeat that has no first ending")
        else:
            self._play(index, max(token.numbers[0], self.opened), closed=True)

    def _ending_follows(self, index: int) -> bool:
        for token in self.tokens[index + 1 : self.stop]:
            if token.kind is Kind.ENDING:
                return True
            if token.kind is not Kind.STATE and token.text != "|":
                return False
        return False

    def _play(self, stop: int, times: int, *, closed: bool = False) -> None:
        """Play the section up to a token, and begin another after it."""
        if not self.endings:
            self.spans += [(self.start, stop)] * times
        else:
            self._play_endings(stop, closed=closed)
        self.start, self.opened, self.endings = stop + 1, 0, []

    def _play_endings(self, stop: int, *, closed: bool) -> None:
        body = (self.start, self.endings[0].start - 1)
        last = max(n for ending in self.endings for n in ending.numbers)
        for time in range(1, last + 1):
            ending = next((e for e in self.endings if time in e.numbers), None)
            if ending is None:
                raise UnreadableError(f"its ending {time} is missing")
            end = stop if ending.stop is None else ending.stop
            self.spans += [body, (ending.start, end)]
        if closed and len(self.endings) == 1:  # after a first ending alone, the music goes on
            self.spans.append(body)


def unroll(tokens: Sequence[Token], order: str, start: dict[str, Token]) -> list[Token]:
    """Return a voice as it is played, without repeats, endings and parts.

    `order` is that of the parts, from the header, or empty; `start` is the state in which the voice
    begins. Where the music goes back, the state that was in force there is set again.

    Raises `UnreadableError` for endings and parts that do not fit together, and for too much.
    """
    parts = _parts(tokens, order)
    _check(parts)
    spans = [span for first, stop in parts for span in _Sections(tokens, first, stop).find()]
    _check(spans)
    return list(_join(tokens, spans, start))


def _check(spans: list[Span]) -> None:
    if sum(stop - first for first, stop in spans) > MOST_PLAYED:
        raise UnreadableError(f"it has more than {MOST_PLAYED} notes and signs as it is played")


def _join(tokens: Sequence[Token], spans: list[Span], start: dict[str, Token]) -> Iterator[Token]:
    states = _states(tokens, spans, start)
    now, reached = start, 0
    for first, stop in spans:
        if first != reached:
            yield BARLINE
        before = states[first]
        for name in {**before, **now}:
            wanted = before.get(name)
            if wanted is None and name in UNSAID:
                wanted = Token(Kind.STATE, UNSAID[name], name)
            if wanted is not None and now.get(name) != wanted:
                yield wanted
        now = dict(before)
        for token in tokens[first:stop]:
            if token.kind is Kind.STATE:
                now[token.name] = token
            if token.kind in (Kind.MUSIC, Kind.STATE, Kind.BAR):
                yield BARLINE if token.kind is Kind.BAR else token
        reached = stop


def _states(
    tokens: Sequence[Token], spans: list[Span], start: dict[str, Token]
) -> dict[int, dict[str, Token]]:
    """Return the state in force at the beginning of each span, in the order of the text."""
    wanted = {first for first, _ in spans}
    states, now = {}, dict(start)
    for index, token in enumerate(tokens):
        if index in wanted:
            states[index] = dict(now)
        if token.kind is Kind.STATE:
            now[token.name] = token
    states[len(tokens)] = now
    return states | {first: now for first in wanted if first > len(tokens)}


def _parts(tokens: Sequence[Token], order: str) -> list[Span]:
    marks = [i for i, token in enumerate(tokens) if token.kind is Kind.PART]
    bounds = [0, *marks, len(tokens)]
    pieces = list(pairwise(bounds))
    if not order or not marks:
        return pieces
    labelled: dict[str, Span] = {}
    for first, stop in pieces[1:]:
        label = tokens[first].text
        if label in labelled:
            raise UnreadableError(f"it has two parts {label}")
        labelled[label] = (first, stop)
    played = _order_parts(order)
    if missing := sorted(set(played) - labelled.keys()):
        raise UnreadableError(f"a voice has no part {missing[0]}, which its P: field names")
    return [pieces[0], *(labelled[label] for label in played)]


def _order_parts(order: str) -> list[str]:
    """Return the parts in order: a number repeats the part or the parentheses before it."""
    groups: list[list[str]] = [[]]
    last: list[str] = []
    for sign in re.findall(r"[A-Z()]|\d+", order):
        if sign == "(":
            groups.append([])
            last = []
        elif sign == ")":
            if len(groups) == 1:
                raise UnreadableError(f"its order of parts is not readable: P:{order[:40]}")
            last = groups.pop()
            groups[-1] += last
        elif sign.isdigit():
            times = int(sign[:4])
            if not last or times < 1 or len(last) * times > MOST_PARTS:
                raise UnreadableError(f"its order of parts is not readable: P:{order[:40]}")
            groups[-1] += last * (times - 1)
            last = []
        else:
            last = [sign]
            groups[-1] += last
        if len(groups[-1]) > MOST_PARTS:
            raise UnreadableError(f"it has more than {MOST_PARTS} parts as it is played")
    if len(groups) > 1:
        raise UnreadableError(f"its order of parts is not readable: P:{order[:40]}")
    return groups[0]
