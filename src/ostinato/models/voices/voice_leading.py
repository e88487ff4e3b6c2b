"""Voice leading: a learned table of how two voices move together."""

import torch
from torch import Tensor, nn

from ostinato.models.voices.features import CLASSES, PITCHES

MOTIONS = 3  # down, none, up
# The table is learned in steps of the learning rate, and must tell what is rare from what never is:
# these factors let its scores grow as fast as those of a layer with many inputs.
FOR_ALL, FOR_A_PAIR = 8.0, 2.0


class VoiceLeading(nn.Module):
    """Scores each pitch of a voice by how it would move against each voice drawn before it.

    A score belongs to the interval between two voices before, the direction of each, and the
    interval after; intervals are counted in pitch classes, so that the scores are the same in every
    key and octave. One table is for all pairs of voices, one for each pair. Which motions are good
    is learned: nothing says that fifths should not be parallel.
    """

    def __init__(self, voices: int) -> None:
        super().__init__()
        self.voices = voices
        of_pair, of_pitch = CLASSES * MOTIONS, MOTIONS * CLASSES
        self.all_pairs = nn.Embedding(of_pair, of_pitch)
        self.each_pair = nn.Embedding(voices * voices * of_pair, of_pitch)
        nn.init.zeros_(self.all_pairs.weight)
        nn.init.zeros_(self.each_pair.weight)

    def forward(self, sounding: Tensor, previous: Tensor, voice_index: Tensor) -> Tensor:
        """Return the scores of each pitch (…, 128).

        sounding, previous: (…, voices), from the voice whose turn it is on, what sounds, and what
        sounded at the end of the previous time step; voice_index: (…), whose turn it is.
        """
        own, others, before = previous[..., :1], sounding[..., 1:], previous[..., 1:]
        other = voice_index[..., None] + torch.arange(1, self.voices, device=own.device)
        # of a time step the voices from 0 up to the one whose turn it is have been drawn
        is_known = (other >= self.voices) & (own < PITCHES)
        is_known = is_known & (others < PITCHES) & (before < PITCHES)
        index = (own - before) % CLASSES * MOTIONS + _direction(others - before)
        pair = voice_index[..., None] * self.voices + other % self.voices
        table = FOR_ALL * self.all_pairs(index) + FOR_A_PAIR * self.each_pair(
            pair * CLASSES * MOTIONS + index
        )
        table = table * is_known[..., None]
        # (…, voices - 1, 128): where in its row each pitch stands
        pitch = torch.arange(PITCHES, device=own.device)
        motion = _direction(pitch - own)[..., None, :]
        place = motion * CLASSES + (pitch - others[..., None]) % CLASSES
        scores: Tensor = table.gather(-1, place).sum(-2)
        return scores


def _direction(semitones: Tensor) -> Tensor:
    """Return 0 for down, 1 for no motion and 2 for up."""
    return semitones.sign() + 1
