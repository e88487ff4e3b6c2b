"""Voices: a fixed number of monophonic lines on a grid, interleaved by time step."""

from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ostinato.errors import UnencodableError
from ostinato.music.piece import TIME_SIGNATURE, Piece, array
from ostinato.representations.bar_grid import TokenBarGrid
from ostinato.representations.base import EndToken, StepsPerQuarter, Tokens, pitch_name
from ostinato.representations.instrument import separate_unisons
from ostinato.representations.monophonic import (
    HOLD,
    REST,
    grid_to_tokens,
    line_to_tokens,
    rotate_to_turn,
    to_monophonic,
    tokens_to_grid,
    tokens_to_line,
    transpose_notes,
)
from ostinato.representations.voice_assignment import assign_voices
from ostinato.representations.voice_history import VoiceHistory
from ostinato.representations.voice_roll import VoiceRoll, by_step
from ostinato.representations.voices_grammar import VoicesGrammar
from ostinato.wording import quantity

BarSteps = Annotated[int, Field(ge=1, le=256, description="steps to the bar, for positions")]
PositionBars = Annotated[
    int, Field(ge=1, le=64, description="through how many bars positions count: a phrase")
]
History = Annotated[
    VoiceHistory | None, Field(description="what positions say of the piece so far; null: nothing")
]

TOLERATED_LOSS = 0.05  # share of a piece's notes
MOST_POSITIONS = 256  # so that one fits a byte


def _merge_lines(lines: Tokens, track: int) -> NDArray[Any]:
    """Return the notes of one track from the tokens (voices, steps) of its voices."""
    sung = [tokens_to_line(line, track) for line in lines]
    return sung[0] if len(sung) == 1 else separate_unisons(np.concatenate(sung))


def _name_track(part: slice) -> str:
    if part.stop - part.start == 1:
        return f"voice {part.stop}"
    return f"voices {part.start + 1} to {part.stop}"


class Voices(TokenBarGrid):
    """The tracks of a piece as voices, each one token per step: voice 0, 1, … of step 0, of step 1.

    0 to 127 begin a note of that pitch, 128 is a rest and 129 holds the note. Drum tracks are left
    out. Positions are the voice and the step within `position_bars` bars of the token that follows,
    what sounds so far, a pitch or 128: in that voice, in the next one, and so on round; and what
    `history` says of the piece so far. A first bar that is shorter than the second, a pickup, is
    filled up with rests before it, so that bars begin where positions say so: decoding gives the
    piece on the grid, that much later.

    Within a voice a note ends when the next begins, and of notes that begin together the highest
    stays. With `by_track` a track takes so many voices, over which its notes are spread as `spread`
    does it; decoding makes them one track again, in which notes of one pitch follow one another.

    Source: the grid with holds of Hadjeres et al., DeepBach (ICML 2017), read step by step as in
    Liang et al., BachBot (ISMIR 2017).
    """

    name: ClassVar[str] = "voices"
    layout: ClassVar[str] = "voices"
    pitch_features: ClassVar[tuple[str, ...]] = (
        "sounding",
        "previous",
        "per_voice_match",
        "joint_match",
    )
    """The groups of features that are pitches, and move where the music is transposed."""
    grammar_class: ClassVar[type[VoicesGrammar]] = VoicesGrammar

    def __init__(
        self,
        voices: Annotated[int, Field(ge=1, le=16, description="how many voices there are")],
        steps_per_quarter: StepsPerQuarter,
        bar_steps: BarSteps,
        position_bars: PositionBars,
        by_track: Annotated[
            tuple[Annotated[int, Field(ge=1, le=16)], ...] | None,
            Field(min_length=1, description="voices of each track, [1, 1, 4]; null: one each"),
        ],
        end_token: EndToken = True,
        history: History = None,
    ) -> None:
        self.voices = self.voices_per_step = voices
        self.steps_per_quarter = self.resolution = steps_per_quarter
        self.bar_steps, self.beat_steps = bar_steps, steps_per_quarter
        self.end_token, self.history = end_token, history
        self.by_track = (1,) * voices if by_track is None else by_track
        if sum(self.by_track) != voices:
            raise ValueError(
                f"by_track={list(self.by_track)} makes {sum(self.by_track)} voices; "
                f"voices={voices} should be as many."
            )
        self.position_steps = bar_steps * position_bars
        if self.position_steps > MOST_POSITIONS:
            raise ValueError(
                f"representation.position_bars={position_bars} with bars of {bar_steps} steps "
                f"makes {self.position_steps} positions; at most {MOST_POSITIONS} can be told "
                "apart."
            )
        self.position_features = {
            "voice_index": voices,
            "step": self.position_steps,
            **{f"sounding.{i}": REST + 1 for i in range(voices)},
            **(history.features(voices) if history else {}),
        }

    @property
    def size(self) -> int:
        return 130 + self.end_token

    def encode(self, piece: Piece) -> NDArray[np.uint16]:
        """The piece as tokens: (time,), up to the last step in which a voice sounds.

        Raises `UnencodableError` where the tracks without drums are not as many as voices are given
        to, and where more than 5 % of the notes would be lost.
        """
        tracks = piece.pitched_tracks
        if len(tracks) != len(self.by_track):
            raise UnencodableError(
                f"has {quantity(len(tracks), 'track')}, and this representation takes "
                f"{len(self.by_track)}"
            )
        on_grid = piece.at_resolution(self.steps_per_quarter)
        total, lines = 0, []
        for track, voices in zip(tracks, self.by_track, strict=True):
            notes = on_grid.track(track)
            if voices > 1:
                notes = separate_unisons(notes)
            total += len(notes)
            lines += assign_voices(notes, voices) if voices > 1 else [to_monophonic(notes)]
        self._check(total, sum(len(line) for line in lines))
        steps = max(int((line["onset"] + line["duration"]).max(initial=0)) for line in lines)
        grid = np.stack([line_to_tokens(line, steps) for line in lines], axis=1)
        rests = np.full((self.steps_before(piece), self.voices), REST, np.uint16)
        return np.concatenate([rests, grid]).ravel()

    def _check(self, notes: int, kept: int) -> None:
        if not notes:
            raise UnencodableError("has no notes")
        if notes - kept > TOLERATED_LOSS * notes:
            most = (
                f"as many as by_track={list(self.by_track)} says"
                if max(self.by_track) > 1
                else "one note at a time in each"
            )
            raise UnencodableError(
                f"has {notes - kept} notes, of {notes}, that begin together with another in the "
                f"same track, and this representation takes {most}"
            )

    def steps_before(self, piece: Piece) -> int:
        """Return how much shorter than the second bar the first one is."""
        barlines = piece.barlines()
        signatures = piece.time_signatures
        if len(barlines) < 2 or not (in_force := signatures["onset"] <= barlines[1]).any():
            return 0
        signature = signatures[in_force][-1]
        bar = 4 * int(signature["numerator"]) / int(signature["denominator"])  # quarter notes
        missing = bar - int(barlines[1] - barlines[0]) / piece.resolution
        return max(0, round(missing * self.steps_per_quarter))

    def to_grid(self, tokens: Tokens, before: NDArray[np.integer[Any]] | None = None) -> VoiceRoll:
        batch, time = tokens.shape
        grid = tokens.reshape(batch, time // self.voices, self.voices)
        return self.voice_roll(*tokens_to_grid(grid, before))

    def from_grid(self, roll: VoiceRoll) -> NDArray[np.uint16]:
        return grid_to_tokens(*by_step(roll)).reshape(len(roll), -1)

    def decode(self, tokens: Tokens, name: str = "") -> Piece:
        """The piece that the tokens (time,) say, up to the first end token.

        In a step that is cut short, the voices without a token hold.
        """
        tokens = self.before_end(tokens)
        steps = -(-len(tokens) // self.voices)
        grid = np.full(steps * self.voices, HOLD, np.uint16)
        grid[: len(tokens)] = tokens
        lines = grid.reshape(steps, self.voices).T
        beats, rest = divmod(self.bar_steps, self.steps_per_quarter)
        metre = array(TIME_SIGNATURE, onset=0, numerator=beats, denominator=4)
        return Piece(
            name,
            self.resolution,
            np.concatenate([_merge_lines(lines[part], n) for n, part in enumerate(self.parts)]),
            time_signatures=metre[:0] if rest else metre,
            track_names=tuple(_name_track(part) for part in self.parts),
        )

    def describe(self, token: int) -> str:
        if token == self.end:
            return "end"
        return {REST: "rest", HOLD: "hold"}.get(token) or f"note {pitch_name(token)}"

    def transpose(self, tokens: Tokens, semitones: Tokens) -> Tokens:
        return transpose_notes(tokens, semitones, 0, 127)

    def positions(self, tokens: Tokens) -> NDArray[np.uint8]:
        count = np.arange(len(tokens)) - self.last_end(tokens)
        voice_index, step = count % self.voices, count // self.voices % self.position_steps
        sounding = rotate_to_turn(self.sounding(tokens), voice_index)
        features = [voice_index[:, None], step[:, None], sounding]
        if self.history is not None:
            features.append(self.history.phrase(count // self.voices, self.position_steps))
            features.append(self._history(tokens, self.history))
        return np.concatenate(features, axis=1).astype(np.uint8)

    def _history(self, tokens: Tokens, history: VoiceHistory) -> NDArray[np.int64]:
        """Return what is known of the time steps before each token, of one piece after another."""
        ended = self.last_end(tokens)
        found = []
        for end in np.unique(ended):
            piece = tokens[ended == end][int(end >= 0) :]
            count = np.arange(int(end < 0), len(piece) + 1)  # tokens since the beginning
            whole = piece[: len(piece) // self.voices * self.voices]
            sounding = self.sounding(whole)[self.voices - 1 :: self.voices]
            features = history.of_piece(whole.reshape(-1, self.voices), sounding)
            of_tokens = features[count // self.voices]
            found.append(history.rotate_to_turn(of_tokens, count % self.voices, self.voices))
        return np.concatenate(found)

    def sounding(self, tokens: Tokens) -> NDArray[np.int64]:
        """Return what sounds in each voice after each token, a pitch or `REST`: (time, voices)."""
        count = np.arange(len(tokens)) - self.last_end(tokens)
        voices = [self._sounding(tokens, count, voice) for voice in range(self.voices)]
        return np.stack(voices, axis=1)

    def _sounding(self, tokens: Tokens, count: Tokens, voice: int) -> NDArray[np.int64]:
        """Return what sounds in a voice after each token, a pitch or `REST`: (time,)."""
        ended = count == 0
        says = ((count - 1) % self.voices == voice) & (tokens != HOLD) | ended
        latest = np.maximum.accumulate(np.where(says, np.arange(len(tokens)), -1))
        pitch = np.where(tokens < REST, tokens, REST).astype(np.int64)
        return np.where(latest >= 0, pitch[latest], REST)

    def transpose_positions(self, positions: Tokens, semitones: Tokens) -> Tokens:
        moved = positions.copy()
        groups = [name.partition(".")[0] for name in self.position_features]
        columns = np.isin(groups, self.pitch_features)
        pitches = positions[..., columns]
        # what is no pitch, a rest or a hold, stays
        up = np.where(pitches < REST, semitones[:, None, None], 0).astype(pitches.dtype)
        moved[..., columns] = pitches + up
        return moved if self.history is None else self.history.transpose(moved, semitones)

    def note_counts(self) -> NDArray[np.int64]:
        return (np.arange(self.size) < REST).astype(np.int64)

    def grammar(self, batch: int) -> VoicesGrammar:
        return self.grammar_class(
            batch,
            self.voices,
            self.bar_steps,
            self.steps_per_quarter,
            self.end_token,
            self.position_steps,
            self.history,
        )
