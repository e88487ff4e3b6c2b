"""The five of MidiTok's tokenizers that make one stream of all tracks."""

from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ostinato.music.piece import Piece
from ostinato.representations.miditok import encoding
from ostinato.representations.miditok.encoding import Events, Ints
from ostinato.representations.miditok.representation import MidiTok

Steps = Annotated[int, Field(ge=1, le=32, description="steps to the beat, of 4/4 a quarter note")]
MaxBeats = Annotated[
    int, Field(ge=1, le=64, description="beats in the longest note or time shift; longer is cut")
]
Velocities = Annotated[
    int, Field(ge=0, le=127, description="how many velocities there are; 0 leaves them out")
]
Programs = Annotated[
    bool, Field(description="keep instruments and drums; otherwise all tracks but drums are one")
]
Tempos = Annotated[
    int, Field(ge=0, le=256, description="how many tempos from 40 to 250; 0 leaves them out")
]
TimeSignatures = Annotated[bool, Field(description="keep time signatures; otherwise all is 4/4")]
Size = Annotated[
    int | None,
    Field(ge=2, le=65536, description="learn byte pairs up to so many tokens; null learns none"),
]
End = Annotated[bool, Field(description="learn where pieces end")]


class Full(MidiTok):
    """What keeps all that there is to keep, and may learn byte pairs."""

    def __init__(
        self,
        steps_per_quarter: Steps = 8,
        max_beats: MaxBeats = 12,
        velocities: Velocities = 32,
        programs: Programs = True,
        tempos: Tempos = 43,
        time_signatures: TimeSignatures = True,
        vocabulary: Size = None,
        end_token: End = True,
    ) -> None:
        super().__init__(
            steps_per_quarter,
            max_beats,
            velocities,
            programs,
            tempos,
            time_signatures,
            vocabulary,
            end_token,
        )


class REMI(Full):
    """Bars, positions within them, and notes with their durations.

    Source: Huang and Yang, Pop Music Transformer (ACM MM 2020); with programs and time signatures
    REMI+, von Rütte et al., FIGARO (ICLR 2023).
    """

    name: ClassVar[str] = "remi"
    tokenizer_name: ClassVar[str] = "REMI"

    def to_tokens(self, events: Events) -> Ints:
        return encoding.in_bars(events, self.base)


class TSD(Full):
    """Time shifts, and notes with their durations.

    Source: Fradet et al., Byte Pair Encoding for Symbolic Music (EMNLP 2023).
    """

    name: ClassVar[str] = "tsd"
    tokenizer_name: ClassVar[str] = "TSD"

    def to_tokens(self, events: Events) -> Ints:
        return encoding.in_shifts(events, self.base)


class MIDILike(Full):
    """Time shifts, and notes that begin and end.

    Source: Oore et al., This Time with Feeling (2018).
    """

    name: ClassVar[str] = "midilike"
    tokenizer_name: ClassVar[str] = "MIDILike"

    def to_tokens(self, events: Events) -> Ints:
        return encoding.in_shifts(events, self.base)


class Structured(MidiTok):
    """Notes, each as a time shift, a pitch, a velocity and a duration, always in this order.

    Source: Hadjeres and Crestel, The Piano Inpainting Application (2021).
    """

    name: ClassVar[str] = "structured"
    tokenizer_name: ClassVar[str] = "Structured"

    def __init__(
        self,
        steps_per_quarter: Steps = 8,
        max_beats: MaxBeats = 12,
        velocities: Velocities = 32,
        programs: Programs = True,
        vocabulary: Size = None,
        end_token: End = True,
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

    def to_tokens(self, events: Events) -> Ints:
        return encoding.rotate_to_turn(events, self.base)


class CPWord(MidiTok):
    """Compound words, of a bar, a position or a note; each of their parts is a token here, in turn.

    Positions are the step within the bar, and the part of the word that comes next.

    Source: Hsiao et al., Compound Word Transformer (AAAI 2021).
    """

    name: ClassVar[str] = "cpword"
    tokenizer_name: ClassVar[str] = "CPWord"

    def __init__(
        self,
        steps_per_quarter: Steps = 8,
        max_beats: MaxBeats = 12,
        velocities: Velocities = 32,
        programs: Programs = True,
        tempos: Tempos = 43,
        time_signatures: TimeSignatures = True,
        vocabulary: Size = None,
        end_token: End = True,
    ) -> None:
        if vocabulary is not None:
            raise ValueError(
                f"vocabulary={vocabulary} does not fit: MidiTok learns no byte pairs of compound "
                "words; it must be null."
            )
        super().__init__(
            steps_per_quarter,
            max_beats,
            velocities,
            programs,
            tempos,
            time_signatures,
            vocabulary,
            end_token,
        )
        parts = (velocities > 0) + programs + (tempos > 0) + time_signatures
        self.position_features = {**self.position_features, "attribute": 4 + parts}

    def to_tokens(self, events: Events) -> Ints:
        return encoding.in_words(events, self.base)
