"""What a network of frames composes is music, and what is given is kept."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from defaults import build
from ostinato.models.sequence import SequenceModel
from ostinato.music.piece import Piece
from ostinato.sampling.frames import sample_frames
from ostinato.sampling.settings import Sampling
from small_networks import network_of

ROLL = build("representation=pianoroll")
FEW = build("sampling=ancestral", pieces=3, max_bars=2)


def composed(
    settings: Sampling = FEW, seed: int = 3, prompts: Any = (), network: SequenceModel | None = None
) -> list[NDArray[np.uint8]]:
    network = network or network_of("pianoroll")
    drawn = sample_frames(network, ROLL, settings, seed, prompts)
    assert not any(ended for _, ended in drawn)
    return [frames for frames, _ in drawn]


def beginning(piece: Piece, bars: int) -> NDArray[np.uint8]:
    return ROLL.encode(piece.cropped(0, bars * 4 * piece.resolution))


def biased(bias: float) -> SequenceModel:
    """A network that gives every column the same odds."""
    network = network_of("pianoroll")
    with torch.no_grad():
        for parameter in network.head.parameters():
            parameter.zero_()
        network.head.logits.bias.fill_(bias)  # type: ignore[operator, union-attr]
    return network


def test_every_piece_is_frames_up_to_the_last_bar() -> None:
    for frames in composed():
        assert frames.shape == (2 * 16, ROLL.size)
        assert set(np.unique(frames)) == {0, 1}
        assert ROLL.decode(frames).quarters <= 8


def test_a_step_longer_than_a_bar_is_one_frame_at_least() -> None:
    roll = build("representation=pianoroll", step=4, onsets=False)
    network = network_of("pianoroll", step=4, onsets=False)
    frames, _ = sample_frames(network, roll, build("sampling=ancestral", pieces=1, max_bars=1), 1)[
        0
    ]
    assert frames.shape == (1, 128)


def test_a_seed_gives_the_same_pieces_and_another_seed_others() -> None:
    one, same, other = composed(), composed(), composed(seed=4)
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    assert len({frames.tobytes() for frames in one}) == 3


def test_silence_is_allowed() -> None:
    assert not any(frames.any() for frames in composed(network=biased(-50.0)))


def test_a_lower_temperature_draws_less_of_what_is_unlikely() -> None:
    def share(temperature: float) -> float:
        settings = build("sampling=ancestral", pieces=4, max_bars=2, temperature=temperature)
        return float(np.mean(composed(settings, network=biased(-1.0))))

    assert share(1.0) == pytest.approx(1 / (1 + np.e), abs=0.01)
    assert share(0.5) == pytest.approx(1 / (1 + np.e**2), abs=0.01)


def test_prompts_are_continued_note_for_note(short_chorales: list[Piece]) -> None:
    prompts = [beginning(short_chorales[0], 1), beginning(short_chorales[1], 2)]
    pieces = composed(build("sampling=ancestral", pieces=3, max_bars=4), prompts=prompts)
    for i, frames in enumerate(pieces):
        prompt = prompts[i % 2]
        assert len(frames) == 64
        assert np.array_equal(frames[: len(prompt)], prompt)
        assert frames[len(prompt) :].any()


def test_a_prompt_longer_than_the_piece_is_cut(short_chorales: list[Piece]) -> None:
    prompt = beginning(short_chorales[0], 3)
    (frames,) = composed(build("sampling=ancestral", pieces=1, max_bars=1), prompts=[prompt])
    assert np.array_equal(frames, prompt[:16])


def test_each_frame_is_drawn_from_what_the_whole_pass_says(short_chorales: list[Piece]) -> None:
    """Drawn bits are those of a network that hears the same frames at the same positions."""
    network = network_of("pianoroll")
    with torch.no_grad():
        for parameter in network.parameters():
            parameter *= 8  # a network with opinions
    prompt = beginning(short_chorales[0], 1)
    settings = build("sampling=ancestral", pieces=1, max_bars=3, temperature=1e-3)
    (frames,) = composed(settings, prompts=[prompt], network=network)
    heard = np.concatenate([np.zeros((1, ROLL.size), np.uint8), frames])
    positions = torch.from_numpy(ROLL.positions(heard)[:-1].astype(np.int64))[None]
    with torch.no_grad():
        logits, _ = network(torch.from_numpy(heard[:-1].astype(np.int8))[None], positions)
    sure = (logits[0].abs() > 0.05).numpy()
    likely = (logits[0] > 0).numpy()
    rest = slice(len(prompt), None)
    assert sure[rest].mean() > 0.9
    assert np.array_equal(frames[rest][sure[rest]], likely[rest][sure[rest]])
