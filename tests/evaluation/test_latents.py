"""Measures of what latent vectors keep are what one counts by hand."""

import numpy as np
import pytest
import torch

from ostinato.evaluation import charts
from ostinato.evaluation.latents import (
    compare_reconstruction,
    compare_with_middle,
    count_active_units,
    decode_segments,
    find_keys,
    flatten_figures,
    measure_attribute_changes,
    measure_smoothness,
    project_to_plane,
    score,
)
from ostinato.evaluation.segments import attributes
from ostinato.representations.monophonic import REST
from ostinato.representations.voice_roll import VoiceRoll
from ostinato.sampling.voice_rolls import draw_segments, encode
from small_vaes import vae_of
from voice_rolls import voice_roll

C, D, E, F, G, A = 60, 62, 64, 65, 67, 69
R = REST


def lines(*rows: list[int]) -> VoiceRoll:
    """Return segments of one bar and one voice each, four steps to the quarter note."""
    return voice_roll(*([row] for row in rows), beat=4, bar=len(rows[0]))


def test_a_note_is_exact_in_onset_pitch_and_length() -> None:
    given = lines([C, C, D, D, E, E, R, R], [C, C, C, C, G, G, G, G])
    assert compare_reconstruction(given, given) == {"exact": 1.0, "invented": 0.0, "segments": 1.0}
    came = lines([C, C, D, E, E, E, R, R], [C, C, C, C, G, G, G, G])
    figures = compare_reconstruction(came, given)  # D is too short, E begins too early
    assert figures["exact"] == pytest.approx(3 / 5)
    assert figures["invented"] == pytest.approx(2 / 5)
    assert figures["segments"] == 0.5
    more = lines([C, C, D, D, E, E, F, F], [C, C, C, C, G, G, G, G])
    figures = compare_reconstruction(more, given)
    assert figures["exact"] == 1.0
    assert figures["invented"] == pytest.approx(1 / 6)
    assert figures["segments"] == 0.5


def test_attributes_by_hand() -> None:
    values = attributes(lines([C, C, C, D, D, D, E, E], [G] * 8, [R] * 8))
    assert values["note_density"].tolist() == [1.5, 0.5, 0.0]
    assert values["pitch_height"][:2].tolist() == [62.0, 67.0]
    assert values["syncopation"][:2].tolist() == [pytest.approx(1 / 3), 0.0]
    assert np.isnan(values["pitch_height"][2])
    on_the_beat = attributes(lines([C, C, D, D, E, E, E, E]))
    assert on_the_beat["syncopation"].tolist() == [0.0]


def test_units_are_active_where_their_mean_varies() -> None:
    torch.manual_seed(0)
    means = torch.randn(500, 3) * torch.tensor([1.0, 0.2, 0.05])
    assert count_active_units(means) == 2
    assert count_active_units(means[:1]) == 0


def test_the_middle_of_the_others_and_where_ours_lie() -> None:
    theirs = lines(*[[C + k % 2 for k in range(8)]] * 10, *[[C] * 8] * 10)
    ours = lines([C] * 8, [C, C, C, C, D, D, D, D], [C, D] * 4)
    density = compare_with_middle(ours, theirs)["note_density"]
    assert (density["low"], density["high"]) == (0.5, 4.0)
    assert density["share"] == 1.0
    assert density["median"] == 1.0
    assert density["mean"] == pytest.approx(5.5 / 3)
    entropy = compare_with_middle(theirs, lines([C] * 8))["pitch_class_entropy"]
    assert entropy["share"] == 0.5
    silent = compare_with_middle(lines([R] * 8), theirs)
    assert "scale_consistency" not in silent


def test_keys_are_those_of_scales() -> None:
    scale = [C, D, E, F, G, A, 71, 72]
    in_minor = [A, A, A, 71, 72, 76, 76, A]
    keys = find_keys(lines([p + 2 for p in scale], scale, in_minor, [p + 7 for p in in_minor]))
    assert keys.tolist() == [2, 0, 0, 7]


def test_the_plane_holds_the_largest_differences() -> None:
    torch.manual_seed(1)
    means = torch.randn(300, 4) * torch.tensor([0.1, 5.0, 0.1, 2.0]) + 3
    points = project_to_plane(means)
    assert points.shape == (300, 2)
    assert np.abs(np.corrcoef(points[:, 0], means[:, 1])[0, 1]) > 0.99
    assert np.abs(np.corrcoef(points[:, 1], means[:, 3])[0, 1]) > 0.99
    for png in (charts.plane(points, np.arange(300) % 12), charts.units([0.2, 1.0])):
        assert png.startswith(b"\x89PNG")


def test_numbers_within_mappings_have_dotted_names() -> None:
    assert flatten_figures({"a": 1, "b": {"c": 0.5, "d": {"e": 2}}, "f": [1, 2]}) == {
        "a": 1.0,
        "b/c": 0.5,
        "b/d/e": 2.0,
    }


def test_a_network_is_scored_in_parts_as_in_one() -> None:
    network = vae_of()
    tokens = encode(draw_segments(network, network.noise(600)), network.spec)
    noise = network.noise(600)
    scores = score(network, tokens, noise)
    nll, kl = network(tokens, noise)
    torch.testing.assert_close(scores.nll, nll)
    torch.testing.assert_close(scores.kl, kl)
    likeliest = network.decoder.argmax(scores.means, tokens)
    assert scores.forced == pytest.approx(float((likeliest == tokens).double().mean()))
    assert len(decode_segments(network, noise)) == 600


def test_interpolations_change_step_by_step_and_vectors_move_attributes() -> None:
    network = vae_of(seed=3)
    with torch.no_grad():
        for weight in network.parameters():
            weight.mul_(2)
    means = network.noise(40)
    smooth = measure_smoothness(network, means)
    assert 0 < smooth["change"] <= smooth["largest"] <= 1
    assert measure_smoothness(network, means[:1]) == {}
    still = measure_attribute_changes(network, means)
    assert set(still) == {"note_density", "pitch_height", "syncopation"}
    assert all(of["1"] == of["-2"] == 0.0 for of in still.values()), "no vector is measured"
    network.directions[1] = 3.0
    assert measure_attribute_changes(network, means)["pitch_height"]["1"] != 0.0
