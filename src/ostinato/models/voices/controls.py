"""Controls: what a bar shall be like, in words that people have for it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from ostinato.models.steps import IGNORED, SequenceSpec
from ostinato.models.voices.features import (
    DISTANCES,
    HOLD,
    PITCHES,
    by_voice,
    distance,
    read_features,
)

Name = Literal["density", "polyphony", "pitch", "duration"]
PERCENTILES = 100
PRESENT = 0.7  # share of the controls that a window has, where it has any
KNOWN_BARS = 0.9  # share of the bars in which such a control is known
UNKNOWN = 0


class BarControls(nn.Module):
    """Embeds levels of what the bar of the next token is like; an unknown level adds nothing.

    Each level has a vector for the input of a network, and one for the input of its head: that one
    makes a note, or a pitch, likelier at once. As networks of voices know no pitch by itself, a
    level of pitch also enters as the interval from what sounds in each voice to its mean pitch.
    density: notes that begin in a quarter note; polyphony: voices that sound at a time; pitch:
    the mean MIDI pitch of what sounds; duration: quarter notes that a note sounds. A level is one
    of `levels` ranges that hold as many bars of the training pieces each. In training the levels
    are those of the bars themselves; a share `dropout` of the windows has none, so that the model
    without controls stays. After CTRL (Keskar et al. 2019) and FIGARO (von Rütte et al., ICLR
    2023); left out at random as in classifier-free guidance (Ho & Salimans 2022).
    """

    percentiles: Tensor

    def __init__(
        self,
        names: Annotated[
            tuple[Name, ...],
            Field(
                description="what samples can be asked for: density, polyphony, pitch, "
                "duration; none by default"
            ),
        ],
        levels: Annotated[int, Field(ge=2, le=64, description="how many of each are told apart")],
        dropout: Annotated[
            float, Field(ge=0, lt=1, description="share of training windows without any")
        ],
        *,
        input_size: int,
        output_size: int,
        spec: SequenceSpec,
    ) -> None:
        super().__init__()
        if names and not (spec.bar and spec.beat):
            raise ValueError(f"controls.names={list(names)} needs steps that make bars.")
        if len(set(names)) < len(names):
            raise ValueError(f"controls.names={list(names)} names one twice.")
        self.names, self.levels, self.dropout, self.spec = names, levels, dropout, spec
        self.inputs = nn.ModuleList(_level_embedding(levels, input_size, 0.1) for _ in names)
        self.outputs = nn.ModuleList(_level_embedding(levels, output_size, 0.0) for _ in names)
        voices = spec.voices_per_step if "pitch" in names else 0
        self.intervals = nn.ModuleList(
            _embedding(DISTANCES, input_size, 0.1) for _ in range(voices)
        )
        self.register_buffer("percentiles", torch.zeros(len(names), PERCENTILES + 1))

    def forward(self, levels: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Return the vectors of levels (batch, time, names) that are added, 0 for unknown.

        positions: (batch, time, features) of the tokens whose bars have these levels. The first
        vectors, (batch, time, input_size), go to the input, the others, (batch, time, output_size),
        to the output of the backbone.
        """
        each = levels.unbind(-1)
        to_input, to_output = (
            torch.stack([embed(one) for embed, one in zip(embeddings, each, strict=True)]).sum(0)
            for embeddings in (self.inputs, self.outputs)
        )
        if "pitch" in self.names:
            to_input = to_input + self._embed_intervals(each[self.names.index("pitch")], positions)
        return to_input, to_output

    def _embed_intervals(self, level: Tensor, positions: Tensor) -> Tensor:
        """Return vectors of how far each voice is from a level of pitch, (batch, time)."""
        features = read_features(positions, self.spec)
        sounding = by_voice(features.sounding, features.voice_index)
        middles = (2 * torch.arange(self.levels, device=level.device) + 1) / (2 * self.levels)
        places = (middles * PERCENTILES).round().long()
        of_levels = self.percentiles[self.names.index("pitch")][places].round().long()
        asked = of_levels[(level - 1).clamp(min=0)]
        vectors = [
            embed(distance(asked, sounding[..., voice]))
            for voice, embed in enumerate(self.intervals)
        ]
        known: Tensor = (level != UNKNOWN)[..., None]
        return torch.stack(vectors).sum(0) * known

    def fit(self, pieces: Iterable[tuple[Tensor, Tensor]]) -> None:
        """Set the percentiles to those of the bars of pieces, `targets` and `positions` of each."""
        found = [measure_bars(*piece, self.names, self.spec)[0].flatten(0, 1) for piece in pieces]
        steps = torch.linspace(0, 1, PERCENTILES + 1)
        for i, values in enumerate(torch.cat(found).T):
            self.percentiles[i] = torch.quantile(values[~values.isnan()], steps)

    @property
    def uniform(self) -> list[str]:
        """Return the names of what is the same in four of five bars of those pieces."""
        tenth = PERCENTILES // 10
        ends = self.percentiles[:, [tenth, PERCENTILES - tenth]]
        return [name for name, (low, high) in zip(self.names, ends, strict=True) if low == high]

    def draw(self, targets: Tensor, positions: Tensor) -> Tensor:
        """Return the levels that training shows, (batch, time, names): many are left out.

        targets, positions: those of a batch of windows.
        """
        values, bar = measure_bars(targets, positions, self.names, self.spec)
        levels = self.to_levels(values)
        batch, bars, names = levels.shape
        kept = torch.rand(batch, 1, 1, device=bar.device) >= self.dropout
        kept = kept & (torch.rand(batch, 1, names, device=bar.device) < PRESENT)
        kept = kept & (torch.rand(batch, bars, names, device=bar.device) < KNOWN_BARS)
        return (levels * kept).gather(1, bar[..., None].expand(-1, -1, names))

    def to_levels(self, values: Tensor) -> Tensor:
        """Return the level of each value (…, names) in its unit, 0 where it is nan."""
        edges = torch.linspace(0, PERCENTILES, self.levels + 1)[1:-1].round().long()
        found = [
            torch.bucketize(values[..., i].contiguous(), of_name[edges], right=True) + 1
            for i, of_name in enumerate(self.percentiles)
        ]
        return torch.stack(found, dim=-1).masked_fill(values.isnan(), UNKNOWN)

    def mean_error(self, targets: Tensor, positions: Tensor, asked: Tensor) -> float:
        """Return how many levels the bars of a piece are from those asked for, on average.

        targets, positions: of one piece, as in `measure_bars`; asked: (bars, names), 0 for unknown.
        A bar without a level has level 0. nan where no bar has one.
        """
        device = self.percentiles.device
        measured, _ = measure_bars(targets.to(device), positions.to(device), self.names, self.spec)
        got = self.to_levels(measured)[0]
        known = asked[: len(got)] > 0
        if not bool((got[: len(known)] > 0).any()):
            return float("nan")
        misses = (got[: len(known)] - asked[: len(got)]).abs()
        return float(misses[known].double().mean())

    def request_levels(self, shares: Mapping[str, Sequence[float]], bars: int) -> Tensor:
        """Return the levels of so many bars, (bars, names).

        shares: by name, of each bar the share of the training bars that have less of it; the last
        holds for all later bars. What is not named is unknown.
        """
        values = torch.full((bars, len(self.names)), torch.nan, device=self.percentiles.device)
        for i, name in enumerate(self.names):
            if asked := shares.get(name):
                padded = [*asked, *[asked[-1]] * bars][:bars]
                places = (torch.tensor(padded) * PERCENTILES).round().long()
                values[:, i] = self.percentiles[i][places]
        return self.to_levels(values)


def measure_bars(
    targets: Tensor, positions: Tensor, names: Sequence[str], spec: SequenceSpec
) -> tuple[Tensor, Tensor]:
    """Return what each bar is like (batch, bars, names), and which is that of each target.

    targets: (batch, time), IGNORED where padded; positions: (batch, time, features) of the
    targets. The second is (batch, time). A bar of which a part is seen is measured by that part;
    nan where nothing sounds that could be measured.
    """
    features = read_features(positions, spec)
    real = (targets != IGNORED) & (targets <= HOLD)
    # the end of a piece is of the bar before it, so that no bar says by itself that it is the last
    begins_bar = real & (features.voice_index == 0) & (features.step % spec.bar == 0)
    bar = begins_bar.long().cumsum(1)
    bar = bar - bar[:, :1]
    before = features.sounding[..., 0]  # in the voice whose turn it is
    onset = real & (targets < PITCHES)
    sounds = onset | (real & (targets == HOLD) & (before < PITCHES))
    pitch = torch.where(onset, targets, before)
    bars = int(bar.max()) + 1

    def per_bar(values: Tensor) -> Tensor:
        totals = torch.zeros(len(targets), bars, device=targets.device)
        return totals.scatter_add(1, bar, values.float())

    notes, sounding, tokens = per_bar(onset), per_bar(sounds), per_bar(real)
    steps = tokens / spec.voices_per_step
    values = {
        "density": notes * spec.beat / steps,
        "polyphony": sounding / steps,
        "pitch": per_bar(pitch * sounds) / sounding,
        "duration": sounding / notes / spec.beat,
    }
    found = torch.stack([values[name] for name in names], dim=-1)
    return found.masked_fill(found.isinf(), torch.nan), bar


def _embedding(classes: int, size: int, deviation: float) -> nn.Embedding:
    """Return vectors that begin as small as `deviation` says."""
    embedding = nn.Embedding(classes, size)
    nn.init.normal_(embedding.weight, std=deviation)
    return embedding


def _level_embedding(levels: int, size: int, deviation: float) -> nn.Embedding:
    """Return the same for levels; that of UNKNOWN is 0 and stays so."""
    embedding = nn.Embedding(levels + 1, size, padding_idx=UNKNOWN)
    nn.init.normal_(embedding.weight, std=deviation)
    nn.init.zeros_(embedding.weight[UNKNOWN])
    return embedding
