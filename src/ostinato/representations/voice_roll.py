"""The voice roll: what each voice sounds in each step, the one form of a segment of music."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.representations.monophonic import REST


@dataclass(frozen=True)
class VoiceRoll:
    """Segments of music side by side: the pitch of each voice, and where its notes begin.

    pitch: (segments, voices, steps), signed integers, MIDI pitches and `REST` where a voice is
    silent; onset: the same shape, bool, true where a note begins, which keeps repeated notes apart.
    `beat_steps` steps are a quarter note, `bar_steps` are a bar. A piano-roll has
    `one_voice_per_pitch`: voice v has the v-th pitch of a range and no other.
    """

    pitch: NDArray[np.integer[Any]]
    onset: NDArray[np.bool_]
    beat_steps: int
    bar_steps: int
    one_voice_per_pitch: bool = False

    def __len__(self) -> int:
        return len(self.pitch)

    def __getitem__(self, rows: slice | NDArray[np.integer[Any]]) -> "VoiceRoll":
        """Return some of the segments."""
        return replace(self, pitch=self.pitch[rows], onset=self.onset[rows])

    @property
    def steps(self) -> int:
        """Return the length of the segments."""
        return int(self.pitch.shape[2])

    @property
    def sounding(self) -> NDArray[np.bool_]:
        """Return where a voice is not silent: (segments, voices, steps)."""
        sounding: NDArray[np.bool_] = self.pitch != REST
        return sounding

    @cached_property
    def durations(self) -> NDArray[np.int64]:
        """Return how many steps notes last, at their first: (segments, voices, steps), else 0."""
        steps = self.steps
        changes = self.onset | ~self.sounding
        # at each step the next change from there on: a minimum that runs from the end backwards
        here = np.where(changes, np.arange(steps), steps)
        following = np.minimum.accumulate(here[..., ::-1], axis=-1)[..., ::-1]
        # a note ends at the first change after its own step, or with the segment
        ends = np.concatenate([following[..., 1:], np.full((*here.shape[:-1], 1), steps)], axis=-1)
        return np.where(self.onset, ends - np.arange(steps), 0)

    def repeat(self, count: int) -> "VoiceRoll":
        """Return `count` segments: these, and from the first on again."""
        return self[np.arange(count) % len(self)]

    def crop(self, first: int, end: int | None = None) -> "VoiceRoll":
        """Return the steps from `first` up to `end`; negative ones count from the end."""
        inside = (..., slice(first, end))
        return replace(self, pitch=self.pitch[inside], onset=self.onset[inside])

    def select_voices(self, voices: slice) -> "VoiceRoll":
        """Return some of the voices."""
        return replace(self, pitch=self.pitch[:, voices], onset=self.onset[:, voices])

    def pad(self, steps: int) -> "VoiceRoll":
        """Return the segments with `steps` of silence after each."""
        after = ((0, 0), (0, 0), (0, steps))
        pitch = np.pad(self.pitch, after, constant_values=REST)
        return replace(self, pitch=pitch, onset=np.pad(self.onset, after))


def concatenate(rolls: Sequence[VoiceRoll], axis: int = 0) -> VoiceRoll:
    """Return rolls as one: segment after segment (axis 0), or step after step (axis 2)."""
    pitch = np.concatenate([roll.pitch for roll in rolls], axis=axis)
    onset = np.concatenate([roll.onset for roll in rolls], axis=axis)
    return replace(rolls[0], pitch=pitch, onset=onset)


def by_step(roll: VoiceRoll) -> tuple[NDArray[np.integer[Any]], NDArray[np.bool_]]:
    """Return pitches and onsets step by step, as representations write them.

    (segments, steps, voices) both.
    """
    return roll.pitch.transpose(0, 2, 1), roll.onset.transpose(0, 2, 1)
