"""What representations drop is put back: tempo, metre and instruments."""

import json
from dataclasses import replace

import numpy as np

from ostinato.music.piece import NOTE, TEMPO, TIME_SIGNATURE, Piece, array
from ostinato.music.piece_defaults import PieceDefaults


def piece(
    qpm: float = 100.0, metre: tuple[int, int] = (3, 4), programs: tuple[int, ...] = (40,)
) -> Piece:
    """One note a track."""
    tracks = np.arange(len(programs))
    return Piece(
        "a",
        4,
        array(
            NOTE,
            onset=0,
            duration=4,
            pitch=60 + tracks,
            velocity=80,
            program=programs,
            track=tracks,
        ),
        tempos=array(TEMPO, onset=0, qpm=qpm),
        time_signatures=array(TIME_SIGNATURE, onset=0, numerator=metre[0], denominator=metre[1]),
        track_names=tuple(f"part {i}" for i in tracks),
    )


def test_the_defaults_are_what_most_pieces_have() -> None:
    defaults = PieceDefaults.of([piece(90), piece(100), piece(300, (4, 4), (0, 1))])
    assert defaults == PieceDefaults(100.0, 3, 4, (40,), ("part 0",))


def test_a_piece_that_changes_its_metre_often_counts_once() -> None:
    changing = array(TIME_SIGNATURE, onset=np.arange(6) * 40, numerator=[2, 5] * 3, denominator=4)
    restless = replace(piece(), time_signatures=changing)
    assert PieceDefaults.of([restless, piece(), piece()]).numerator == 3


def test_the_metre_of_pickups_is_not_that_of_the_pieces() -> None:
    signatures = array(TIME_SIGNATURE, onset=[0, 1], numerator=[1, 4], denominator=4)
    begins_early = replace(piece(), time_signatures=signatures)
    defaults = PieceDefaults.of([begins_early] * 3)
    assert (defaults.numerator, defaults.denominator) == (4, 4)


def test_pieces_without_a_tempo_or_metre_are_played_as_midi_says() -> None:
    bare = Piece("a", 4, np.zeros(0, NOTE))
    assert PieceDefaults.of([bare]) == PieceDefaults.of([]) == PieceDefaults(120.0, 4, 4, (), ())


def test_defaults_survive_json() -> None:
    defaults = PieceDefaults(96.5, 6, 8, (52, 0), ("Soprano", ""))
    assert PieceDefaults.from_json(json.dumps(defaults.to_dict()).encode()) == defaults


def test_dressing_gives_tempo_metre_and_instruments_and_keeps_the_notes() -> None:
    plain = piece(programs=(0, 0))
    changed = PieceDefaults(72.0, 6, 8, (52, 43), ("Soprano", "")).apply_to(plain)
    assert changed.tempos["qpm"].tolist() == [72.0]
    assert changed.time_signatures[["numerator", "denominator"]].tolist() == [(6, 8)]
    assert changed.notes["program"].tolist() == [52, 43]
    assert changed.track_names == ("Soprano", "part 1")
    for field in ("onset", "duration", "pitch"):
        assert np.array_equal(changed.notes[field], plain.notes[field])
    assert plain.notes["program"].tolist() == [0, 0]


def test_instruments_are_left_where_the_tracks_do_not_correspond() -> None:
    plain = piece(programs=(7,))
    changed = PieceDefaults(72.0, 4, 4, (52, 43), ("Soprano", "Bass")).apply_to(plain)
    assert changed.notes["program"].tolist() == [7]
    assert changed.track_names == ("part 0",)


def test_what_a_representation_keeps_is_left_as_the_piece_says() -> None:
    own = piece(programs=(7, 8))
    changed = PieceDefaults(72.0, 6, 8, (52, 43), ("Soprano", "")).apply_to(
        own, {"tempo", "metre", "programs"}
    )
    assert changed == own
    assert len(own.tempos) == len(own.time_signatures) == 1
    bare = replace(own, tempos=own.tempos[:0], time_signatures=own.time_signatures[:0])
    changed = PieceDefaults(72.0, 6, 8, (52, 43), ("Soprano", "")).apply_to(
        bare, {"tempo", "metre"}
    )
    assert changed.tempos["qpm"].tolist() == [72.0]
    assert changed.time_signatures[["numerator", "denominator"]].tolist() == [(6, 8)]
    assert changed.notes["program"].tolist() == [52, 43]
