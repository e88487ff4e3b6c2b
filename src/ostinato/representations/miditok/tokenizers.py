"""Five of MidiTok's tokenizers as representations: MidiTok encodes, ours is what it lacks."""

import gc
from collections.abc import Sequence
from functools import cached_property
from itertools import compress
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ostinato.errors import UnencodableError
from ostinato.music.conversion import to_symusic
from ostinato.music.piece import Piece
from ostinato.representations.base import Tokens
from ostinato.representations.byte_pairs import BytePairRepresentation, Ints
from ostinato.representations.instrument import select_pitched_notes
from ostinato.representations.metres import COMMON_TIME, Metre, fit_signatures
from ostinato.representations.miditok.decoding import read_times, to_piece
from ostinato.representations.miditok.grammar import MidiTokGrammar, to_positions
from ostinato.representations.miditok.vocabulary import NOTES, Kind, Vocabulary

NUMERATORS = {2: [*range(1, 7)], 4: [*range(1, 13)], 8: [*range(1, 16)], 16: [*range(1, 16)]}
"""The metres that there are, by beat: what pickups and the music of our corpora need."""
METRES: tuple[Metre, ...] = tuple((n, beat) for beat, ns in NUMERATORS.items() for n in ns)
MOST_POSITIONS = 256  # so that one fits a byte
TEMPO_RANGE = (40, 250)  # quarter notes per minute

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
    Field(ge=2, le=65536, description="train byte pairs up to so many tokens; null: none"),
]
End = Annotated[bool, Field(description="learn where pieces end")]


class MidiTok(BytePairRepresentation):
    """A tokenizer of MidiTok (Fradet et al., ISMIR 2021) as a representation, by its class's name.

    Tokens are numbered as in MidiTok, without its padding, which comes first there; our own end
    token is the last. Compound words are flattened: each of their parts is a token, in turn. With
    `vocabulary`, byte pairs are trained on the training pieces until there are so many tokens.

    Every program is a track. Of notes with one onset, pitch and program the shortest stays. Times
    are on a grid of `steps_per_quarter` steps to the beat; without `time_signatures` bars are of
    four quarter notes. Positions are the step within the bar, and of compound words the part that
    comes next.
    """

    compound: ClassVar[bool] = False  # whether notes, positions and bars are compound words

    def __init__(
        self,
        steps_per_quarter: Steps,
        max_beats: MaxBeats,
        velocities: Velocities,
        programs: Programs,
        tempos: Tempos,
        time_signatures: TimeSignatures,
        vocabulary: Size,
        end_token: End,
    ) -> None:
        if self.compound and vocabulary is not None:
            raise ValueError(
                f"vocabulary={vocabulary} does not fit: MidiTok trains no byte pairs of compound "
                "words; it must be null."
            )
        self.steps_per_quarter, self.max_beats = steps_per_quarter, max_beats
        self.velocities, self.tempos = velocities, tempos
        self.programs = self.holds_drums = programs
        self.time_signatures, self.end_token = time_signatures, end_token
        self.final_size = vocabulary
        self.trainable = vocabulary is not None
        self.transposes = not self.trainable
        metres, finest = (METRES, max(NUMERATORS)) if time_signatures else ([COMMON_TIME], 4)
        self.resolution = steps_per_quarter * finest // 4
        kept = compress(("programs", "tempo", "metre"), (programs, tempos, time_signatures))
        self.preserves = frozenset(kept)
        longest = max(-(-4 * beats * steps_per_quarter // beat) for beats, beat in metres)
        self.position_features = {"step": min(longest, MOST_POSITIONS)}
        if self.compound:
            self.position_features["attribute"] = 4 + (velocities > 0) + len(self.preserves)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is built from the settings: MidiTok's own objects do not travel."""
        built = {"tokenizer", "base", "rules"}
        return {name: value for name, value in vars(self).items() if name not in built}

    @cached_property
    def tokenizer(self) -> Any:
        """MidiTok's own tokenizer, of the class of the same name."""
        import miditok

        config = miditok.TokenizerConfig(
            pitch_range=(0, 127),
            drums_pitch_range=(0, 127),
            beat_res={(0, self.max_beats): self.steps_per_quarter},
            num_velocities=max(self.velocities, 1),
            special_tokens=["PAD"],
            encode_ids_split="no",
            remove_duplicated_notes=True,
            use_velocities=self.velocities > 0,
            use_programs=self.programs,
            use_pitchdrum_tokens=self.programs,
            use_tempos=self.tempos > 0,
            num_tempos=max(self.tempos, 1),
            tempo_range=TEMPO_RANGE,
            use_time_signatures=self.time_signatures,
            time_signature_range=NUMERATORS,
        )
        return getattr(miditok, type(self).__name__)(config)

    @cached_property
    def base(self) -> Vocabulary:
        """The tokens of MidiTok itself."""
        return Vocabulary(self.tokenizer, self.steps_per_quarter, self.position_features["step"])

    @property
    def base_size(self) -> int:
        return self.base.size

    @cached_property
    def rules(self) -> MidiTokGrammar:
        """A grammar at the beginning, to be copied."""
        return MidiTokGrammar(self.base, self.tokenizer.tokens_types_graph, self.chains)

    def encode_base(self, piece: Piece) -> Ints:
        score, collects = self.score(piece), gc.isenabled()
        gc.disable()  # two fifths of the time go to it: MidiTok makes many small objects
        try:
            encoded = self.tokenizer.encode(score)
        finally:
            if collects:
                gc.enable()
        # without programs MidiTok makes a stream of each track, of which there is one
        [sequence] = encoded if isinstance(encoded, list) else [encoded]
        ids = np.array(sequence.ids, np.int64).reshape(-1, self.base.width)
        # the padding is the first of each part's tokens; parts are numbered one after the other
        offsets = np.searchsorted(self.base.features[:-1], np.arange(self.base.width))
        return (ids - 1 + offsets).ravel()

    def score(self, piece: Piece) -> Any:
        """Return what MidiTok encodes. Raises `UnencodableError` where nothing would be left."""
        notes = piece.notes
        if not len(notes):
            raise UnencodableError("has no notes")
        if not self.programs:
            notes = select_pitched_notes(piece, piece.resolution)
            notes["track"] = notes["program"] = 0
        fitted = Piece("", piece.resolution, notes, piece.tempos, fit_signatures(piece, METRES)[0])
        return to_symusic(fitted.without_changes_from(piece.end))  # they would add bars

    def count_losses(self, piece: Piece, steps: NDArray[Any]) -> dict[str, int]:
        lost = super().count_losses(piece, steps)
        signatures, bars = fit_signatures(piece, METRES)
        if Kind.Duration in self.base:
            notes, longest = piece.notes, 4 * self.max_beats * piece.resolution
            metre = np.searchsorted(signatures["onset"], notes["onset"], side="right")
            beats = np.append(4, signatures["denominator"])[metre * self.time_signatures]
            lost["long_notes"] = int(np.count_nonzero(notes["duration"] * beats > longest))
        if self.time_signatures:
            lost["bars"] = bars
        if self.tempos:
            outside = np.clip(piece.tempos["qpm"], *TEMPO_RANGE) != piece.tempos["qpm"]
            lost["tempos"] = int(np.count_nonzero(outside))
        return lost

    def decode(self, tokens: Tokens, name: str = "") -> Piece:
        """Return the piece of tokens (time,), up to the first end token; see `to_piece`."""
        return to_piece(self.base, self.chains.expand(self.before_end(tokens))[0], name)

    def describe(self, token: int) -> str:
        chain, _ = self.chains.expand(np.array([token]))
        return " · ".join(map(self.base.describe, chain))

    def transpose(self, tokens: Tokens, semitones: Tokens) -> Tokens:
        """As in `Representation`; raises `ValueError` for tokens that are byte pairs."""
        if not semitones.any():
            return tokens
        if not self.transposes:
            raise ValueError("byte pairs cannot be transposed: they may be other tokens then")
        has_pitch = np.isin(self.base.kinds, (Kind.Pitch, Kind.NoteOff))
        moved: Tokens = (tokens + semitones[:, None] * has_pitch[tokens]).astype(tokens.dtype)
        return moved

    def positions(self, tokens: Tokens) -> NDArray[np.uint8]:
        base, last = self.chains.expand(tokens)
        _, within, _ = read_times(self.base, base)
        parts = (np.arange(len(tokens)) - self.last_end(tokens)) % self.base.width
        return to_positions(self.base, within[last], parts).astype(np.uint8)

    def note_counts(self) -> NDArray[np.int64]:
        begins = np.isin(self.base.kinds[self.chains.tokens], NOTES)
        return np.add.reduceat(begins, self.chains.starts, dtype=np.int64)

    def grammar(self, batch: int) -> MidiTokGrammar:
        return self.rules.select(np.zeros(batch, np.int64))

    def _set_pairs(self, pairs: Sequence[tuple[int, int]]) -> None:
        super()._set_pairs(pairs)
        self.__dict__.pop("rules", None)


class REMI(MidiTok):
    """Bars, positions within them, and notes with their durations.

    Source: Huang and Yang (ACM MM 2020); with programs and time signatures REMI+, von Rütte et al.,
    FIGARO (ICLR 2023).
    """

    name = "remi"


class TSD(MidiTok):
    """Time shifts, and notes with their durations. Source: Fradet et al. (EMNLP 2023)."""

    name = "tsd"


class MIDILike(MidiTok):
    """Time shifts, and notes that begin and end. Source: Oore et al. (2018)."""

    name = "midilike"


class Structured(MidiTok):
    """Notes, each as a time shift, a pitch, a velocity and a duration, always in this order.

    Source: Hadjeres and Crestel, The Piano Inpainting Application (2021).
    """

    name = "structured"

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
    """Compound words: of a bar, of a position or of a note. Source: Hsiao et al. (AAAI 2021)."""

    name = "cpword"
    compound = True
