"""Filling a piece in by a sequence model, which reads it from left to right."""

from typing import Any

from ostinato import console
from ostinato.methods.base import TEST, Sample, Samples, SamplingTask
from ostinato.sampling import filling
from ostinato.sampling.smc import Filled, ParticleSettings, fill
from ostinato.wording import quantity

COLLAPSED = 0.05  # of the particles: fewer that count hardly stand for a distribution


def sample_filled(task: SamplingTask) -> Samples:
    """Return pieces whose unknown part is drawn given all the rest, by sequential Monte Carlo.

    Raises `UserError` for music that cannot be filled in.
    """
    settings: Any = task.settings
    network: Any = task.bundle.network
    representation: Any = task.bundle.representation
    tasks = filling.find_tasks(settings, task.test_pieces, representation)
    particles, samples, collapsed = ParticleSettings(settings.particles), [], 0
    for i in console.track(range(settings.pieces), "filling in", settings.pieces):
        one = tasks[i % len(tasks)]
        filled = fill(
            network,
            representation,
            one.tokens.ravel(),
            one.known.ravel(),
            particles,
            task.seed + i,
            one.must_begin.ravel(),
        )
        tokens = filled.steps.reshape(one.tokens.shape)
        name = f"sample-{i + 1:02d}"
        piece, given = filling.finish(one, tokens, representation, task.bundle.setting, name)
        about = filling.describe(settings.piece, one.piece, given)
        samples.append(Sample(piece, None, about, (_tell_particles(filled, settings.particles),)))
        collapsed += filled.effective < COLLAPSED
    if collapsed:
        console.warn(
            f"in {collapsed} of {quantity(len(samples), 'piece')} fewer than {COLLAPSED:.0%} of "
            f"the {settings.particles} particles counted at some place: what is made there hardly "
            "knows what is given further on; take more sampling.particles, or fewer bars."
        )
    first = tasks[0].piece
    return Samples(samples, first.name if first is not None and settings.piece == TEST else None)


def _tell_particles(filled: Filled, particles: int) -> str:
    count = max(1, round(filled.effective * particles))
    return f"{count} of {quantity(particles, 'particle')} counted at the least"
