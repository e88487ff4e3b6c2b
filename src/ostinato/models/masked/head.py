"""Logits of what a cell can be, by itself and by intervals from what is known around it."""

import torch
from torch import Tensor, nn

from ostinato.models.masked.cells import CLASSES, PITCHES, REST


class CellHead(nn.Module):
    """Scores what cells can be, in parts that are the same in every key, and by absolute pitch.

    Whether a note begins, rests or goes on has a score of its own. A pitch that begins is also
    scored by its interval from each pitch around it: of each voice, what is known to sound last and
    what is known to sound next (Conklin & Witten 1995). One that goes on is scored by its interval
    from these of its own voice.
    """

    def __init__(self, size: int, voices: int, reach: int) -> None:
        super().__init__()
        self.voices, self.reach = voices, reach
        span = 2 * reach + 1
        self.sizes = [CLASSES, 3, 2 * voices * span, 2 * span]
        self.scores = nn.ModuleList(nn.Linear(size, sum(self.sizes)) for _ in range(voices))
        with torch.no_grad():
            for layer in self.scores:  # the network begins as a plain softmax
                for parameter in layer.parameters():
                    parameter[CLASSES:] = 0.0

    def forward(self, y: Tensor, around: Tensor, voice: Tensor) -> Tensor:
        """Return logits (cells, classes).

        y: (cells, size) of the time steps of the cells; around: (cells, 2 * voices) pitches, what
        each voice sounds last and then what each sounds next, REST where nothing is known; voice:
        (cells,) whose they are.
        """
        logits = y.new_zeros(len(y), CLASSES)
        for i in range(self.voices):
            rows = (voice == i).nonzero()[:, 0]
            scores = torch.split(self.scores[i](y[rows]), self.sizes, dim=-1)
            classes, kinds, beginning, going_on = scores
            beside = around[rows]
            begins = kinds[:, :1] + self._by_interval(beginning, beside)
            own = beside[:, [i, self.voices + i]]
            held = kinds[:, 2:] + self._by_interval(going_on, own)
            relative = torch.cat([begins, kinds[:, 1:2], held], dim=-1)
            logits = logits.index_copy(0, rows, classes + relative)
        return logits

    def _by_interval(self, scores: Tensor, around: Tensor) -> Tensor:
        """Return the score of each pitch, summed over the pitches around: (cells, 128)."""
        table = scores.reshape(*around.shape, 2 * self.reach + 1)
        pitches = torch.arange(PITCHES, device=around.device)
        interval = pitches - around[..., None]  # (cells, around, 128)
        inside = (interval.abs() <= self.reach) & (around < REST)[..., None]
        index = interval.clamp(-self.reach, self.reach) + self.reach
        total: Tensor = (table.gather(-1, index) * inside).sum(dim=1)
        return total
