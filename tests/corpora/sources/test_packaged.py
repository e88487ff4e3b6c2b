from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ostinato.corpora.sources.packaged import (
    QPM,
    RESOLUTION,
    BachChorales,
    EssenFolksongs,
    Monteverdi,
    ONeills,
    Packaged,
    Palestrina,
    RyansMammoth,
    Trecento,
    as_midi_holds_it,
)
from ostinato.music.piece import NOTE, TEMPO, Piece, array
from ostinato.music.reading import read_midi
from ostinato.music.writing import write_midi

CORPORA: list[type[Packaged]] = [
    BachChorales,
    RyansMammoth,
    EssenFolksongs,
    ONeills,
    Palestrina,
    Trecento,
    Monteverdi,
]
VOICES = {Trecento: {2, 3, 4, 5}, Monteverdi: {5, 6}}  # parts of the scores


def test_music21_carries_as_many_scores_as_each_corpus_says() -> None:
    assert [len(corpus().jobs()) for corpus in CORPORA] == [corpus.count for corpus in CORPORA]


def test_every_name_of_a_corpus_is_its_own() -> None:
    for corpus in CORPORA:
        names = [name for _, name, _ in corpus().jobs()]
        assert len({name.lower() for name in names}) == len(names)


def test_every_song_and_madrigal_is_read_with_its_voices() -> None:
    for corpus, voices in VOICES.items():
        pieces = list(corpus().pieces())
        assert len(pieces) == corpus.count
        assert {len(piece.track_names) for piece in pieces} == voices
        assert min(len(piece.notes) for piece in pieces) > 50


def test_every_chorale_is_read(bach: list[Piece]) -> None:
    assert len(bach) == 408
    assert {piece.resolution for piece in bach} == {RESOLUTION}
    assert all(len(piece.tempos) for piece in bach)
    assert sum(piece.tempos["qpm"][0] == QPM for piece in bach) > 338


# Where MusPy is wrong: parts whose split bar is filled up drift from the others; a tie ends with
# the next note of its pitch, in whatever voice; a tie leads on, however far; grace notes sound.
MENDED = {"bwv171.6", "bwv248.23-2", "bwv299", "bwv315", "bwv362"}


def test_chorales_keep_every_note_that_muspy_reads(
    bach: list[Piece], chorales: list[Piece]
) -> None:
    different = set()
    for ours, theirs in zip(bach, chorales, strict=True):
        assert ours.name == theirs.name
        onsets = theirs.notes["onset"].astype(np.int64) * RESOLUTION / theirs.resolution
        same = np.array_equal(ours.notes["onset"], onsets)
        if not same or not np.array_equal(ours.notes["pitch"], theirs.notes["pitch"]):
            different.add(ours.name)
    assert different == MENDED


def test_bars_of_every_chorale_begin_at_the_barlines_of_the_score(bach: list[Piece]) -> None:
    import muspy

    pickups = 0
    for piece, (file, _, _) in zip(bach, BachChorales().jobs(), strict=True):
        music = muspy.read_musicxml(str(file))
        lines = [line.time * RESOLUTION // music.resolution for line in music.barlines]
        assert piece.barlines().tolist() == lines or piece.name == "bwv171.6"
        first = music.time_signatures[0]
        pickups += lines[1] < 4 * RESOLUTION * first.numerator / first.denominator
    assert pickups == 282


def test_all_parts_of_a_chorale_begin_their_bars_together(bach: list[Piece]) -> None:
    """In bwv171.6 four parts fill up a split bar of one beat with two that are nothing."""
    (piece,) = [piece for piece in bach if piece.name == "bwv171.6"]
    metres = [(tick // RESOLUTION, *metre) for tick, *metre in piece.time_signatures.tolist()]
    split = [(93, 3, 4), (96, 1, 4), (97, 3, 4), (142, 2, 4), (144, 1, 4), (145, 4, 4)]
    assert metres == [(0, 1, 4), (1, 4, 4), *split]
    assert piece.end == 164 * RESOLUTION


def test_a_chorale_written_as_midi_reads_as_the_same_piece(
    bach: list[Piece], tmp_path: Path
) -> None:
    for piece in bach:
        write_midi(piece, tmp_path / "chorale.mid")
        assert read_midi(tmp_path / "chorale.mid") == piece


def test_programs_count_from_zero(bach: list[Piece]) -> None:
    """MusicXML's midi-program 1 is the grand piano, which MIDI calls 0."""
    first = next(piece for piece in bach if piece.name == "bwv1.6")
    assert set(first.notes["program"].tolist()) == {0}


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 40)), min_size=1, max_size=12))
def test_unisons_in_one_voice_survive_midi_once_they_are_as_midi_holds_them(
    times: list[tuple[int, int]],
) -> None:
    times = list(dict(times).items())  # one note on a tick
    onset, duration = (np.array(column) for column in zip(*times, strict=True))
    notes = array(NOTE, onset=onset, duration=duration, pitch=60, velocity=64)
    piece = as_midi_holds_it(Piece("", 24, notes, array(TEMPO, onset=0, qpm=97.0)))
    assert sorted(notes["onset"] + notes["duration"]) == sorted(
        piece.notes["onset"] + piece.notes["duration"]
    )
    assert as_midi_holds_it(piece) == piece
    with TemporaryDirectory() as folder:
        path = Path(folder) / "unisons.mid"
        write_midi(piece, path)
        assert read_midi(path) == replace(piece, track_names=("",))
