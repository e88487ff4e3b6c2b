"""How much of a published test split occurs in its training split, transposed or not.

    python benchmarks/likelihood/audit.py [jsb jsb16 nottingham musedata piano_midi]

A frame of a test piece is covered if it lies in a stretch that the training pieces hold too:
of chorales, 16 quarter notes of melody (the highest pitch of each frame), in any key; of the other
corpora, 16 whole frames as they are. A piece is leaked if more than half of its frames are covered.
Each corpus is taken from its source, which `ostinato fetch` downloads once; audit.json keeps what
was found.
"""

import argparse
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ostinato.music.piece import Piece
from ostinato.representations.pianoroll import Pianoroll

FOUND = Path(__file__).with_name("audit.json")
CORPORA = ("jsb", "jsb16", "nottingham", "musedata", "piano_midi")
CHORALES = ("jsb", "jsb16")
QUARTERS = 16  # of a chorale's melody
FRAMES = 16  # of other music
LEAKED = 0.5  # a larger share of covered frames
SILENCE = -1000  # no pitch, and far from any

Frames = NDArray[np.bool_]


@dataclass(frozen=True)
class Audit:
    """What was found of each test piece, in the order of their names.

    frames: how many it has; covered: how many of them training holds too; duplicate: whether a
    training piece is the same, frame by frame.
    """

    names: tuple[str, ...]
    frames: NDArray[np.int64]
    covered: NDArray[np.int64]
    duplicate: NDArray[np.bool_]

    @property
    def leaked(self) -> frozenset[str]:
        """The names of the pieces of which more than half is covered."""
        more = self.covered > LEAKED * self.frames
        return frozenset(name for name, leaks in zip(self.names, more, strict=True) if leaks)

    def figures(self) -> dict[str, Any]:
        """What audit.json says."""
        return {
            "pieces": len(self.names),
            "leaked": len(self.leaked),
            "duplicates": int(self.duplicate.sum()),
            "frames": int(self.frames.sum()),
            "covered": int(self.covered.sum()),
        }


def audit(corpus: str, steps_per_quarter: int, pieces: Iterable[Piece]) -> Audit:
    """Compare the pieces named test/… with those named train/…, as the published corpora are."""
    roll = Pianoroll(
        step=str(Fraction(1, steps_per_quarter)),
        velocity=False,
        onsets=False,
        pitch_range=(0, 127),
        position_bars=1,
        bar_steps=None,
    )
    rolls = {piece.name: roll.encode(piece).astype(bool) for piece in pieces}
    training = [frames for name, frames in rolls.items() if name.startswith("train/")]
    names = tuple(sorted(name for name in rolls if name.startswith("test/")))
    test = [rolls[name] for name in names]
    if corpus in CHORALES:
        masks = shared_melody(training, test, QUARTERS * steps_per_quarter)
    else:
        masks = shared_frames(training, test, FRAMES)
    known = {frames.tobytes() for frames in training}
    return Audit(
        names,
        np.array([len(mask) for mask in masks], np.int64),
        np.array([mask.sum() for mask in masks], np.int64),
        np.array([frames.tobytes() in known for frames in test], np.bool_),
    )


def shared_melody(
    training: Sequence[Frames], test: Sequence[Frames], window: int
) -> list[NDArray[np.bool_]]:
    """Which frames of each test piece lie in a melody that training has in some key: (time,) each.

    The melody is the highest pitch of each frame of (time, pitches); silence is part of it, but
    nothing but silence is no melody.
    """

    def melodies(frames: Frames) -> NDArray[np.int64]:
        highest = frames.shape[1] - 1 - frames[:, ::-1].argmax(1)
        windows = _windows(np.where(frames.any(1), highest, SILENCE), window)
        sounds = windows > SILENCE
        first = np.take_along_axis(windows, sounds.argmax(1)[:, None], 1)
        return np.where(sounds, windows - first, SILENCE)

    audible = [_windows(frames.any(1), window).any(1) for frames in test]
    hits = _occur([melodies(frames) for frames in training], [melodies(frames) for frames in test])
    return [_covered(h & a, window, len(f)) for h, a, f in zip(hits, audible, test, strict=True)]


def shared_frames(
    training: Sequence[Frames], test: Sequence[Frames], window: int
) -> list[NDArray[np.bool_]]:
    """Which frames of each test piece lie in `window` whole frames that training has: (time,)."""
    everything = np.concatenate([*training, *test])
    kinds = np.unique(np.packbits(everything, axis=1), axis=0, return_inverse=True)[1].ravel()
    numbered = np.split(kinds, np.cumsum([len(frames) for frames in (*training, *test)])[:-1])
    windows = [_windows(kind, window) for kind in numbered]
    hits = _occur(windows[: len(training)], windows[len(training) :])
    return [_covered(hit, window, len(f)) for hit, f in zip(hits, test, strict=True)]


def _windows(row: NDArray[Any], window: int) -> NDArray[Any]:
    """Every stretch of so many steps: (stretches, window), none of a shorter row."""
    if len(row) < window:
        return np.empty((0, window), row.dtype)
    return sliding_window_view(row, window)


def _occur(known: Sequence[NDArray[Any]], asked: Sequence[NDArray[Any]]) -> list[NDArray[np.bool_]]:
    """For every row of every array of `asked`, whether an array of `known` has the same row."""
    rows = np.concatenate([*known, *asked])
    kinds = np.unique(rows, axis=0, return_inverse=True)[1].ravel()
    first = sum(map(len, known))
    hits = np.isin(kinds[first:], kinds[:first])
    return np.split(hits, np.cumsum([len(rows) for rows in asked])[:-1])


def _covered(hits: NDArray[np.bool_], window: int, time: int) -> NDArray[np.bool_]:
    """The frames that stretches of so many steps, beginning where `hits` says, reach: (time,)."""
    if not len(hits):
        return np.zeros(time, np.bool_)
    return np.convolve(hits, np.ones(window, np.int64)) > 0


def main() -> None:
    """Audit the corpora that are asked for."""
    from ostinato.files import write_json

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpora", nargs="*", default=["jsb", "jsb16", "nottingham"], metavar="C")
    found = json.loads(FOUND.read_text(encoding="utf-8")) if FOUND.exists() else {}
    for corpus in parser.parse_args().corpora:
        if corpus not in CORPORA:
            parser.error(f"{corpus} has no published split: there are {', '.join(CORPORA)}.")
        figures = audit(corpus, *_source(corpus)).figures()
        found[corpus] = figures
        share = figures["covered"] / figures["frames"]
        print(
            f"{corpus}: {share:.1%} of {figures['frames']:,} test frames are covered; of "
            f"{figures['pieces']} pieces {figures['leaked']} are leaked, {figures['duplicates']} "
            "are in training as they are"
        )
    write_json(FOUND, dict(sorted(found.items())))


def _source(corpus: str) -> tuple[int, list[Piece]]:
    """The steps of a quarter note, and all pieces."""
    from ostinato.config import compose
    from ostinato.corpora.corpus import MIRROR

    settings = compose([f"corpus={corpus}"]).build("corpus")
    mirror = settings.mirror or os.environ.get(MIRROR) or None
    return settings.source.steps_per_quarter, settings.source.pieces(mirror)


if __name__ == "__main__":
    main()
