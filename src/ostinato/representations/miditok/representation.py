"""MidiTok's tokenizers as representations."""

from abc import abstractmethod
from collections.abc import Iterable
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import UnencodableError, UserError
from ostinato.music.conversion import to_symusic
from ostinato.music.piece import Piece
from ostinato.representations.base import TokenRepresentation, Tokens
from ostinato.representations.miditok import bytepairs
from ostinato.representations.miditok.decoding import clock, to_piece
from ostinato.representations.miditok.encoding import Events, Ints, read_events
from ostinato.representations.miditok.grammar import MidiTokGrammar, steps_in_bar, where
from ostinato.representations.miditok.metres import KNOWN, METRES, fit_signatures
from ostinato.representations.miditok.order import Order, order_of
from ostinato.representations.miditok.tables import Tables
from ostinato.representations.miditok.vocabulary import COMMON_TIME, Kind, Vocabulary

TEMPO_RANGE = (40, 250)  # quarter notes per minute


class MidiTok(TokenRepresentation):
    """What MidiTok's tokenizers have in common as representations.

    Tokens are numbered as in MidiTok, without its padding, which comes first there; our own end
    token is the last. With `vocabulary`, byte pairs are learned from the training pieces until
    there are so many tokens, the end token included.

    Every program is a track; without `programs`, all tracks but drums become one. Of notes with one
    onset, pitch and program the shortest stays. Times are on a grid of `steps_per_quarter` steps to
    the beat; without `time_signatures` bars are of four quarter notes.

    Positions are the step within the bar. Source: Fradet et al., MidiTok (ISMIR 2021).
    """

    tokenizer_name: ClassVar[str]
    """The class of MidiTok."""

    def __init__(
        self,
        steps_per_quarter: int,
        max_beats: int,
        velocities: int,
        programs: bool,
        tempos: int,
        time_signatures: bool,
        vocabulary: int | None,
        end_token: bool,
    ) -> None:
        self.steps_per_quarter = steps_per_quarter
        self.max_beats = max_beats
        self.velocities = velocities
        self.programs = programs
        self.tempos = tempos
        self.time_signatures = time_signatures
        self.asked = vocabulary
        self.end_token = end_token
        self.learns = vocabulary is not None
        self.transposes = not self.learns
        finest = max(KNOWN) // COMMON_TIME[1] if time_signatures else 1
        self.resolution = steps_per_quarter * finest
        longest = steps_in_bar(METRES if time_signatures else [COMMON_TIME], steps_per_quarter)
        self.position_features = {"step": longest}
        kept = {"programs": programs, "tempo": tempos > 0, "metre": time_signatures}
        self.keeps = frozenset(name for name, is_kept in kept.items() if is_kept)
        self.holds_drums = programs
        self._merges: bytepairs.Merges | None = None if self.learns else ()

    def __getstate__(self) -> dict[str, Any]:
        """Without what is built from the settings: MidiTok's own objects do not travel."""
        cached = {name for name in dir(type(self)) if _is_cached(type(self), name)}
        return {name: value for name, value in self.__dict__.items() if name not in cached}

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
            use_velocities=self.velocities > 0,
            use_programs=self.programs,
            use_pitchdrum_tokens=self.programs,
            use_tempos=self.tempos > 0,
            num_tempos=max(self.tempos, 1),
            tempo_range=TEMPO_RANGE,
            use_time_signatures=self.time_signatures,
            time_signature_range=KNOWN,
        )
        return getattr(miditok, self.tokenizer_name)(config)

    @cached_property
    def base(self) -> Vocabulary:
        """The tokens that MidiTok itself knows."""
        return Vocabulary.of(self.tokenizer, self.steps_per_quarter)

    @cached_property
    def chains(self) -> list[tuple[int, ...]]:
        """What each token but the end stands for in base tokens."""
        if self._merges is None:
            raise RuntimeError(f"{self.name} has not learned its vocabulary yet")
        return bytepairs.chains(len(self.base.names), self._merges)

    @cached_property
    def order(self) -> Order:
        """Which base tokens may follow each other."""
        return order_of(self.base, self.tokenizer.tokens_types_graph)

    @cached_property
    def tables(self) -> Tables:
        """What each token does."""
        return Tables.of(self.base, self.order, self.chains)

    @cached_property
    def pairs(self) -> bytepairs.BytePairs | None:
        """What joins base tokens, where anything was learned."""
        if not self._merges:
            return None
        return bytepairs.BytePairs(len(self.base.names), self._merges)

    @cached_property
    def has_pitch(self) -> NDArray[np.bool_]:
        """Which tokens name a pitch that is no drum's: (size,)."""
        kinds = np.append(self.base.kinds, Kind.START)[: self.size]
        has_pitch: NDArray[np.bool_] = (kinds == Kind.PITCH) | (kinds == Kind.PITCH_OFF)
        return has_pitch

    @property
    def size(self) -> int:
        return len(self.chains) + self.end_token

    def encode(self, piece: Piece) -> NDArray[np.uint16]:
        tokens = self.encode_base(piece)
        if self.pairs is not None:
            tokens = self.pairs.encode(tokens)
        return tokens.astype(np.uint16)

    def encode_base(self, piece: Piece) -> Ints:
        """The piece as base tokens: (time,)."""
        score = self.score(piece)
        return self.to_tokens(read_events(self.tokenizer.preprocess_score(score), self.base))

    def score(self, piece: Piece) -> Any:
        """The piece as MidiTok takes it. Raises `UnencodableError` where nothing would be left."""
        notes = piece.notes
        if not len(notes):
            raise UnencodableError("has no notes")
        if not self.programs:
            notes = notes[~notes["drum"]].copy()
            notes["track"] = notes["program"] = 0
            if not len(notes):
                raise UnencodableError("has no notes besides drums")
        signatures = fit_signatures(piece).signatures
        said = Piece("", piece.resolution, notes, piece.tempos, signatures)
        return to_symusic(said.without_changes_from(piece.end))  # they would add bars

    def count_losses(self, piece: Piece, steps: NDArray[Any]) -> dict[str, int]:
        """As in `Representation`, and how many notes are too long, how many bars and tempos are
        written otherwise.
        """
        lost = super().count_losses(piece, steps)
        if self.base.has(Kind.DURATION):
            lost["long_notes"] = self._long_notes(piece)
        if self.time_signatures:
            lost["bars"] = fit_signatures(piece).lost
        if self.tempos:
            qpm = piece.tempos["qpm"]
            low, high = TEMPO_RANGE
            lost["tempos"] = int(np.count_nonzero((qpm < low) | (qpm > high)))
        return lost

    def _long_notes(self, piece: Piece) -> int:
        """How many notes last longer than `max_beats`, of the metre in which they begin."""
        signatures, notes = piece.time_signatures, piece.notes
        longest = 4 * self.max_beats * piece.resolution
        if not self.time_signatures or not (signatures["denominator"] != COMMON_TIME[1]).any():
            return int(np.count_nonzero(notes["duration"] > longest // COMMON_TIME[1]))
        fitted = fit_signatures(piece).signatures
        beats = np.append(COMMON_TIME[1], fitted["denominator"])
        beat = beats[np.searchsorted(fitted["onset"], notes["onset"], side="right")]
        return int(np.count_nonzero(notes["duration"] * beat > longest))

    @abstractmethod
    def to_tokens(self, events: Events) -> Ints:
        """The base tokens of what a score says."""

    def decode(self, tokens: Tokens, name: str = "") -> Piece:
        """The piece that the tokens (time,) say, up to the first end token; see `to_piece`."""
        return to_piece(self.base, self.tables.expanded(self.before_end(tokens))[0], name)

    def describe(self, token: int) -> str:
        if token == self.end:
            return "end"
        return " · ".join(map(self.base.describe, self.chains[token]))

    def transpose(self, tokens: Tokens, semitones: Tokens) -> Tokens:
        """As in `Representation`; raises `ValueError` for tokens learned as byte pairs."""
        if not semitones.any():
            return tokens
        if not self.transposes:
            raise ValueError("byte pairs cannot be transposed: they may be other tokens then")
        moved = tokens + semitones[:, None] * self.has_pitch[tokens]
        return moved.astype(tokens.dtype)

    def positions(self, tokens: Tokens) -> NDArray[np.uint8]:
        known = np.zeros((len(tokens), len(self.position_features)), np.uint8)
        ends = np.flatnonzero(tokens == self.end).tolist() if self.end_token else []
        for before, stop in pairwise([-1, *ends, len(tokens)]):
            base, last = self.tables.expanded(tokens[before + 1 : stop])
            within = clock(self.base, base).within[last]
            turns = (np.arange(len(within)) + 1) % self.base.width
            known[before + 1 : stop] = where(self.base, within, turns)
        return known

    def note_counts(self) -> NDArray[np.int64]:
        return np.append(self.tables.begins, 0)[: self.size]

    def grammar(self, batch: int) -> MidiTokGrammar:
        return MidiTokGrammar(self.base, self.order, self.tables, batch, self.end_token)

    def learn(self, pieces: Iterable[Piece]) -> None:
        """Learn byte pairs from the pieces; those that cannot be encoded are passed over.

        Raises `UserError` where `vocabulary` leaves no room for any.
        """
        if self.asked is None:
            return
        base = len(self.base.names)
        if self.asked <= base + self.end_token:
            raise UserError(
                f"representation.vocabulary={self.asked} leaves nothing to learn: {self.name} has "
                f"{base + self.end_token} tokens before it learns any."
            )
        sequences = self._encodable(pieces)
        self._know(bytepairs.learn_merges(sequences, base, self.asked - self.end_token))

    def _encodable(self, pieces: Iterable[Piece]) -> Iterable[Ints]:
        for piece in pieces:
            try:
                yield self.encode_base(piece)
            except UnencodableError:
                continue

    def learned(self) -> bytes | None:
        return bytepairs.dumps(self._merges) if self.learns and self._merges is not None else None

    def recall(self, learned: bytes) -> None:
        if not self.learns:
            super().recall(learned)
        merges = bytepairs.loads(learned)
        bytepairs.chains(len(self.base.names), merges)
        self._know(merges)

    def _know(self, merges: bytepairs.Merges) -> None:
        self._merges = merges
        for name in ("chains", "tables", "pairs", "has_pitch"):
            self.__dict__.pop(name, None)


def _is_cached(cls: type, name: str) -> bool:
    return isinstance(getattr(cls, name, None), cached_property)
