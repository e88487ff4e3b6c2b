"""What a cell can be, scored by itself and by its interval from what is known around it."""

import torch
from torch import Tensor, nn

from ostinato.models.masked.cells import CLASSES, HOLD, PITCHES, REST


class CellHead(nn.Module):
    """Scores what cells can be; a pitch also by its interval from each pitch around it.

    Around a cell are, of each voice, what is known to sound last and what is known to sound next.
    The scores of intervals are the same in every key (Conklin & Witten 1995).
    """

    def __init__(self, size: int, voices: int, reach: int) -> None:
        super().__init__()
        self.voices, self.reach = voices, reach
        self.classes = nn.ModuleList(nn.Linear(size, CLASSES) for _ in range(voices))
        width = 2 * voices * (2 * reach + 1)
        self.intervals = nn.ModuleList(nn.Linear(size, width) for _ in range(voices))
        for parameter in self.intervals.parameters():  # the network begins as a plain softmax
            nn.init.zeros_(parameter)

    def forward(self, y: Tensor, around: Tensor, voice: Tensor) -> Tensor:
        """Return logits (cells, classes).

        y: (cells, size) of the time steps of the cells; around: (cells, 2 * voices) pitches, REST
        where nothing is known; voice: (cells,) whose they are.
        """
        logits = y.new_zeros(len(y), CLASSES)
        for i in range(self.voices):
            rows = (voice == i).nonzero()[:, 0]
            of_voice = y[rows]
            scores = self._interval_scores(self.intervals[i](of_voice), around[rows])
            # a pitch scores alike whether it begins or goes on
            both = torch.cat([scores, scores.new_zeros(len(rows), HOLD - PITCHES), scores], dim=-1)
            logits = logits.index_copy(0, rows, self.classes[i](of_voice) + both)
        return logits

    def _interval_scores(self, scores: Tensor, around: Tensor) -> Tensor:
        """Return the score of each pitch, summed over the pitches around: (cells, 128)."""
        table = scores.reshape(*around.shape, 2 * self.reach + 1)
        pitches = torch.arange(PITCHES, device=around.device)
        interval = pitches - around[..., None]  # (cells, 2 * voices, 128)
        inside = (interval.abs() <= self.reach) & (around < REST)[..., None]
        index = interval.clamp(-self.reach, self.reach) + self.reach
        total: Tensor = (table.gather(-1, index) * inside).sum(dim=1)
        return total
