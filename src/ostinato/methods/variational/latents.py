"""Metrics of the latent vectors of the test split."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from ostinato.data.segments import SegmentBatch, Segments
    from ostinato.evaluation.segments import Excerpts
    from ostinato.models.variational.vae import VAE
    from ostinato.representations.bar_grid import BarGrid

MEASURED = 1000  # test segments, at most
SHOWN = 4  # segments in pictures


@dataclass(frozen=True)
class Latents:
    """Figures, by name and within mappings, and pictures, as PNGs, by what they show."""

    figures: Mapping[str, Any]
    drawn: Mapping[str, bytes]
    rolls: Mapping[str, bytes]

    def findings(self) -> dict[str, str]:
        """Return the figures in words."""
        f = self.figures
        kept, prior = f["reconstruction"], f["prior_within_80"]
        told = {
            "notes that come out of their latent vector exactly": (
                f"{kept['exact']:.1%} of {f['segments']} test segments; "
                f"{kept['invented']:.1%} of the notes that come out were not there"
            ),
            "segments that come out exactly": f"{kept['segments']:.1%}",
            "tokens that are the likeliest, given those before": f"{kept['teacher_forced']:.1%}",
            "negative log-likelihood, at most (the bound)": (
                f"{f['elbo_nats_per_token']:.3f} nats per token, of which "
                f"{f['kl_nats'] / f['tokens']:.3f} are the divergence from the prior"
            ),
            "active units": f"{f['active_units']} of {len(f['kl_by_unit'])}",
        }
        for name, of in prior.items():
            told[f"{name.replace('_', ' ')} of the prior's segments"] = (
                f"{of['median']:.3f} in the middle, {of['share']:.1%} of them within "
                f"{of['low']:.3f} to {of['high']:.3f}, the middle 80 % of the test split"
            )
        for name, of in f["attributes"].items():
            told[f"{name.replace('_', ' ')}, when 1 or 2 more or less is asked"] = (
                f"{of['1']:+.3f} and {of['2']:+.3f} or {of['-1']:+.3f} and {of['-2']:+.3f} "
                f"(standard deviation {of['spread']:.3f})"
            )
        if smooth := f["interpolation"]:
            told["largest of six changes between two segments, in shares of what sounds"] = (
                f"{smooth['largest']:.3f}; {smooth['of_piano_rolls']:.3f} between piano-rolls"
            )
        return told


def flatten(figures: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers among the figures for the MLflow run."""
    from ostinato.evaluation.latents import told

    return {f"latents/{name}": value for name, value in told(figures).items()}


def measure_latents(network: "VAE", test: "Segments", prior: "Excerpts", seed: int) -> Latents:
    """Encode and decode segments of the test pieces."""
    import torch

    from ostinato.evaluation import latents
    from ostinato.evaluation.segments import excerpts

    batch = test.drawn(MEASURED, seed)
    given = excerpts(batch.pitch, batch.onset, network.shape)
    tokens = network.say(batch.pitch, batch.onset)
    noise = network.noise(len(tokens), torch.Generator().manual_seed(seed))
    scores = latents.scored(network, tokens, noise)
    bound = float((scores.nll + scores.kl.sum(dim=1)).mean())
    came = latents.drawn(network, scores.means)
    figures = {
        "segments": len(tokens),
        "tokens": network.tokens,
        "reconstruction": {
            **latents.reconstruction(came, given),
            "teacher_forced": scores.forced,
        },
        "elbo_nats_per_token": bound / network.tokens,
        "nll_nats": float(scores.nll.mean()),
        "kl_nats": float(scores.kl.sum(dim=1).mean()),
        "kl_by_unit": scores.kl.mean(dim=0).tolist(),
        "active_units": latents.active_units(scores.means),
        "prior_within_80": latents.within_middle(prior, given),
        "attributes": latents.moved(network, scores.means),
        "interpolation": latents.smoothness(network, scores.means),
    }
    return Latents(
        figures, _drawn(scores, given), _rolls(network, test.representation, batch, scores.means)
    )


def _drawn(scores: Any, given: "Excerpts") -> dict[str, bytes]:
    from ostinato.evaluation import charts, latents

    drawn = {"Divergence of each latent number": charts.units(scores.kl.mean(dim=0).tolist())}
    if scores.means.shape[1] > 1 and len(scores.means) > 2:
        points, keys = latents.plane(scores.means), latents.keys_of(given)
        drawn["Latent plane, by key"] = charts.plane(points, keys)
    return drawn


def _rolls(
    network: "VAE", representation: "BarGrid", batch: "SegmentBatch", means: "Tensor"
) -> dict[str, bytes]:
    """A few segments above what comes out of them, and a way between two of them."""
    from ostinato.evaluation.latents import STEPS
    from ostinato.models.segments import lines_of
    from ostinato.music.picture import piano_roll
    from ostinato.sampling.segments import strung

    given = lines_of(batch.pitch[:SHOWN], batch.onset[:SHOWN], network.shape.pitches)
    rows = {
        f"{len(given.onset)} segments of the test split": given,
        "what comes out of their latent vectors": network.draw(means[:SHOWN]),
    }
    pieces = [
        representation.decode(strung(lines, network.shape, representation), name)
        for name, lines in rows.items()
    ]
    rolls = {"reconstruction": piano_roll(*pieces)}
    if len(means) > 1:
        way = network.draw(network.way(means[:2], STEPS))
        strip = representation.decode(
            strung(way, network.shape, representation), "from the first of them to the second"
        )
        rolls["interpolation"] = piano_roll(strip)
    return rolls
