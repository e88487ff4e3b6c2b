"""Frames are counted as lists of pitches."""

from pathlib import Path

import numpy as np
import pytest

from defaults import build
from ostinato.evaluation.ngrams.contexts import count_contexts
from ostinato.evaluation.ngrams.frames import as_tokens, list_pitches, vocabulary_size
from ostinato.evaluation.ngrams.kneser_ney import smooth
from ostinato.evaluation.ngrams.scoring import piece_nats, score_markov_models
from ostinato.music.piece import Piece
from small_networks import store_of

ROLL = build("representation=pianoroll")


def test_pitches_stand_from_the_highest_down_and_an_end_after_each_frame() -> None:
    sounds = np.array([[0, 0, 0, 0], [0, 1, 0, 1], [0, 1, 0, 0]])
    begins = np.array([[0, 0, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0]])
    assert list_pitches(sounds, 1).tolist() == [4, 3, 1, 4, 1, 4]
    both = np.concatenate([sounds, begins], axis=1)
    # 4 to 7 begin, 0 to 3 are held, 8 ends the frame
    assert list_pitches(both, 2).tolist() == [8, 7, 5, 8, 1, 8]
    assert vocabulary_size(8, 2) == 9


def test_frames_can_be_read_back_from_their_tokens(short_chorales: list[Piece]) -> None:
    frames = ROLL.encode(short_chorales[0])
    tokens, pitches = list_pitches(frames, ROLL.channels), ROLL.size // 2
    again = np.zeros_like(frames)
    frame = 0
    for token in tokens.tolist():
        if token == 2 * pitches:
            frame += 1
        else:
            again[frame, token % pitches] = 1
            again[frame, token] = 1  # a pitch that begins stands in the second channel too
    assert (again == frames).all()


def test_markov_models_of_frames_predict_music_better_than_noise(
    short_chorales: list[Piece], tmp_path: Path
) -> None:
    store = store_of(short_chorales, ROLL, tmp_path / "frames")
    tokens = as_tokens(store, ROLL.channels)
    size = vocabulary_size(ROLL.size, ROLL.channels)
    everything = np.arange(len(store.names))
    training, validation, test = everything[:-4], everything[-4:-2], everything[-2:]
    scores = score_markov_models(tokens, training, validation, test, size)
    frames = sum(len(store.piece(i)) - 1 for i in test)
    # the pieces are as many frames as ends, but for the empty one before them
    ends = sum(int((tokens.piece(i)[1:] == size - 1).sum()) for i in test)
    assert ends == frames
    for nats in scores.nats.values():
        assert 0 < nats.sum() / frames < 8  # 8.3 is what a Bernoulli GRU reaches
    table = count_contexts([tokens.piece(i) for i in training], size, 0)
    assert scores.nats["ngram"].sum() < 0.5 * piece_nats(smooth(table, 0), tokens, test).sum()


@pytest.mark.parametrize("channels", [1, 2])
def test_silence_is_an_end_for_each_frame(channels: int) -> None:
    silent = np.zeros((3, 8), np.uint8)
    end = vocabulary_size(8, channels) - 1
    assert list_pitches(silent, channels).tolist() == [end] * 3
