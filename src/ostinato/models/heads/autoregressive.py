"""The pitches of a frame one by one, each given those above it: an exact joint distribution."""

from typing import Annotated, Any, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from ostinato.models.heads.base import Choose, Head
from ostinato.models.heads.copying import Copying
from ostinato.models.steps import Steps, predicted

ROWS = 4096  # frames scored at once, so that memory does not grow with a piece


class Told(NamedTuple):
    """The pitches of frames, from the highest to the lowest.

    pitches: (frames, most), columns of the frame, and the number of pitches where there are no
    more; onsets: (frames, most), whether each begins; there: (frames, most), whether it is one.
    """

    pitches: Tensor
    onsets: Tensor
    there: Tensor


class Autoregressive(Head):
    """Names the pitches of a frame from the highest to the lowest, and then that it has no more.

    Each is drawn from a softmax over the pitches below the last one, so that the probabilities of
    all frames sum to 1. As in RNN-NADE (Boulanger-Lewandowski et al., ICML 2012) a hidden layer
    sums what the backbone knows and what was named so far. Besides, with `channels`, it sees around
    each pitch, by the same weights for all (a convolution over pitch), what sounded in the last
    frames, and how far each pitch lies below the last one named.

    With two planes (sound and onset) each pitch named also says, by one bit, whether it begins.
    """

    takes = frozenset({"frames"})

    def __init__(
        self,
        hidden_size: Annotated[
            int, Field(ge=1, le=8192, description="units that follow the pitches of a frame")
        ] = 256,
        channels: Annotated[
            int,
            Field(ge=0, le=1024, description="of the convolution around each pitch, 0 for none"),
        ] = 32,
        frames: Annotated[
            int, Field(ge=1, le=64, description="how many of the last frames it sees")
        ] = 4,
        reach: Annotated[
            int, Field(ge=0, le=48, description="how many semitones around a pitch it sees")
        ] = 12,
        copies: Annotated[
            int,
            Field(ge=0, le=64, description="attention heads that copy what followed earlier"),
        ] = 0,
        dropout: Annotated[float, Field(ge=0, lt=1, description="of hidden units")] = 0.2,
        *,
        input_size: int,
        steps: Steps,
    ) -> None:
        super().__init__()
        if copies and not channels:
            raise ValueError(
                f"frame_head.copies={copies} does not fit frame_head.channels=0: what is copied is "
                "seen through the channels."
            )
        self.planes, self.pitches = steps.planes, steps.size // steps.planes
        self.input_size, self.frames = input_size, frames
        self.copying = Copying(copies, input_size=input_size) if copies else None
        self.drop_input = nn.Dropout(dropout)
        self.around = None
        if channels:
            self.around = nn.Conv2d(
                (frames + copies) * self.planes, channels, (2 * reach + 1, 1), padding=(reach, 0)
            )
            self.absolute = nn.Parameter(torch.randn(self.pitches, channels) * 0.1)
            self.shift = nn.Linear(input_size, channels)
        self.start = nn.Linear(input_size, hidden_size)
        self.named = nn.Embedding(self.pitches * self.planes, hidden_size)
        self.last = nn.Embedding(self.pitches * self.planes + 1, hidden_size)
        self.number = nn.Embedding(self.pitches + 1, hidden_size)
        self.hidden = nn.Linear(hidden_size, hidden_size)
        self.dropout = nn.Dropout(dropout)
        self.pitch = nn.Linear(hidden_size, self.pitches + 1)
        if channels:
            self.below = nn.Linear(hidden_size, self.pitches, bias=False)
            self.match = nn.Linear(hidden_size, channels, bias=False)
        self.onset = nn.Linear(hidden_size, self.pitches) if self.planes == 2 else None
        if channels and self.onset:
            self.onset_match = nn.Linear(hidden_size, channels, bias=False)
        if channels:
            nn.init.zeros_(self.below.weight)

    def forward(
        self, y: Tensor, steps: Tensor, positions: Tensor, state: Any = None
    ) -> tuple[Tensor, Any]:
        """y: (batch, time, input_size); steps: (batch, time, width), the frames before.

        The context is y and, side by side with it, planes of all pitches: what sounded in each of
        the last frames and what is copied. The state is the last frames and what can be copied.
        """
        del positions
        earlier, copied = state or (None, None)
        x = self._planes(steps.to(y.dtype))
        if earlier is None:
            earlier = x.new_zeros(len(x), self.frames - 1, self.planes, self.pitches)
        whole = torch.cat([earlier, x], dim=1)
        time = x.shape[1]
        seen = [whole[:, i : i + time] for i in range(self.frames)]
        if self.copying is not None:
            planes, copied = self.copying(y, x, copied)
            seen.append(planes)
        context = torch.cat([y, torch.cat(seen, dim=2).flatten(2)], dim=-1)
        return context, (whole[:, time:], copied)

    def nll(self, context: Tensor, targets: Tensor) -> Tensor:
        """Of each frame, in nats: (batch, time); targets: (batch, time, width)."""
        real = predicted(targets)
        flat, frames = context[real], targets[real]
        rows = [slice(i, i + ROWS) for i in range(0, len(frames), ROWS)]
        parts = [self._nll(flat[part], frames[part]) for part in rows]
        result = context.new_zeros(targets.shape[:2], dtype=torch.float32)
        if parts:
            result[real] = torch.cat(parts)
        return result

    def _nll(self, context: Tensor, frames: Tensor) -> Tensor:
        told = self._told(frames)
        y, around = self._around(context)
        hidden = self._hidden(y, told)
        logits = self._pitch_logits(hidden, around, _before(told.pitches, self.pitches))
        following = nn.functional.pad(told.pitches, (0, 1), value=self.pitches)
        asked = nn.functional.pad(told.there, (1, 0), value=True)
        nll = nn.functional.cross_entropy(
            logits.flatten(0, 1), following.flatten(), reduction="none"
        ).view_as(following)
        total = (nll * asked).sum(1)
        if self.onset is None or not told.there.shape[1]:
            return total
        bits = self._onset_logits(hidden[:, :-1], around, told.pitches)
        onset_nll = nn.functional.binary_cross_entropy_with_logits(
            bits, told.onsets.float(), reduction="none"
        )
        return total + (onset_nll * told.there).sum(1)

    def draw(self, context: Tensor, choose: Choose) -> Tensor:
        """A frame for each context of one step: (batch, width), 0 and 1, int64."""
        y, around = self._around(context)
        batch = len(y)
        frame = y.new_zeros((batch, self.planes, self.pitches), dtype=torch.int64)
        rows = torch.arange(batch, device=y.device)
        last = torch.full((batch,), self.pitches, device=y.device)
        for _ in range(self.pitches):
            hidden = self._hidden(y, self._told(frame.flatten(1)))
            at = frame[:, 0].sum(1)  # those that have no more stand at their end
            now = hidden[rows, at][:, None]
            logits = self._pitch_logits(now, around, last[:, None])[:, 0]
            chosen = torch.where(last >= 0, choose.one(logits), self.pitches)
            real = chosen < self.pitches
            if not real.any():
                break
            pitch = chosen.clamp(max=self.pitches - 1)
            frame[rows[real], 0, pitch[real]] = 1
            if self.onset is not None:
                bit = self._onset_logits(now, around, pitch[:, None])
                begins = choose.bits(bit)[:, 0] == 1
                frame[rows[real & begins], 1, pitch[real & begins]] = 1
            last = torch.where(real, pitch, -1)
        return frame.flatten(1)

    def _planes(self, frames: Tensor) -> Tensor:
        """(…, width) -> (…, planes, pitch)."""
        return frames.reshape(*frames.shape[:-1], self.planes, self.pitches)

    def _told(self, frames: Tensor) -> Told:
        """frames: (frames, width) of 0 and 1."""
        planes = self._planes(frames) > 0
        sounds = planes.any(1)
        most = int(sounds.sum(1).max()) if len(sounds) else 0
        order = torch.arange(1, self.pitches + 1, device=frames.device)
        ranks, pitches = (sounds * order).topk(most, dim=1)  # from the highest
        there = ranks > 0
        pitches = torch.where(there, pitches, self.pitches)
        onsets = nn.functional.pad(planes[:, -1], (0, 1)).gather(1, pitches)
        return Told(pitches, onsets & there, there)

    def _around(self, context: Tensor) -> tuple[Tensor, Tensor | None]:
        """y (frames, input_size), and what is near each pitch: (frames, pitch, channels)."""
        y = self.drop_input(context[:, : self.input_size])
        if self.around is None:
            return y, None
        planes = context[:, self.input_size :].reshape(len(y), -1, self.pitches, 1)
        # pitch along the height and channels last: no copy into another layout
        planes = planes.contiguous(memory_format=torch.channels_last)
        x = self.around(planes).squeeze(-1).transpose(1, 2)
        return y, nn.functional.relu(x + self.absolute + self.shift(y)[:, None])

    def _hidden(self, y: Tensor, told: Told) -> Tensor:
        """Before each naming: (frames, most + 1, hidden_size)."""
        names = told.pitches + self.pitches * told.onsets if self.planes == 2 else told.pitches
        known = self.named(names.clamp(max=self.named.num_embeddings - 1)) * told.there[..., None]
        so_far = nn.functional.pad(known.cumsum(1), (0, 0, 1, 0))
        nothing = self.last.num_embeddings - 1
        last = self.last(_before(torch.where(told.there, names, nothing), nothing))
        number = self.number.weight[: so_far.shape[1]]
        x = self.start(y)[:, None] + so_far + last + number
        x = nn.functional.relu(x)
        return self.dropout(x + nn.functional.relu(self.hidden(self.dropout(x))))  # type: ignore[no-any-return]

    def _pitch_logits(self, hidden: Tensor, around: Tensor | None, last: Tensor) -> Tensor:
        """(frames, k, pitches + 1), the last for no more; last: (frames, k) the pitch before."""
        logits = self.pitch(hidden)
        pitch = torch.arange(self.pitches, device=last.device)
        gap = last[..., None] - pitch - 1  # none was named: `last` stands above all
        scores = logits[..., :-1]
        if around is not None:
            below = self.below(hidden).gather(-1, gap.clamp(0, self.pitches - 1))
            scores = scores + below + self.match(hidden) @ around.transpose(1, 2)
        scores = scores.masked_fill(gap < 0, -torch.inf)
        return torch.cat([scores, logits[..., -1:]], dim=-1).float()

    def _onset_logits(self, hidden: Tensor, around: Tensor | None, pitches: Tensor) -> Tensor:
        """Whether each of the pitches (frames, k) begins: (frames, k)."""
        assert self.onset is not None
        at = pitches.clamp(max=self.pitches - 1)[..., None]
        logits = self.onset(hidden).gather(-1, at)[..., 0]
        if around is not None:
            near = around.gather(1, at.expand(-1, -1, around.shape[-1]))
            logits = logits + (self.onset_match(hidden) * near).sum(-1)
        return logits.float()  # type: ignore[no-any-return]


def _before(pitches: Tensor, first: int) -> Tensor:
    """What was named before each and before the end: (frames, most) -> (frames, most + 1)."""
    return nn.functional.pad(pitches, (1, 0), value=first)
