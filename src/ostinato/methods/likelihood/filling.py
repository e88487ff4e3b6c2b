"""Filling a piece in by a sequence model, which reads it from left to right."""

from collections.abc import Iterator
from typing import Any

from ostinato import console
from ostinato.methods.base import Samples, SamplingTask
from ostinato.methods.filled import Filled, collect_filled
from ostinato.sampling import filling
from ostinato.sampling.smc import GivenTokens, ParticleSettings, fill
from ostinato.wording import quantity

COLLAPSED = 0.05  # of the particles: fewer that count hardly stand for a distribution


def sample_filled(task: SamplingTask) -> Samples:
    """Return pieces whose unknown part is drawn given all the rest, by sequential Monte Carlo.

    Raises `UserError` for music that cannot be filled in.
    """
    settings: Any = task.settings
    return collect_filled(task, _fill(task), settings.piece)


def _fill(task: SamplingTask) -> Iterator[Filled]:
    """Yield each piece filled in, and warn in the end where too few particles counted."""
    settings: Any = task.settings
    network: Any = task.bundle.network
    representation: Any = task.bundle.representation
    partials = filling.find_pieces(settings, task.test_pieces, representation)
    collapsed = 0
    particles = ParticleSettings(settings.particles)
    with console.bar("filling in", settings.pieces, "pieces") as reached:
        for i in range(settings.pieces):
            partial = partials[i % len(partials)]
            given = GivenTokens(
                partial.tokens.ravel(), partial.known.ravel(), partial.must_begin.ravel()
            )

            def reach(share: float, whole: int = i) -> None:
                reached(whole + share)

            found = fill(network, representation, given, particles, task.seed + i, reach)
            count = max(1, round(found.effective * settings.particles))
            fact = f"{count} of {quantity(settings.particles, 'particle')} counted at the least"
            collapsed += found.effective < COLLAPSED
            yield partial, found.steps.reshape(partial.tokens.shape), (fact,)
    if collapsed:
        console.warn(
            f"in {collapsed} of {quantity(settings.pieces, 'piece')} fewer than {COLLAPSED:.0%} of "
            f"the {settings.particles} particles counted at some place: what is made there hardly "
            "knows what is given further on; take more sampling.particles, or fewer bars."
        )
