"""MidiTok's tokenizers as representations: MidiTok encodes, ours is what it lacks."""

import json
from abc import abstractmethod
from collections.abc import Iterable
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ostinato.errors import UnencodableError, UserError
from ostinato.music.conversion import to_symusic
from ostinato.music.piece import Piece
from ostinato.representations.base import TokenRepresentation, Tokens
from ostinato.representations.miditok import bytepairs
from ostinato.representations.miditok.chains import Chains
from ostinato.representations.miditok.decoding import Ints, read_times, to_piece
from ostinato.representations.miditok.grammar import MidiTokGrammar, bar_steps, to_positions
from ostinato.representations.miditok.metres import METRES, NUMERATORS, fit_signatures
from ostinato.representations.miditok.transitions import Transitions
from ostinato.representations.miditok.vocabulary import COMMON_TIME, Kind, Vocabulary

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


class MidiTok(TokenRepresentation):
    """Base of MidiTok's tokenizers as representations.

    Tokens are numbered as in MidiTok, without its padding, which comes first there; our own end
    token is the last. Compound words are flattened: each of their parts is a token, in turn. With
    `vocabulary`, byte pairs are trained on the training pieces until there are so many tokens,
    the end token included.

    Every program is a track; without `programs`, all tracks but drums become one. Of notes with one
    onset, pitch and program the shortest stays. Times are on a grid of `steps_per_quarter` steps to
    the beat; without `time_signatures` bars are of four quarter notes.

    Positions are the step within the bar, and of compound words the part that comes next.
    Source: Fradet et al., MidiTok (ISMIR 2021).
    """

    compound: ClassVar[bool] = False
    """Whether notes, positions and bars are compound words."""

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
        finest = max(NUMERATORS) // COMMON_TIME[1] if time_signatures else 1
        self.resolution = steps_per_quarter * finest
        longest = bar_steps(METRES if time_signatures else [COMMON_TIME], steps_per_quarter)
        kept = {"programs": programs, "tempo": tempos > 0, "metre": time_signatures}
        self.preserves = frozenset(name for name, is_kept in kept.items() if is_kept)
        parts = 4 + (velocities > 0) + len(self.preserves)
        step = {"step": longest}
        self.position_features = step | ({"attribute": parts} if self.compound else {})
        self._merges: bytepairs.Merges | None = None if self.trainable else ()

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is built from the settings: MidiTok's own objects do not travel."""
        own = vars(MidiTok)
        return {k: v for k, v in vars(self).items() if not isinstance(own.get(k), cached_property)}

    @property
    @abstractmethod
    def tokenizer_name(self) -> str:
        """The class of MidiTok."""

    @cached_property
    def tokenizer(self) -> Any:
        """MidiTok's own tokenizer."""
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
        return getattr(miditok, self.tokenizer_name)(config)

    @cached_property
    def base(self) -> Vocabulary:
        """The tokens of MidiTok itself."""
        return Vocabulary(self.tokenizer, self.steps_per_quarter)

    @cached_property
    def chains(self) -> list[bytepairs.Chain]:
        """Return what each token but the end stands for in base tokens."""
        if self._merges is None:
            raise RuntimeError(f"{self.name} is not trained yet")
        return bytepairs.expand_merges(len(self.base.names), self._merges)

    @cached_property
    def tables(self) -> Chains:
        """Return what each token does."""
        return Chains(self.base, self.chains)

    @cached_property
    def transitions(self) -> Transitions:
        """Return which base tokens may follow each other."""
        return Transitions.of(self.base, self.tokenizer.tokens_types_graph)

    @cached_property
    def merging(self) -> Any:
        """Return what joins base tokens, where byte pairs were trained."""
        return bytepairs.build_model(self.chains, self._merges) if self._merges else None

    @property
    def size(self) -> int:
        return len(self.chains) + self.end_token

    def encode(self, piece: Piece) -> NDArray[np.uint16]:
        tokens = self.encode_base(piece)
        if self.merging is not None:
            tokens = bytepairs.merge_tokens(self.merging, tokens)
        return tokens.astype(np.uint16)

    def encode_base(self, piece: Piece) -> Ints:
        """Return the piece as base tokens: (time,). Raises as `encode` does."""
        encoded = self.tokenizer.encode(self.score(piece))
        # without programs MidiTok makes a stream of each track, of which there is one
        [sequence] = encoded if isinstance(encoded, list) else [encoded]
        ids = np.array(sequence.ids, np.int64).reshape(-1, self.base.width)
        # the padding is the first of each part's tokens; parts are numbered one after the other
        offsets = np.searchsorted(self.base.features, np.arange(self.base.width))
        return (ids - 1 + offsets).ravel()

    def score(self, piece: Piece) -> Any:
        """Return what MidiTok encodes. Raises `UnencodableError` where nothing would be left."""
        notes = piece.notes
        if not len(notes):
            raise UnencodableError("has no notes")
        if not self.programs:
            notes = notes[~notes["drum"]].copy()
            notes["track"] = notes["program"] = 0
            if not len(notes):
                raise UnencodableError("has no notes besides drums")
        signatures = fit_signatures(piece).signatures
        fitted = Piece("", piece.resolution, notes, piece.tempos, signatures)
        return to_symusic(fitted.without_changes_from(piece.end))  # they would add bars

    def count_losses(self, piece: Piece, steps: NDArray[Any]) -> dict[str, int]:
        """Return what `Representation` counts, the notes that are too long, and the bars and
        tempos that are written otherwise.
        """
        lost = super().count_losses(piece, steps)
        fitted = fit_signatures(piece)
        if self.base.has(Kind.Duration):
            beats = np.full(len(piece.notes), COMMON_TIME[1])
            if self.time_signatures:
                metre = np.searchsorted(
                    fitted.signatures["onset"], piece.notes["onset"], side="right"
                )
                beats = np.append(COMMON_TIME[1], fitted.signatures["denominator"])[metre]
            longest = 4 * self.max_beats * piece.resolution
            lost["long_notes"] = int(np.count_nonzero(piece.notes["duration"] * beats > longest))
        if self.time_signatures:
            lost["bars"] = fitted.lost
        if self.tempos:
            qpm = piece.tempos["qpm"]
            low, high = TEMPO_RANGE
            lost["tempos"] = int(np.count_nonzero((qpm < low) | (qpm > high)))
        return lost

    def decode(self, tokens: Tokens, name: str = "") -> Piece:
        """Return the piece of tokens (time,), up to the first end token; see `to_piece`."""
        return to_piece(self.base, self.tables.expand(self.before_end(tokens))[0], name)

    def describe(self, token: int) -> str:
        if token == self.end:
            return "end"
        return " · ".join(map(self.base.describe, self.chains[token]))

    def transpose(self, tokens: Tokens, semitones: Tokens) -> Tokens:
        """As in `Representation`; raises `ValueError` for tokens that are byte pairs."""
        if not semitones.any():
            return tokens
        if not self.transposes:
            raise ValueError("byte pairs cannot be transposed: they may be other tokens then")
        has_pitch = np.append(np.isin(self.base.kinds, (Kind.Pitch, Kind.NoteOff)), False)
        moved: Tokens = (tokens + semitones[:, None] * has_pitch[tokens]).astype(tokens.dtype)
        return moved

    def positions(self, tokens: Tokens) -> NDArray[np.uint8]:
        found = np.zeros((len(tokens), len(self.position_features)), np.uint8)
        ends = np.flatnonzero(tokens == self.end).tolist() if self.end_token else []
        for before, stop in pairwise([-1, *ends, len(tokens)]):
            base, last = self.tables.expand(tokens[before + 1 : stop])
            within = read_times(self.base, base).within[last]
            parts = (np.arange(len(within)) + 1) % self.base.width
            found[before + 1 : stop] = to_positions(self.base, within, parts)
        return found

    def note_counts(self) -> NDArray[np.int64]:
        return np.append(self.tables.begins, 0)[: self.size]

    def grammar(self, batch: int) -> MidiTokGrammar:
        return MidiTokGrammar(self.base, self.transitions, self.tables, batch, self.end_token)

    def train(self, pieces: Iterable[Piece]) -> None:
        """Train byte pairs on the pieces; those that cannot be encoded are passed over.

        Raises `UserError` where `vocabulary` leaves no room for any.
        """
        if self.final_size is None:
            return
        base = len(self.base.names)
        if self.final_size <= base + self.end_token:
            raise UserError(
                f"representation.vocabulary={self.final_size} leaves nothing to train: {self.name} "
                f"has {base + self.end_token} tokens before any training."
            )
        sequences = self._encode_all(pieces)
        self._set(bytepairs.learn_merges(sequences, base, self.final_size - self.end_token))

    def _encode_all(self, pieces: Iterable[Piece]) -> Iterable[Ints]:
        for piece in pieces:
            try:
                yield self.encode_base(piece)
            except UnencodableError:
                continue

    def state(self) -> bytes | None:
        if not self.trainable or self._merges is None:
            return None
        return json.dumps({"merges": self._merges}, separators=(",", ":")).encode()

    def load_state(self, state: bytes) -> None:
        if not self.trainable:
            super().load_state(state)
        merges = bytepairs.read_merges(state)
        bytepairs.expand_merges(len(self.base.names), merges)
        self._set(merges)

    def _set(self, merges: bytepairs.Merges) -> None:
        self._merges = merges
        for name in ("chains", "tables", "merging"):
            self.__dict__.pop(name, None)
