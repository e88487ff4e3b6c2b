"""Masked models: the distribution of each cell of a grid of voices, given any of the others."""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.distributions import LogNormal

from ostinato.models.masked.backbones import BidirectionalBackbone
from ostinato.models.masked.cells import (
    OUTSIDE,
    PITCHES,
    UNKNOWN,
    Cells,
    legal_classes,
    read_cells,
)
from ostinato.models.masked.head import CellHead
from ostinato.models.masked.inputs import CellInput, fill_left, fill_right
from ostinato.models.masked.masks import stratified_masks
from ostinato.models.network import Network
from ostinato.models.steps import SequenceSpec


class MaskedModel(Network):
    """Says what each unknown cell of a grid of voices holds, given the cells that are known.

    Drawn cell by cell, in whatever order, they make music: an order-agnostic autoregressive model
    (Uria, Murray & Larochelle, A Deep and Tractable Density Estimator, ICML 2014), whose
    likelihood is the mean over orders. How long pieces are is a distribution of its own, a
    log-normal one over time steps, as no cell says where a piece ends.
    """

    takes: ClassVar[frozenset[str]] = frozenset({"voices", "chords"})

    def __init__(
        self,
        hidden_size: Annotated[int, Field(ge=1, le=8192, description="length of the vectors")],
        backbone: Callable[..., BidirectionalBackbone],
        reach: Annotated[
            int, Field(ge=1, le=127, description="the widest interval that scores, in semitones")
        ],
        dropout: Annotated[
            float, Field(ge=0, lt=1, description="dropped after the input and before the output")
        ],
        scored_masks: Annotated[
            int,
            Field(ge=1, le=4096, description="masks of each piece that estimate its likelihood"),
        ],
        *,
        spec: SequenceSpec,
    ) -> None:
        super().__init__()
        if spec.layout != "voices" or spec.size < PITCHES + 3:
            raise ValueError("it takes voices that end with an end token: say end_token=true.")
        self.spec, self.voices, self.scored_masks = spec, spec.voices_per_step, scored_masks
        self.input = CellInput(hidden_size, self.voices, spec.features["step"], absolute=True)
        self.dropout = nn.Dropout(dropout)
        self.backbone = backbone(size=hidden_size)
        self.norm = nn.LayerNorm(hidden_size)
        self.head = CellHead(hidden_size, self.voices, reach)
        # mean and standard deviation of the logarithm of the length of pieces, in time steps
        self.length: Tensor
        self.register_buffer("length", torch.tensor([5.0, 1.0]))

    def forward(self, cell: Tensor, step: Tensor) -> Tensor:
        """Return vectors of each time step: (batch, steps, hidden_size).

        cell: (batch, steps, voices), UNKNOWN where it is not given; step: (batch, steps).
        """
        outside = (cell == OUTSIDE).all(dim=2)
        # the first step beyond either end stays, the others are padding
        beside = nn.functional.pad(~outside, (1, 1))
        inside = beside[:, 1:-1] | beside[:, :-2] | beside[:, 2:]
        x = self.dropout(self.input(cell, step))
        return self.dropout(self.norm(self.backbone(x, inside)))  # type: ignore[no-any-return]

    def log_probabilities(self, cell: Tensor, step: Tensor, chosen: Tensor) -> Tensor:
        """Return what the chosen cells, all of them unknown, can be: (chosen, classes).

        chosen: (batch, steps, voices), bool; the rows are in its order. Probabilities are
        logarithms, and those of what cannot be beside what is known are -inf.
        """
        y = self(cell, step)
        rows, at, voice = chosen.nonzero(as_tuple=True)
        around = torch.cat([fill_left(cell), fill_right(cell)], dim=-1)
        logits: Tensor = self.head(y[rows, at], around[rows, at], voice)
        legal = legal_classes(cell, self.spec.falling)[rows, at, voice]
        return logits.float().masked_fill(~legal, -torch.inf).log_softmax(dim=-1)

    def nll(self, cells: Cells, unknown: Tensor) -> Tensor:
        """Return nats of each cell that is `unknown`, given all the others; 0 of the others.

        unknown, and what is returned: (batch, steps, voices).
        """
        masked = cells.cell.masked_fill(unknown, UNKNOWN)
        found = self.log_probabilities(masked, cells.step, unknown)
        truth = cells.cell[unknown]
        nats = torch.zeros(cells.cell.shape, device=cells.cell.device, dtype=found.dtype)
        return nats.masked_scatter(unknown, -found.gather(1, truth[:, None])[:, 0])

    def read(self, steps: Tensor, positions: Tensor, targets: Tensor) -> Cells:
        """Return the cells of a batch, as `read_cells` does."""
        return read_cells(steps, positions, targets, self.spec)

    @torch.no_grad()
    def score(
        self,
        steps: Tensor,
        positions: Tensor,
        targets: Tensor,
        semitones: Tensor | None = None,
        masks: int | None = None,
    ) -> Tensor:
        """Return the mean over orders of the nats of each token of whole pieces: (batch, time).

        Cells in a random order have as many chances to be drawn given so many others: the mean is
        estimated, without bias, by as many masks as `masks` says (by default `scored_masks`),
        whose sizes are spread evenly over all (Hoogeboom et al., Autoregressive Diffusion Models,
        ICLR 2022). The masks are always the same. What an end token has is the length.
        """
        del semitones
        cells = self.read(steps, positions, targets)
        count = self.scored_masks if masks is None else masks
        total = torch.zeros(cells.cell.shape, dtype=torch.float64, device=cells.cell.device)
        size = cells.real.sum(dim=(1, 2))
        for unknown in stratified_masks(cells.real, count):
            weight = size / unknown.sum(dim=(1, 2)).clamp(min=1) / count
            total += self.nll(cells, unknown).double() * weight[:, None, None]
        tokens = total[:, 1:-1].flatten(1)[:, : targets.shape[1]]
        length = torch.arange(targets.shape[1], device=targets.device) // self.voices
        return torch.where(targets == self.spec.size - 1, self.length_nats(length), tokens)

    def length_nats(self, steps: Tensor) -> Tensor:
        """Return nats of the lengths of pieces, in time steps: (pieces,), float64."""
        below: Any = LogNormal(*self.length.double()).cdf
        whole = steps.double().clamp(min=1)
        # a whole number has the mass from half a step below it to half a step above
        mass = below(whole + 0.5) - below(whole - 0.5)
        shortest = torch.full_like(whole, 0.5)
        # the clamp is for lengths so far out that float64 has no mass there
        nats: Tensor = -(mass / (1 - below(shortest))).clamp(min=1e-300).log()
        return nats

    def begin(self, cell: Tensor) -> tuple[Tensor, Tensor]:
        """Return cells (batch, steps + 2, voices) between steps outside, and the step of each.

        cell: (batch, steps, voices) of whole pieces, UNKNOWN where they are to be drawn.
        """
        whole = nn.functional.pad(cell, (0, 0, 1, 1), value=OUTSIDE)
        count = torch.arange(-1, cell.shape[1] + 1, device=cell.device)
        step = count % self.spec.features["step"]
        return whole, step.expand(len(cell), -1)
