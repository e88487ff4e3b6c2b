"""Metrics of the latent vectors of the test split."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from ostinato.data.segments import Segments
    from ostinato.models.variational.vae import VAE
    from ostinato.representations.bar_grid import BarGrid
    from ostinato.representations.voice_roll import VoiceRoll

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
        words = {
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
            words[f"{name.replace('_', ' ')} of the prior's segments"] = (
                f"{of['median']:.3f} in the middle, {of['share']:.1%} of them within "
                f"{of['low']:.3f} to {of['high']:.3f}, the middle 80 % of the test split"
            )
        for name, of in f["attributes"].items():
            words[f"{name.replace('_', ' ')}, when 1 or 2 more or less is asked"] = (
                f"{of['1']:+.3f} and {of['2']:+.3f} or {of['-1']:+.3f} and {of['-2']:+.3f} "
                f"(standard deviation {of['spread']:.3f})"
            )
        if smooth := f["interpolation"]:
            words["largest of six changes between two segments, in shares of what sounds"] = (
                f"{smooth['largest']:.3f}; {smooth['of_piano_rolls']:.3f} between piano-rolls"
            )
        return words


def flatten(figures: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers among the figures for the MLflow run."""
    from ostinato.evaluation.latents import flatten_figures

    return {f"latents/{name}": value for name, value in flatten_figures(figures).items()}


def measure_latents(network: "VAE", test: "Segments", prior: "VoiceRoll", seed: int) -> Latents:
    """Encode and decode segments of the test pieces."""
    import torch

    from ostinato.evaluation import latents
    from ostinato.sampling.voice_rolls import encode

    given = test.sample(MEASURED, seed)
    tokens = encode(given, network.spec, network.directions.device)
    noise = network.noise(len(tokens), torch.Generator().manual_seed(seed))
    scores = latents.score(network, tokens, noise)
    bound = float((scores.nll + scores.kl.sum(dim=1)).mean())
    came = latents.decode_segments(network, scores.means)
    figures = {
        "segments": len(tokens),
        "tokens": network.tokens,
        "reconstruction": {
            **latents.compare_reconstruction(came, given),
            "teacher_forced": scores.forced,
        },
        "elbo_nats_per_token": bound / network.tokens,
        "nll_nats": float(scores.nll.mean()),
        "kl_nats": float(scores.kl.sum(dim=1).mean()),
        "kl_by_unit": scores.kl.mean(dim=0).tolist(),
        "active_units": latents.count_active_units(scores.means),
        "prior_within_80": latents.compare_with_middle(prior, given),
        "attributes": latents.measure_attribute_changes(network, scores.means),
        "interpolation": latents.measure_smoothness(network, scores.means),
    }
    rolls = _draw_rolls(network, test.representation, given, scores.means)
    return Latents(figures, _draw_charts(scores, given), rolls)


def _draw_charts(scores: Any, given: "VoiceRoll") -> dict[str, bytes]:
    from ostinato.evaluation import charts, latents

    drawn = {"Divergence of each latent number": charts.units(scores.kl.mean(dim=0).tolist())}
    if scores.means.shape[1] > 1 and len(scores.means) > 2:
        points, keys = latents.project_to_plane(scores.means), latents.find_keys(given)
        drawn["Latent plane, by key"] = charts.plane(points, keys)
    return drawn


def _draw_rolls(
    network: "VAE", representation: "BarGrid", given: "VoiceRoll", means: "Tensor"
) -> dict[str, bytes]:
    """Return a few segments above what comes out of them, and two of them interpolated."""
    from ostinato.evaluation.latents import STEPS
    from ostinato.music.picture import piano_roll
    from ostinato.sampling.segments import join_segments
    from ostinato.sampling.voice_rolls import draw_segments

    shown = given[:SHOWN]
    rows = {
        f"{len(shown)} segments of the test split": shown,
        "what comes out of their latent vectors": draw_segments(network, means[:SHOWN]),
    }
    pieces = [
        representation.decode(join_segments(roll, representation), name)
        for name, roll in rows.items()
    ]
    rolls = {"reconstruction": piano_roll(*pieces)}
    if len(means) > 1:
        between = draw_segments(network, network.interpolate(means[:2], STEPS))
        strip = representation.decode(
            join_segments(between, representation), "from the first of them to the second"
        )
        rolls["interpolation"] = piano_roll(strip)
    return rolls
