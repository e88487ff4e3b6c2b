"""A set of pieces: a folder of music, a store of pieces, a book of tunes."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ostinato.corpora.store import Reject
from ostinato.errors import UserError
from ostinato.evaluation.sets import DURATIONS
from ostinato.inspection import figures
from ostinato.inspection.statistics import PITCHES, CorpusStatistics
from ostinato.inspection.tables import View, beside, counted, facts
from ostinato.music.naming import clock, program_name
from ostinato.music.piece import OCTAVE
from ostinato.representations.base import pitch_name
from ostinato.wording import quantity

REASONS = 3


def inspect_corpus(name: str, statistics: CorpusStatistics, rejects: Sequence[Reject]) -> View:
    """Return counts of a set of pieces; raises `UserError` where there is none."""
    if not statistics.pieces:
        first = f": {rejects[0].file}, for one, because {rejects[0].reason}" if rejects else ""
        raise UserError(f"{name} holds no piece that can be read{first}.")
    programs = [(program_name(*key), n) for key, n in statistics.programs.most_common()]
    tables = (
        counted("Keys", "key", "pieces", statistics.keys.most_common()),
        counted("Metres", "metre", "pieces", statistics.metres.most_common()),
        counted("Instruments", "program", "notes", programs),
        counted("Pitches", "octave", "notes", _octaves(statistics)),
        counted("Durations", "quarter notes", "notes", _durations(statistics), len(DURATIONS)),
    )
    return View(
        [facts(name, _facts(statistics, rejects)), beside(*tables)],
        lambda: figures.draw_corpus(statistics, name),
    )


def _facts(statistics: CorpusStatistics, rejects: Sequence[Reject]) -> Iterator[tuple[str, str]]:
    yield "pieces", f"{statistics.pieces:,}"
    if rejects:
        yield "rejected", f"{len(rejects):,}: {_reasons(rejects)}"
    drums = f", {statistics.drums:,} of them of drums" if statistics.drums else ""
    yield "notes", f"{statistics.notes:,}{drums}"
    total = clock(sum(statistics.seconds))
    yield "music", f"{total}, {statistics.quarters:,.0f} quarter notes"
    yield "a piece", _range(statistics.seconds, clock)
    yield "mean tempo", f"{_range(statistics.qpm, '{:.0f}'.format)} quarter notes per minute"
    yield "tracks", _tracks(statistics)
    used = np.flatnonzero(statistics.pitches)
    if len(used):
        yield "pitches", f"{pitch_name(int(used[0]))} to {pitch_name(int(used[-1]))}"


def _tracks(statistics: CorpusStatistics) -> str:
    numbers = statistics.tracks.most_common()
    more = sum(count for _, count in numbers[4:])
    rest = f", other numbers in {more:,}" if more else ""
    return ", ".join(f"{n} in {quantity(count, 'piece')}" for n, count in numbers[:4]) + rest


def _range(values: Sequence[float], words: Callable[[float], str]) -> str:
    if not values:
        return ""
    low, middle, high = (words(float(f(values))) for f in (np.min, np.median, np.max))
    return low if low == high else f"{low} to {high}, median {middle}"


def _reasons(rejects: Sequence[Reject]) -> str:
    reasons = Counter(reject.reason for reject in rejects).most_common()
    more = (
        f"; and {quantity(len(reasons) - REASONS, 'more reason')}" if len(reasons) > REASONS else ""
    )
    return "; ".join(f"{n} because {reason}" for reason, n in reasons[:REASONS]) + more


def _octaves(statistics: CorpusStatistics) -> list[tuple[str, int]]:
    octaves = [
        (f"C{c // OCTAVE - 1} to B{c // OCTAVE - 1}", int(statistics.pitches[c : c + OCTAVE].sum()))
        for c in range(0, PITCHES, OCTAVE)
    ]
    return [octave for octave in octaves if octave[1]]


def _durations(statistics: CorpusStatistics) -> list[tuple[str, int]]:
    pairs = zip(DURATIONS, statistics.durations.tolist(), strict=True)
    return [(name, count) for name, count in pairs if count]
