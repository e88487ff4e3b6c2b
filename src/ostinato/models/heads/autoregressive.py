"""The pitches of a frame one by one, each given those above it: an exact joint distribution."""

from typing import Annotated, Any, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from ostinato.models.heads.base import Head, Sampler
from ostinato.models.heads.copying import CopyHead
from ostinato.models.steps import SequenceSpec, predicted

ROWS = 4096  # frames scored at once, so that memory does not grow with a piece


class PitchLists(NamedTuple):
    """The pitches of frames, from the highest to the lowest.

    pitches: (frames, most), columns of the frame, and the number of pitches where there are no
    more; onsets: (frames, most), whether each begins; mask: (frames, most), whether it is a pitch.
    """

    pitches: Tensor
    onsets: Tensor
    mask: Tensor


class Autoregressive(Head):
    """Predicts the pitches of a frame from the highest to the lowest, and then the end of the list.

    Each is drawn from a softmax over the pitches below the previous one, so that the probabilities
    of all frames sum to 1. As in RNN-NADE (Boulanger-Lewandowski et al., ICML 2012) a hidden layer
    sums the output of the backbone and embeddings of the pitches so far. Besides, with `channels`,
    a convolution over pitch (the same weights around each) sees what sounded in the last frames,
    and how far each pitch lies below the previous one scores.

    With two frame channels (sound and onset) each pitch is followed by one bit: whether it begins.
    """

    takes = frozenset({"frames"})

    def __init__(
        self,
        hidden_size: Annotated[
            int, Field(ge=1, le=8192, description="units that follow the pitches of a frame")
        ],
        channels: Annotated[
            int,
            Field(ge=0, le=1024, description="of the convolution around each pitch, 0 for none"),
        ],
        frames: Annotated[
            int, Field(ge=1, le=64, description="how many of the last frames it sees")
        ],
        reach: Annotated[
            int, Field(ge=0, le=48, description="how many semitones around a pitch it sees")
        ],
        copies: Annotated[
            int,
            Field(ge=0, le=64, description="attention heads that copy what followed earlier"),
        ],
        dropout: Annotated[float, Field(ge=0, lt=1, description="of hidden units")],
        *,
        input_size: int,
        spec: SequenceSpec,
    ) -> None:
        super().__init__()
        if copies and not channels:
            raise ValueError(
                f"frame_head.copies={copies} does not fit frame_head.channels=0: what is copied is "
                "seen through the channels."
            )
        self.frame_channels, self.pitches = spec.channels, spec.size // spec.channels
        self.input_size, self.frames = input_size, frames
        self.copying = CopyHead(copies, input_size=input_size) if copies else None
        self.drop_input = nn.Dropout(dropout)
        self.around = None
        if channels:
            self.around = nn.Conv2d(
                (frames + copies) * self.frame_channels,
                channels,
                (2 * reach + 1, 1),
                padding=(reach, 0),
            )
            self.absolute = nn.Parameter(torch.randn(self.pitches, channels) * 0.1)
            self.shift = nn.Linear(input_size, channels)
        self.start = nn.Linear(input_size, hidden_size)
        self.named = nn.Embedding(self.pitches * self.frame_channels, hidden_size)
        self.last = nn.Embedding(self.pitches * self.frame_channels + 1, hidden_size)
        self.number = nn.Embedding(self.pitches + 1, hidden_size)
        self.hidden = nn.Linear(hidden_size, hidden_size)
        self.dropout = nn.Dropout(dropout)
        self.pitch = nn.Linear(hidden_size, self.pitches + 1)
        if channels:
            self.below = nn.Linear(hidden_size, self.pitches, bias=False)
            self.match = nn.Linear(hidden_size, channels, bias=False)
        self.onset = nn.Linear(hidden_size, self.pitches) if self.frame_channels == 2 else None
        if channels and self.onset:
            self.onset_match = nn.Linear(hidden_size, channels, bias=False)
        if channels:
            nn.init.zeros_(self.below.weight)

    def forward(
        self, y: Tensor, steps: Tensor, positions: Tensor, state: Any = None
    ) -> tuple[Tensor, Any]:
        """Return the context of each frame, and the state after the last.

        y: (batch, time, input_size); steps: (batch, time, width), the frames before. The context is
        y and, beside it, channels of all pitches: what sounded in each of the last frames
        and what is copied. The state is the last frames and what can be copied.
        """
        del positions
        earlier, copied = state or (None, None)
        x = self._unflatten(steps.to(y.dtype))
        if earlier is None:
            earlier = x.new_zeros(len(x), self.frames - 1, self.frame_channels, self.pitches)
        whole = torch.cat([earlier, x], dim=1)
        time = x.shape[1]
        # for each step, the last `frames` frames: as many copies of the sequence, shifted
        seen = [whole[:, i : i + time] for i in range(self.frames)]
        if self.copying is not None:
            maps, copied = self.copying(y, x, copied)
            seen.append(maps)
        context = torch.cat([y, torch.cat(seen, dim=2).flatten(2)], dim=-1)
        return context, (whole[:, time:], copied)

    def nll(self, context: Tensor, targets: Tensor) -> Tensor:
        """Return the nats of each frame: (batch, time); targets: (batch, time, width)."""
        real = predicted(targets)
        flat, frames = context[real], targets[real]
        rows = [slice(i, i + ROWS) for i in range(0, len(frames), ROWS)]
        parts = [self._nll(flat[part], frames[part]) for part in rows]
        result = context.new_zeros(targets.shape[:2], dtype=torch.float32)
        if parts:
            result[real] = torch.cat(parts)
        return result

    def _nll(self, context: Tensor, frames: Tensor) -> Tensor:
        """Return nats (frames,) of frames (frames, width) by their contexts (frames, …)."""
        lists = self._pitch_lists(frames)
        y, around = self._around(context)
        hidden = self._hidden(y, lists)
        # teacher forcing: the logits before each pitch and before the end, all at once
        logits = self._pitch_logits(hidden, around, _shift(lists.pitches, self.pitches))
        targets = nn.functional.pad(lists.pitches, (0, 1), value=self.pitches)
        # the first prediction is always made, each further one after a pitch
        counted = nn.functional.pad(lists.mask, (1, 0), value=True)
        nll = nn.functional.cross_entropy(
            logits.flatten(0, 1), targets.flatten(), reduction="none"
        ).view_as(targets)
        total = (nll * counted).sum(1)
        if self.onset is None or not lists.mask.shape[1]:
            return total
        onset_logits = self._onset_logits(hidden[:, :-1], around, lists.pitches)
        onset_nll = nn.functional.binary_cross_entropy_with_logits(
            onset_logits, lists.onsets.float(), reduction="none"
        )
        return total + (onset_nll * lists.mask).sum(1)

    def draw(self, context: Tensor, sampler: Sampler) -> Tensor:
        """Draw a frame for each context of one step: (batch, width), 0 and 1, int64."""
        y, around = self._around(context)
        batch = len(y)
        frame = y.new_zeros((batch, self.frame_channels, self.pitches), dtype=torch.int64)
        rows = torch.arange(batch, device=y.device)
        last = torch.full((batch,), self.pitches, device=y.device)
        # all classes but the end of the list
        notes = torch.arange(self.pitches + 1, device=y.device) < self.pitches
        for _ in range(self.pitches):
            hidden = self._hidden(y, self._pitch_lists(frame.flatten(1)))
            at = frame[:, 0].sum(1)  # frames that are finished stay at the end of their list
            current = hidden[rows, at][:, None]
            logits = self._pitch_logits(current, around, last[:, None])[:, 0]
            chosen = torch.where(last >= 0, sampler.categorical(logits, notes), self.pitches)
            real = chosen < self.pitches
            if not real.any():
                break
            pitch = chosen.clamp(max=self.pitches - 1)
            frame[rows[real], 0, pitch[real]] = 1
            if self.onset is not None:
                onset_logit = self._onset_logits(current, around, pitch[:, None])
                begins = sampler.bernoulli(onset_logit)[:, 0] == 1
                frame[rows[real & begins], 1, pitch[real & begins]] = 1
            last = torch.where(real, pitch, -1)
        return frame.flatten(1)

    def _unflatten(self, frames: Tensor) -> Tensor:
        """Reshape frames (…, width) to (…, frame_channels, pitch)."""
        return frames.reshape(*frames.shape[:-1], self.frame_channels, self.pitches)

    def _pitch_lists(self, frames: Tensor) -> PitchLists:
        """Return the pitches of frames (frames, width) of 0 and 1."""
        maps = self._unflatten(frames) > 0
        sounds = maps.any(1)
        most = int(sounds.sum(1).max()) if len(sounds) else 0
        # the largest of (pitch + 1 where it sounds, else 0) are the pitches from the highest down
        order = torch.arange(1, self.pitches + 1, device=frames.device)
        ranks, pitches = (sounds * order).topk(most, dim=1)
        mask = ranks > 0
        pitches = torch.where(mask, pitches, self.pitches)
        # one more column, so that the filling of short lists can be looked up too
        onsets = nn.functional.pad(maps[:, -1], (0, 1)).gather(1, pitches)
        return PitchLists(pitches, onsets & mask, mask)

    def _around(self, context: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return y (frames, input_size), and what is near each pitch: (frames, pitch, channels)."""
        y = self.drop_input(context[:, : self.input_size])
        if self.around is None:
            return y, None
        maps = context[:, self.input_size :].reshape(len(y), -1, self.pitches, 1)
        # pitch along the height and channels last: no copy into another layout
        maps = maps.contiguous(memory_format=torch.channels_last)
        x = self.around(maps).squeeze(-1).transpose(1, 2)
        return y, nn.functional.relu(x + self.absolute + self.shift(y)[:, None])

    def _hidden(self, y: Tensor, lists: PitchLists) -> Tensor:
        """Return the hidden layer before each prediction: (frames, most + 1, hidden_size)."""
        # a pitch that begins has an embedding of its own, apart from one that goes on
        names = (
            lists.pitches + self.pitches * lists.onsets
            if self.frame_channels == 2
            else lists.pitches
        )
        vectors = self.named(names.clamp(max=self.named.num_embeddings - 1)) * lists.mask[..., None]
        # before prediction i: the sum over the pitches 0 to i - 1, and the last of them by itself
        so_far = nn.functional.pad(vectors.cumsum(1), (0, 0, 1, 0))
        nothing = self.last.num_embeddings - 1
        last = self.last(_shift(torch.where(lists.mask, names, nothing), nothing))
        number = self.number.weight[: so_far.shape[1]]
        x = self.start(y)[:, None] + so_far + last + number
        x = nn.functional.relu(x)
        return self.dropout(x + nn.functional.relu(self.hidden(self.dropout(x))))  # type: ignore[no-any-return]

    def _pitch_logits(self, hidden: Tensor, around: Tensor | None, last: Tensor) -> Tensor:
        """Return logits (frames, k, pitches + 1), the last class for the end of the list.

        hidden: (frames, k, hidden_size); last: (frames, k), the previous pitch of each.
        """
        logits = self.pitch(hidden)
        pitch = torch.arange(self.pitches, device=last.device)
        gap = last[..., None] - pitch - 1  # at the beginning `last` stands above all pitches
        scores = logits[..., :-1]
        if around is not None:
            below = self.below(hidden).gather(-1, gap.clamp(0, self.pitches - 1))
            scores = scores + below + self.match(hidden) @ around.transpose(1, 2)
        # pitches fall: none at or above the previous one can come
        scores = scores.masked_fill(gap < 0, -torch.inf)
        return torch.cat([scores, logits[..., -1:]], dim=-1).float()

    def _onset_logits(self, hidden: Tensor, around: Tensor | None, pitches: Tensor) -> Tensor:
        """Return the logit of each of the pitches (frames, k) to begin: (frames, k)."""
        assert self.onset is not None
        at = pitches.clamp(max=self.pitches - 1)[..., None]
        logits = self.onset(hidden).gather(-1, at)[..., 0]
        if around is not None:
            near = around.gather(1, at.expand(-1, -1, around.shape[-1]))
            logits = logits + (self.onset_match(hidden) * near).sum(-1)
        return logits.float()  # type: ignore[no-any-return]


def _shift(pitches: Tensor, first: int) -> Tensor:
    """Return the previous pitch of each and of the end: (frames, most) -> (frames, most + 1)."""
    return nn.functional.pad(pitches, (1, 0), value=first)
