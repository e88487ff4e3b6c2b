"""Sequence models that anticipate: they know what of a piece is given, also further on.

Source: Hadjeres & Nielsen, Interactive music generation with positional constraints using
Anticipation-RNNs (2018), here with a reader of what is given that goes both ways.
"""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from ostinato.models.backbone import Backbone
from ostinato.models.masked.cells import PITCHES, REST, UNKNOWN, Cells, pitch_of
from ostinato.models.masked.inputs import CellInput, fill_right
from ostinato.models.sequence import SequenceModel
from ostinato.models.steps import SequenceSpec
from ostinato.models.voices import VoiceParts

WIDEST = 24  # semitones from what is given next that score
INTERVALS = 2 * WIDEST + 1


class Ahead(NamedTuple):
    """What a model knows of what is given, at each token that it predicts.

    vectors: (batch, time, size); pitches: (batch, time, 2 * voices), what each voice is given to
    sound in the same time step, and then the next note that each is given to begin later, `REST`
    where nothing is. Both are 0 and REST all over where nothing of a piece is given.
    """

    vectors: Tensor
    pitches: Tensor

    def at(self, token: int) -> "Ahead":
        """Return what is known at one token, by its number."""
        return Ahead(*(part[:, token : token + 1] for part in self))


class AnticipationModel(SequenceModel):
    """Predicts each token of interleaved voices from those before it and from all that are given.

    A recurrent network reads the given cells of the piece in both directions. What it says of the
    time step of a token enters with the tokens before, and pitches score by their interval from
    those that are given. Where nothing is given it is a plain sequence model.
    """

    parts: ClassVar[dict[str, tuple[str, str]]] = {"tokens": ("voices.input", "voices.head")}

    def __init__(
        self,
        backbone: Callable[..., Backbone],
        voices: VoiceParts,
        anticipation_size: Annotated[
            int, Field(ge=2, le=8192, multiple_of=2, description="units that read what is given")
        ],
        anticipation_layers: Annotated[
            int, Field(ge=1, le=16, description="layers that read what is given")
        ],
        anticipation_dropout: Annotated[
            float, Field(ge=0, lt=1, description="dropped before and after reading what is given")
        ],
        *,
        spec: SequenceSpec,
    ) -> None:
        super().__init__(voices.input, backbone, voices.head, voices=voices, spec=spec)
        if spec.layout != "voices" or spec.falling or spec.size < PITCHES + 3:
            raise ValueError("it takes voices that end with an end token: say end_token=true.")
        size, self.voices = anticipation_size, spec.voices_per_step
        self.given = CellInput(size, self.voices, spec.features["step"])
        self.reader = nn.LSTM(
            size, size // 2, anticipation_layers, batch_first=True, bidirectional=True
        )
        self.dropout = nn.Dropout(anticipation_dropout)
        # without a bias: nothing that is given adds nothing
        self.to_input = nn.Linear(size, self.input.output_size, bias=False)
        of_both = size + self.backbone.output_size
        self.to_logits = nn.Linear(of_both, spec.size)
        self.to_intervals = nn.Linear(of_both, 2 * self.voices * INTERVALS)
        with torch.no_grad():  # the network begins as a plain sequence model
            for parameter in (*self.to_logits.parameters(), *self.to_intervals.parameters()):
                parameter.zero_()

    def anticipate(self, cells: Cells, given: Tensor, time: int) -> Ahead:
        """Return what is known at each of `time` tokens of pieces of which some cells are given.

        given: (batch, steps, voices), bool, as the cells of `models.masked.cells`.
        """
        inside = cells.real.any(dim=2) | (cells.cell == UNKNOWN).all(dim=2)
        hidden = cells.cell.masked_fill(cells.real & ~given, UNKNOWN)
        x = self.dropout(self.given(hidden, cells.step))
        # padding comes last: packed, it has no influence on what is read backwards
        steps = torch.arange(1, x.shape[1] + 1, device=x.device)
        lengths = ((inside * steps).amax(dim=1) + 1).clamp(max=x.shape[1]).cpu()
        packed = nn.utils.rnn.pack_padded_sequence(
            x, lengths, batch_first=True, enforce_sorted=False
        )
        read, _ = nn.utils.rnn.pad_packed_sequence(
            self.reader(packed)[0], batch_first=True, total_length=x.shape[1]
        )
        anything = (given & cells.real).any(dim=2).any(dim=1)[:, None, None]
        # the next note that begins in each voice after the time step
        begins = hidden.masked_fill(hidden > REST, UNKNOWN)
        later = nn.functional.pad(fill_right(begins), (0, 0, 0, 1), value=REST)[:, 1:]
        pitches = torch.where(anything, torch.cat([pitch_of(hidden), later], dim=-1), REST)
        # a vector a time step -> one for each of its tokens
        parts = [self.dropout(read) * anything, pitches]
        of_tokens = [
            part[:, 1:-1].repeat_interleave(self.voices, dim=1)[:, :time] for part in parts
        ]
        return Ahead(*of_tokens)

    def forward(
        self,
        steps: Tensor,
        positions: Tensor,
        semitones: Tensor | None = None,
        state: Any = None,
        ahead: Ahead | None = None,
    ) -> tuple[Tensor, Any]:
        """Return the logits of each next token, as `SequenceModel` does.

        ahead: what is known of what is given, None for nothing.
        """
        of_backbone, of_head = (None, None) if state is None else state
        x = self.input(steps, positions, semitones)
        if ahead is not None:
            x = x + self.to_input(ahead.vectors)
        y, of_backbone = self.backbone(x, of_backbone)
        logits: Tensor
        logits, of_head = self.head(y, steps, positions, of_head)
        if ahead is not None:
            logits = logits + self._anticipated(y, ahead)
        return logits, (of_backbone, of_head)

    def _anticipated(self, y: Tensor, ahead: Ahead) -> Tensor:
        """Return what is added to logits: (batch, time, vocabulary), 0 where nothing is given."""
        both = torch.cat([y, ahead.vectors], dim=-1)
        table = self.to_intervals(both).reshape(*ahead.pitches.shape, INTERVALS)
        pitches = torch.arange(PITCHES, device=y.device)
        interval = pitches - ahead.pitches[..., None]  # (batch, time, 2 * voices, 128)
        inside = (interval.abs() <= WIDEST) & (ahead.pitches < REST)[..., None]
        index = interval.clamp(-WIDEST, WIDEST) + WIDEST
        scores = (table.gather(-1, index) * inside).sum(dim=-2)
        added: Tensor = nn.functional.pad(scores, (0, self.spec.size - PITCHES))
        anything = (ahead.vectors != 0).any(dim=-1, keepdim=True)
        of_both: Tensor = self.to_logits(both)
        return added + of_both * anything
