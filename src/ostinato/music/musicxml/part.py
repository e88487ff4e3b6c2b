"""One part of a score, as it is read.

Times are in ticks from the beginning of their bar, because a bar lasts as long as it does in the
part in which it is longest.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ostinato.music.musicxml.marks import Mark

START, STOP = 1, 2  # of ties


class Row(NamedTuple):
    """A note as it is written."""

    bar: int
    onset: int
    duration: int
    pitch: int
    velocity: int  # 0 where only the dynamics before it tell
    program: int
    drum: bool
    voice: int
    tie: int  # `START` + `STOP`
    passes: int  # in which passes of a repeat it sounds, as an index into `Part.passes`


class Change(NamedTuple):
    """Something that holds from a place on."""

    bar: int
    onset: int
    value: tuple[Any, ...]


@dataclass
class Part:
    """One part of a score."""

    name: str = ""
    rows: list[Row] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    """Of each bar with notes, the furthest place that something reaches; 0 of others."""
    rests: list[int] = field(default_factory=list)  # the same of each bar without notes
    implicit: set[int] = field(default_factory=set)  # bars that are said to be incomplete
    metres: list[Change] = field(default_factory=list)
    keys: list[Change] = field(default_factory=list)
    tempos: list[Change] = field(default_factory=list)
    dynamics: list[Change] = field(default_factory=list)
    signs: list[Mark] = field(default_factory=list)
    names: dict[tuple[int, bool], str] = field(default_factory=dict)
    """Of the instruments that play in it, by program and whether they are drums."""
    passes: list[frozenset[int]] = field(default_factory=lambda: [frozenset()])
    transposed: bool = False  # whether it sounds in another key than it is written in
