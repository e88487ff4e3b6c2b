"""MidiTok's tokenizers as representations: the same numbers, the same music."""

import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from random_music import bands
from symusic import Score

from defaults import build
from ostinato.errors import UnencodableError, UserError
from ostinato.music.conversion import from_symusic
from ostinato.music.piece import NOTE, TEMPO, TIME_SIGNATURE, Piece, array
from ostinato.music.reading import read_midi
from ostinato.representations.event import separate_unisons
from ostinato.representations.miditok.tokenizers import MidiTok
from ostinato.representations.miditok.vocabulary import Kind

PLAIN = {"velocities": 0, "tempos": 0, "time_signatures": False}
REPRESENTATIONS: dict[str, MidiTok] = {
    "remi": build("representation=remi"),
    "remi of one track": build("representation=remi", programs=False),
    "remi, plain": build("representation=remi", steps_per_quarter=4, **PLAIN),
    "tsd": build("representation=tsd"),
    "tsd, plain": build(
        "representation=tsd", steps_per_quarter=12, max_beats=4, programs=False, **PLAIN
    ),
    "midilike": build("representation=midilike"),
    "midilike, plain": build("representation=midilike", programs=False, **PLAIN),
    "structured": build("representation=structured"),
    "structured of one track": build("representation=structured", programs=False, velocities=0),
    "cpword": build("representation=cpword"),
    "cpword, plain": build("representation=cpword", programs=False, **PLAIN),
}
WITH_PROGRAMS = [name for name, r in REPRESENTATIONS.items() if r.programs]


@cache
def miditok_itself(representation: MidiTok) -> Any:
    """MidiTok's tokenizer, which drops notes that double another itself."""
    tokenizer = pickle.loads(pickle.dumps(representation)).tokenizer
    tokenizer.config.remove_duplicated_notes = True
    return tokenizer


def numbers(representation: MidiTok, written: Any) -> np.ndarray:
    """What MidiTok wrote as one stream of our numbers: without its padding, words flattened."""
    [sequence] = written if isinstance(written, list) else [written]
    ids = np.array(sequence.ids) - 1
    if ids.ndim == 2:
        sizes = [len(part) - 1 for part in representation.tokenizer.vocab]
        ids += np.cumsum([0, *sizes[:-1]])
    return ids.ravel()


@pytest.mark.parametrize("name", REPRESENTATIONS)
def test_chorales_are_the_tokens_of_miditok(name: str, chorales: list[Piece]) -> None:
    representation = REPRESENTATIONS[name]
    tokenizer = miditok_itself(representation)
    for piece in chorales if name == representation.name else chorales[::10]:
        expected = numbers(representation, tokenizer(representation.score(piece)))
        tokens = representation.encode(piece)
        assert tokens.dtype == np.uint16
        assert np.array_equal(tokens, expected), piece.name


@pytest.mark.parametrize("name", WITH_PROGRAMS)
def test_songs_are_the_tokens_of_miditok_from_the_file_on(
    name: str, published: Callable[[str], Path]
) -> None:
    representation = REPRESENTATIONS[name]
    tokenizer = miditok_itself(representation)
    paths = sorted(published("pop909").glob("*.mid"))
    assert len(paths) >= 100
    for path in paths[:: 1 if name == "remi" else 10]:
        piece, score = read_midi(path), Score(path)
        score.tempos = [tempo for tempo in score.tempos if tempo.time < piece.end]
        expected = numbers(representation, tokenizer(score))
        assert np.array_equal(representation.encode(piece), expected), path.name


@pytest.mark.parametrize("name", REPRESENTATIONS)
@given(piece=bands())
@settings(max_examples=25, deadline=None)
def test_any_band_is_the_tokens_of_miditok(name: str, piece: Piece) -> None:
    representation = REPRESENTATIONS[name]
    if not representation.programs and piece.notes["drum"].all():
        return
    expected = miditok_itself(representation)(representation.score(piece))
    assert np.array_equal(representation.encode(piece), numbers(representation, expected))


def heard(piece: Piece) -> np.ndarray:
    """What sounds, whichever track it is in."""
    sounds = ["onset", "duration", "pitch", "velocity", "program", "drum"]
    return np.unique(piece.notes[sounds])


@pytest.mark.parametrize("name", [n for n, r in REPRESENTATIONS.items() if r.velocities])
def test_chorales_come_back_as_miditok_reads_them(name: str, chorales: list[Piece]) -> None:
    representation = REPRESENTATIONS[name]
    tokenizer = miditok_itself(representation)
    for piece in chorales[::20]:
        written = tokenizer(representation.score(piece))
        expected = from_symusic(tokenizer.decode(written), "")
        # where a pitch sounds already it begins anew, as on one instrument
        tracks = range(len(expected.track_names))
        played = [separate_unisons(expected.track(track)) for track in tracks]
        decoded = representation.decode(representation.encode(piece))
        assert decoded.resolution == expected.resolution
        assert np.array_equal(heard(decoded), heard(Piece("", 1, np.concatenate(played)))), (
            piece.name
        )
        if representation.tempos:
            assert np.allclose(decoded.tempos["qpm"], expected.tempos["qpm"], atol=0.01)
            assert np.array_equal(decoded.tempos["onset"], expected.tempos["onset"])
        if representation.time_signatures:
            assert np.array_equal(decoded.time_signatures, expected.time_signatures)


def joined_notes(metre: tuple[int, int]) -> Piece:
    """A long note that begins anew where the metre changes, and then sounds on."""
    rows = [
        (0, 1, 0, 1, 0, False, 0),
        (0, 1, 0, 1, 1, False, 1),
        (0, 57, 0, 1, 2, False, 2),
        (8, 1, 0, 1, 2, False, 2),
    ]
    signatures = np.array([(8, *metre)], TIME_SIGNATURE)
    return Piece("", 8, np.array(rows, NOTE), time_signatures=signatures)


@pytest.mark.parametrize("name", REPRESENTATIONS)
@given(piece=bands())
@example(piece=joined_notes((6, 8)))
@example(piece=joined_notes((3, 2)))
@settings(max_examples=25, deadline=None)
def test_what_was_written_once_is_kept(name: str, piece: Piece) -> None:
    representation = REPRESENTATIONS[name]
    if not representation.programs and piece.notes["drum"].all():
        return
    kept = representation.decode(representation.encode(piece))
    again = representation.decode(representation.encode(kept))
    assert np.array_equal(heard(again), heard(kept))
    assert np.array_equal(again.tempos, kept.tempos)
    assert np.array_equal(again.time_signatures, kept.time_signatures)


@pytest.mark.parametrize("name", ["remi", "tsd", "midilike", "cpword"])
@given(piece=bands())
@settings(max_examples=25, deadline=None)
def test_instruments_drums_and_onsets_on_the_grid_are_kept(name: str, piece: Piece) -> None:
    piece = replace(piece, time_signatures=piece.time_signatures[:0])
    representation = REPRESENTATIONS[name]
    kept = representation.decode(representation.encode(piece))
    columns = ["onset", "pitch", "program", "drum"]
    said = piece.at_resolution(representation.resolution).notes[columns]
    assert np.array_equal(np.unique(kept.notes[columns]), np.unique(said))
    tracks = {(n["track"], n["program"], n["drum"]) for n in kept.notes}
    assert len(tracks) == len(kept.track_names)


def test_velocities_tempos_and_metres_of_a_band_come_back() -> None:
    notes = array(
        NOTE,
        onset=[0, 0, 24, 48],
        duration=[12, 8, 24, 6],
        pitch=[60, 36, 64, 38],
        velocity=[63, 127, 95, 31],
        program=[33, 0, 33, 0],
        drum=[False, True, False, True],
        track=[0, 1, 0, 1],
    )
    tempos = array(TEMPO, onset=[0, 48], qpm=[90.0, 120.0])
    metres = array(TIME_SIGNATURE, onset=[0, 48], numerator=[2, 6], denominator=[4, 8])
    piece = Piece("", 16, notes, tempos, metres)
    for name in ("remi", "tsd", "midilike", "cpword"):
        kept = REPRESENTATIONS[name].decode(REPRESENTATIONS[name].encode(piece))
        fine = piece.at_resolution(kept.resolution)
        assert np.array_equal(heard(kept), heard(fine)), name
        assert np.array_equal(kept.tempos, fine.tempos)
        quarter = kept.resolution
        expected = [(0, 2, 4), (2 * quarter, 1, 4), (3 * quarter, 6, 8)]  # the second bar is short
        assert [tuple(row) for row in kept.time_signatures.tolist()] == expected
        assert kept.track_names == ("Electric Bass (finger)", "drums")


def test_drums_stay_where_they_are_when_music_is_transposed() -> None:
    notes = array(NOTE, onset=[0, 0], duration=4, pitch=40, velocity=64, drum=[False, True])
    notes["track"] = [0, 1]
    for name in WITH_PROGRAMS:
        representation = REPRESENTATIONS[name]
        tokens = representation.encode(Piece("", 8, notes))
        moved = representation.decode(representation.transpose(tokens[None], np.array([5]))[0])
        assert {(int(n["pitch"]), bool(n["drum"])) for n in moved.notes} == {
            (45, False),
            (40, True),
        }


def test_drums_alone_are_no_track() -> None:
    drums = array(NOTE, onset=0, duration=4, pitch=36, velocity=64, drum=True)
    with pytest.raises(UnencodableError, match="no notes besides drums"):
        build("representation=remi", programs=False).encode(Piece("", 8, drums))
    assert build("representation=remi").decode(
        build("representation=remi").encode(Piece("", 8, drums))
    ).notes["drum"].tolist() == [True]


@pytest.mark.parametrize("name", ["remi", "tsd", "midilike"])
def test_byte_pairs_are_those_of_miditok(name: str, chorales: list[Piece]) -> None:
    representation = build(f"representation={name}", steps_per_quarter=4, vocabulary=1200)
    training, others = chorales[:20], chorales[20:40]
    representation.train(training)
    assert representation.size == 1200
    tokenizer = miditok_itself(representation)
    texts = [tokenizer(representation.score(piece)) for piece in training]
    for text in texts:
        tokenizer.complete_sequence(text)
    iterator = [[tokenizer._ids_to_bytes(text.ids, as_one_str=True)] for text in texts]
    tokenizer.train(vocab_size=1200, iterator=iterator)
    for piece in others:
        expected = numbers(representation, tokenizer(representation.score(piece)))
        tokens = representation.encode(piece)
        assert np.array_equal(tokens, expected)
        assert len(tokens) < len(representation.encode_base(piece)) / 2
        expanded, _ = representation.chains.expand(tokens)
        assert np.array_equal(expanded, representation.encode_base(piece))


def test_what_was_learned_travels(short_chorales: list[Piece]) -> None:
    learned = []
    for _ in range(2):
        representation = build("representation=remi", vocabulary=900)
        assert representation.state() is None
        representation.train(short_chorales[:6])
        learned.append(representation.state())
    assert learned[0] == learned[1]
    other = build("representation=remi", vocabulary=900)
    other.load_state(learned[0])
    for copy in (other, pickle.loads(pickle.dumps(other))):
        assert copy.state() == learned[0]
        assert copy.size == representation.size
        tokens = representation.encode(short_chorales[10])
        assert np.array_equal(copy.encode(short_chorales[10]), tokens)


def test_copies_for_other_processes_are_small_and_encode_the_same(
    short_chorales: list[Piece],
) -> None:
    representation = REPRESENTATIONS["cpword"]
    tokens = representation.encode(short_chorales[0])
    copy = pickle.dumps(representation)
    assert len(copy) < 1000
    assert np.array_equal(pickle.loads(copy).encode(short_chorales[0]), tokens)


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"\xff",
        b"{}",
        b"[]",
        b'{"merges": 3}',
        b'{"merges": [[1, 2, 3]]}',
        b'{"merges": [[1, "2"]]}',
        b'{"merges": [[1, 5000]]}',
        b'{"merges": [[-1, 5]]}',
        b'{"merges": [[true, 5]]}',
        json.dumps(
            {"merges": [[724 + i - (i > 0), 724 + i - (i > 0)] for i in range(60)]}
        ).encode(),
    ],
)
def test_damaged_pairs_are_refused(damaged: bytes) -> None:
    with pytest.raises(ValueError, match=r"pair|number"):
        build("representation=remi", vocabulary=900).load_state(damaged)


def test_settings_that_learn_nothing_are_told(short_chorales: list[Piece]) -> None:
    with pytest.raises(UserError, match=r"representation.vocabulary=600 leaves nothing to train"):
        build("representation=remi", vocabulary=600).train(short_chorales[:2])
    with pytest.raises(ValueError, match="no byte pairs of compound words"):
        build("representation=cpword", vocabulary=2000)
    with pytest.raises(ValueError, match="no state to load"):
        build("representation=remi").load_state(b'{"merges": []}')


def test_byte_pairs_are_not_transposed(short_chorales: list[Piece]) -> None:
    representation = build("representation=remi", vocabulary=900)
    representation.train(short_chorales[:6])
    tokens = representation.encode(short_chorales[0])[None]
    assert not representation.transposes
    assert np.array_equal(representation.transpose(tokens, np.array([0])), tokens)
    with pytest.raises(ValueError, match="cannot be transposed"):
        representation.transpose(tokens, np.array([1]))


def test_a_learned_token_says_what_it_stands_for(short_chorales: list[Piece]) -> None:
    representation = build("representation=remi", vocabulary=900)
    representation.train(short_chorales[:6])
    base = representation.base.size
    for token in range(base, representation.size - 1):
        words = representation.describe(token).split(" · ")
        chain, _ = representation.chains.expand(np.array([token]))
        assert len(chain) > 1
        assert words == [representation.describe(part) for part in chain]
    assert representation.base.kinds[0] == Kind.Bar
