"""The five of MidiTok's tokenizers that make one stream of all tracks."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ostinato.music.piece import Piece
from ostinato.representations.miditok.representation import (
    End,
    MaxBeats,
    MidiTok,
    Programs,
    Size,
    Steps,
    Velocities,
)


class REMI(MidiTok):
    """Bars, positions within them, and notes with their durations.

    Source: Huang and Yang, Pop Music Transformer (ACM MM 2020); with programs and time signatures
    REMI+, von Rütte et al., FIGARO (ICLR 2023).
    """

    name: ClassVar[str] = "remi"
    tokenizer_name = "REMI"


class TSD(MidiTok):
    """Time shifts, and notes with their durations.

    Source: Fradet et al., Byte Pair Encoding for Symbolic Music (EMNLP 2023).
    """

    name: ClassVar[str] = "tsd"
    tokenizer_name = "TSD"


class MIDILike(MidiTok):
    """Time shifts, and notes that begin and end.

    Source: Oore et al., This Time with Feeling (2018).
    """

    name: ClassVar[str] = "midilike"
    tokenizer_name = "MIDILike"


class Structured(MidiTok):
    """Notes, each as a time shift, a pitch, a velocity and a duration, always in this order.

    Source: Hadjeres and Crestel, The Piano Inpainting Application (2021).
    """

    name: ClassVar[str] = "structured"
    tokenizer_name = "Structured"

    def __init__(
        self,
        steps_per_quarter: Steps,
        max_beats: MaxBeats,
        velocities: Velocities,
        programs: Programs,
        vocabulary: Size,
        end_token: End,
    ) -> None:
        super().__init__(
            steps_per_quarter, max_beats, velocities, programs, 0, False, vocabulary, end_token
        )

    def count_losses(self, piece: Piece, steps: NDArray[Any]) -> dict[str, int]:
        lost = super().count_losses(piece, steps)
        notes = piece.notes if self.programs else piece.notes[~piece.notes["drum"]]
        gaps = np.diff(notes["onset"], prepend=0)
        lost["long_rests"] = int(np.count_nonzero(gaps > self.max_beats * piece.resolution))
        return lost


class CPWord(MidiTok):
    """Compound words: of a bar, of a position or of a note.

    Source: Hsiao et al., Compound Word Transformer (AAAI 2021).
    """

    name: ClassVar[str] = "cpword"
    tokenizer_name = "CPWord"
    compound: ClassVar[bool] = True
