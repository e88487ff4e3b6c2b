"""MusicXML is read as it sounds: places, voices, ties, drums, keys and tempos."""

from pathlib import Path

import pytest
from musicxml import (
    attributes,
    backup,
    direction,
    metre,
    note,
    notes,
    part,
    read,
    score,
    tie,
    whole,
)

from ostinato.errors import UnreadableError

GRACE, CUE, CHORD = "<grace/>", "<cue/>", "<chord/>"
LINE = [(0, 1, 60), (1, 1, 62), (2, 1, 64), (3, 1, 65)]


def line(*between: str) -> str:
    """C D E F in quarters, with something before each."""
    before = [*between, "", "", "", ""]
    return "".join(before[i] + note(pitch, 1) for i, pitch in enumerate(("C4", "D4", "E4", "F4")))


def ungraced(pitch: str, chord: str = "", slash: str = "") -> str:
    return note(pitch, 0, first=f"<grace{slash}/>{chord}").replace("<duration>0</duration>", "")


# ---------------------------------------------------------------- places


@pytest.mark.parametrize(
    "between",
    [
        ungraced("G5"),
        ungraced("G5", slash=' slash="yes"') + ungraced("A5"),
        ungraced("G5") + ungraced("B5", chord=CHORD),
        note("G5", 0, first=GRACE),
        "<direction><direction-type><words>x</words></direction-type></direction>",
        "<harmony><root><root-step>C</root-step></root><kind>major</kind></harmony>",
        "<figured-bass><figure/><duration>1</duration></figured-bass>",
        "<print/><bookmark id='x'/><!-- nothing -->",
    ],
)
def test_graces_and_words_take_no_time(between: str, tmp_path: Path) -> None:
    assert notes(read(score(part(line("", between, between))), tmp_path)) == LINE


def test_a_cue_note_takes_its_time_in_silence(tmp_path: Path) -> None:
    cue = note("G5", 1, first=CUE) + note("B5", 1, first=CUE + CHORD)
    piece = read(score(part(cue + note("D4", 1) + note("E4", 2), whole("F4"))), tmp_path)
    assert notes(piece) == [(1, 1, 62), (2, 2, 64), (4, 4, 65)]


def test_a_grace_between_the_notes_of_a_chord_parts_nothing(tmp_path: Path) -> None:
    chord = note("C4", 2) + ungraced("G5") + note("E4", 2, first=CHORD) + note("D4", 2)
    assert notes(read(score(part(chord)), tmp_path)) == [(0, 2, 60), (0, 2, 64), (2, 2, 62)]


def test_notes_of_a_chord_may_differ_in_length(tmp_path: Path) -> None:
    chord = note("C4", 2) + note("E4", 1, first=CHORD) + note("D4", 2)
    assert notes(read(score(part(chord)), tmp_path)) == [(0, 1, 64), (0, 2, 60), (2, 2, 62)]


def test_a_bar_ends_where_its_longest_voice_does(tmp_path: Path) -> None:
    bar = whole("C4") + backup(4) + note("E3", 1, "<voice>2</voice>")
    assert notes(read(score(part(bar, whole("D4"))), tmp_path))[-1] == (4, 4, 62)


def test_a_voice_may_begin_late_by_a_forward(tmp_path: Path) -> None:
    forward = "<forward><duration>3</duration></forward>"
    bar = whole("C4") + backup(4) + forward + note("E3", 1, "<voice>2</voice>")
    found = notes(read(score(part(bar, whole("D4"))), tmp_path))
    assert found == [(0, 4, 60), (3, 1, 52), (4, 4, 62)]


def test_a_backup_beyond_the_bar_stops_at_its_beginning(tmp_path: Path) -> None:
    bar = whole("C4") + backup(9) + note("E3", 4, "<voice>2</voice>")
    assert notes(read(score(part(bar)), tmp_path)) == [(0, 4, 52), (0, 4, 60)]


def test_bars_of_all_parts_begin_together(tmp_path: Path) -> None:
    piece = read(score(part(note("C4", 3), whole("D4")), part(whole("E4"), whole("F4"))), tmp_path)
    assert notes(piece, 0) == [(0, 3, 60), (4, 4, 62)]
    long = read(score(part(note("C4", 5), whole("D4")), part(whole("E4"), whole("F4"))), tmp_path)
    assert notes(long, 1) == [(0, 4, 64), (5, 4, 65)]
    assert long.time_signatures.tolist() == [(0, 5, 4), (5, 4, 4)]


def test_parts_may_have_fewer_bars_or_none(tmp_path: Path) -> None:
    short, long = part(whole("C4")), part(whole("C3"), whole("D3"), whole("E3"))
    for parts in ((short, long), (long, short), ("<measure/>", long), ("", long)):
        piece = read(score(*parts), tmp_path)
        assert notes(piece)[-1] == (8, 4, 52)
        assert len(piece.track_names) == (2 if short in parts else 1)


def test_an_empty_bar_lasts_as_long_as_its_metre(tmp_path: Path) -> None:
    piece = read(score(part(whole("C4"), metre(3, 4), "", note("D4", 3))), tmp_path)
    assert notes(piece)[-1] == (10, 3, 62)
    assert piece.time_signatures.tolist() == [(0, 4, 4), (4, 3, 4)]


def test_a_whole_rest_in_a_shorter_metre_lasts_a_bar(tmp_path: Path) -> None:
    rests = note("r", 4).replace("<rest/>", '<rest measure="yes"/>')
    piece = read(score(part(metre(3, 4) + rests, note("C4", 3))), tmp_path)
    assert notes(piece) == [(3, 3, 60)]


def test_rests_alone_make_no_bar_longer(tmp_path: Path) -> None:
    long = part(note("r", 4) + note("r", 4), whole("C4"))
    assert notes(read(score(long, part(whole("E3"), whole("F3"))), tmp_path), 0) == [(4, 4, 60)]
    pickup = f'<measure implicit="yes">{note("E3", 1)}</measure>'
    rest = f'<measure implicit="yes">{note("r", 4)}</measure>'
    piece = read(score(part(rest, whole("C4")), part(pickup, whole("F3"))), tmp_path)
    assert notes(piece) == [(0, 1, 52), (1, 4, 53), (1, 4, 60)]


def test_rests_after_notes_count(tmp_path: Path) -> None:
    cadenza = note("C4", 4) + note("r", 3)
    assert notes(read(score(part(cadenza, whole("D4"))), tmp_path))[-1] == (7, 4, 62)


def test_a_pickup_and_a_split_bar_keep_their_lengths(tmp_path: Path) -> None:
    bars = (
        f'<measure number="0" implicit="yes">{note("C4", 1)}</measure>',
        whole("D4"),
        note("E4", 3),
        f'<measure number="X1" implicit="yes">{note("F4", 1)}</measure>',
        whole("G4"),
    )
    piece = read(score(part(*bars)), tmp_path)
    assert piece.barlines().tolist() == [0, 1, 5, 8, 9]
    assert piece.time_signatures["numerator"].tolist() == [1, 4, 3, 1, 4]


def test_filling_up_an_implicit_bar_does_not_make_it_longer(tmp_path: Path) -> None:
    filled = note("r", 1) + "<forward><duration>3</duration></forward>"
    first = f'<measure implicit="yes">{filled}</measure>'
    piece = read(score(part(first, whole("C4")), part(note("B3", 1), whole("D4"))), tmp_path)
    assert notes(piece) == [(0, 1, 59), (1, 4, 60), (1, 4, 62)]


def test_divisions_may_change_and_be_decimal(tmp_path: Path) -> None:
    eighths = attributes("<divisions>2</divisions>")
    tuplet = attributes("<divisions>3</divisions>")
    bar = note("C4", 1) + eighths + note("D4", 1) + note("E4", 1) + tuplet + note("F4", 6)
    piece = read(score(part(bar)), tmp_path)
    assert notes(piece) == [(0, 1, 60), (1, 0.5, 62), (1.5, 0.5, 64), (2, 2, 65)]
    half = read(score(part(note("C4", "0.5") + note("D4", "1.5"))), tmp_path)
    assert notes(half) == [(0, 0.5, 60), (0.5, 1.5, 62)]


def test_a_part_without_divisions_has_those_of_the_first(tmp_path: Path) -> None:
    second = f"<measure>{whole('E3')}</measure>"
    assert notes(read(score(part(whole("C4"), divisions=4), second), tmp_path)) == [
        (0, 1, 52),
        (0, 1, 60),
    ]


def test_triplets_and_quintuplets_stay_exact(tmp_path: Path) -> None:
    bar = "".join(note("C4", 5) for _ in range(3)) + "".join(note("D4", 3) for _ in range(5))
    piece = read(score(part(bar, divisions=15)), tmp_path)
    assert piece.notes["onset"].tolist() == [0, 5, 10, 15, 18, 21, 24, 27]
    assert piece.resolution == 15


def test_a_bar_that_a_sign_repeats_is_played(tmp_path: Path) -> None:
    begins = '<measure-style><measure-repeat type="start">1</measure-repeat></measure-style>'
    ends = '<measure-style><measure-repeat type="stop"/></measure-style>'
    bars = (line(), attributes(begins) + note("r", 4), "", attributes(ends) + note("r", 4))
    found = notes(read(score(part(*bars)), tmp_path))
    assert found == sorted((4 * bar + at, *rest) for bar in range(3) for at, *rest in LINE)


# ---------------------------------------------------------------- ties


def test_ties_are_joined_along_a_voice(tmp_path: Path) -> None:
    bars = (
        note("G4", 4, tie("start")),
        note("G4", 4, tie("stop", "start")),
        note("G4", 2, tie("stop")) + note("G4", 2),
    )
    assert notes(read(score(part(*bars)), tmp_path)) == [(0, 10, 67), (10, 2, 67)]


def test_a_tie_may_lead_to_another_voice(tmp_path: Path) -> None:
    second = whole("r") + backup(4) + note("G4", 4, tie("stop", voice="2"))
    assert notes(read(score(part(note("G4", 4, tie("start")), second)), tmp_path)) == [(0, 8, 67)]


def test_each_voice_keeps_its_own_ties(tmp_path: Path) -> None:
    first = note("G4", 4, tie("start")) + backup(4) + note("G4", 4, tie("start", voice="2"))
    second = note("G4", 1, tie("stop", voice="2")) + note("r", 3, tie(voice="2"))
    second += backup(4) + note("G4", 4, tie("stop"))
    assert notes(read(score(part(first, second)), tmp_path)) == [(0, 5, 67), (0, 8, 67)]


def test_of_a_chord_some_notes_are_tied(tmp_path: Path) -> None:
    first = note("C4", 4, tie("start")) + note("E4", 4, tie(), CHORD)
    second = note("C4", 4, tie("stop")) + note("E4", 4, tie(), CHORD)
    found = notes(read(score(part(first, second)), tmp_path))
    assert found == [(0, 4, 64), (0, 8, 60), (4, 4, 64)]


def test_a_tie_that_is_only_drawn_counts(tmp_path: Path) -> None:
    first, second = (
        note("C4", 4, f'<notations><tied type="{kind}"/></notations>') for kind in ("start", "stop")
    )
    assert notes(read(score(part(first, second)), tmp_path)) == [(0, 8, 60)]


def test_a_tie_to_nothing_lets_the_note_ring_out(tmp_path: Path) -> None:
    ring = '<notations><tied type="let-ring"/></notations>'
    for end in (tie("start"), ring):
        bars = (note("G4", 4, end), whole("A4"), whole("G4"))
        found = notes(read(score(part(*bars)), tmp_path))
        assert found == [(0, 4, 67), (4, 4, 69), (8, 4, 67)]


def test_a_stop_without_a_start_is_a_note(tmp_path: Path) -> None:
    bars = (whole("G4"), note("G4", 4, tie("stop")))
    assert notes(read(score(part(*bars)), tmp_path)) == [(0, 4, 67), (4, 4, 67)]


# ---------------------------------------------------------------- sounds


def transposed(inside: str, key: int = 0) -> str:
    fifths = f"<key><fifths>{key}</fifths></key>"
    return attributes(f"{fifths}<transpose>{inside}</transpose>")


@pytest.mark.parametrize(
    ("inside", "sounding"),
    [
        ("<diatonic>-1</diatonic><chromatic>-2</chromatic>", [58]),
        ("<chromatic>-7</chromatic>", [53]),
        ("<chromatic>0</chromatic><octave-change>-1</octave-change>", [48]),
        ("<chromatic>-2</chromatic><octave-change>-1</octave-change>", [46]),
        ("<chromatic>0</chromatic><double/>", [48, 60]),
        ('<chromatic>0</chromatic><double above="yes"/>', [60, 72]),
    ],
)
def test_transposing_instruments_sound_as_they_do(
    inside: str, sounding: list[int], tmp_path: Path
) -> None:
    piece = read(score(part(transposed(inside) + whole("C4"))), tmp_path)
    assert piece.notes["pitch"].tolist() == sounding


def test_a_transposition_may_be_of_one_staff_and_may_end(tmp_path: Path) -> None:
    two = attributes(
        '<staves>2</staves><transpose number="2"><chromatic>-12</chromatic></transpose>'
    )
    bar = note("C4", 4, "<staff>1</staff>") + backup(4) + note("C4", 4, "<staff>2</staff>")
    assert notes(read(score(part(two + bar)), tmp_path)) == [(0, 4, 48), (0, 4, 60)]
    ends = attributes("<transpose><chromatic>0</chromatic></transpose>")
    begins = attributes("<transpose><chromatic>-2</chromatic></transpose>")
    piece = read(score(part(begins + whole("D4"), ends + whole("C4"))), tmp_path)
    assert piece.notes["pitch"].tolist() == [60, 60]


@pytest.mark.parametrize(
    ("inside", "written", "sounding"),
    [
        ("<diatonic>-1</diatonic><chromatic>-2</chromatic>", 2, 0),
        ("<chromatic>-2</chromatic>", 0, -2),
        ("<diatonic>-4</diatonic><chromatic>-7</chromatic>", 1, 0),
        ("<diatonic>-5</diatonic><chromatic>-9</chromatic>", 3, 0),
        ("<diatonic>1</diatonic><chromatic>2</chromatic>", 6, -4),
        ("<chromatic>-12</chromatic>", 5, 5),
    ],
)
def test_keys_are_those_that_sound(
    inside: str, written: int, sounding: int, tmp_path: Path
) -> None:
    piece = read(score(part(transposed(inside, written) + whole("C5"))), tmp_path)
    assert piece.key_signatures.tolist() == [(0, sounding, False)]


def test_a_key_is_not_taken_from_drums(tmp_path: Path) -> None:
    kit = attributes("<key><fifths>0</fifths></key>") + unpitched()
    piano = attributes("<key><fifths>2</fifths></key>") + whole("D4")
    drums = INSTRUMENT.format("Kit", "Snare", MIDI.format(10, ""))
    listed = drums + '<score-part id="P2"><part-name>Piano</part-name></score-part>'
    piece = read(score(part(kit), part(piano), listed=listed), tmp_path)
    assert piece.key_signatures.tolist() == [(0, 2, False)]


def test_an_octave_shift_and_a_clef_move_nothing(tmp_path: Path) -> None:
    clef = "<clef><sign>G</sign><line>2</line><clef-octave-change>-1</clef-octave-change></clef>"
    shift = direction('<octave-shift type="down" size="8"/>')
    assert notes(read(score(part(attributes(clef) + shift + whole("C4"))), tmp_path)) == [
        (0, 4, 60)
    ]


INSTRUMENT = (
    '<score-part id="P1"><part-name>{}</part-name><score-instrument id="I"><instrument-name>{}'
    "</instrument-name></score-instrument>{}</score-part>"
)
MIDI = '<midi-instrument id="I"><midi-channel>{}</midi-channel>{}</midi-instrument>'


def unpitched(duration: int = 4) -> str:
    shown = (
        "<unpitched><display-step>E</display-step><display-octave>4</display-octave></unpitched>"
    )
    return f"<note>{shown}<duration>{duration}</duration></note>"


def test_programs_count_from_one_and_impossible_ones_are_none(tmp_path: Path) -> None:
    for program, found in (("41", 40), ("128", 127), ("0", 0), ("200", 0), ("x", 0)):
        midi = MIDI.format(1, f"<midi-program>{program}</midi-program><volume>50</volume>")
        piece = read(
            score(part(whole("C4")), listed=INSTRUMENT.format("Vl", "Violin", midi)), tmp_path
        )
        assert piece.notes["program"].tolist() == [found]
        assert piece.track_names == ("Vl",)
        assert not piece.notes["drum"].any()


def test_a_drum_without_its_number_is_what_its_name_says_or_refused(tmp_path: Path) -> None:
    triangle = INSTRUMENT.format("Perc.", "Triangle", "")
    piece = read(score(part(unpitched()), listed=triangle), tmp_path)
    assert notes(piece) == [(0, 4, 81)]
    assert piece.notes["drum"].all()
    with pytest.raises(UnreadableError, match="does not say which drum"):
        read(score(part(unpitched()), listed=INSTRUMENT.format("Perc.", "Anvil", "")), tmp_path)


def test_which_of_several_drums_must_be_said(tmp_path: Path) -> None:
    two = "".join(
        f'<midi-instrument id="I{key}"><midi-unpitched>{key}</midi-unpitched></midi-instrument>'
        for key in (37, 39)
    )
    listed = INSTRUMENT.format("Kit", "Kit", two)
    named = unpitched().replace("</note>", '<instrument id="I39"/></note>')
    assert notes(read(score(part(named), listed=listed), tmp_path)) == [(0, 4, 38)]
    for unnamed in (unpitched(), named.replace("I39", "I40")):
        with pytest.raises(UnreadableError, match="does not say which drum"):
            read(score(part(unnamed), listed=listed), tmp_path)


def test_pitches_on_the_channel_of_drums_are_drums_of_a_kit_only(tmp_path: Path) -> None:
    kit = MIDI.format(10, "<midi-program>1</midi-program>")
    tenth = MIDI.format(10, "<midi-program>41</midi-program>")
    for midi, drums in ((kit, True), (tenth, False)):
        listed = INSTRUMENT.format("x", "y", midi)
        piece = read(score(part(whole("C4")), listed=listed), tmp_path)
        assert piece.notes["drum"].tolist() == [drums]
        assert piece.notes["pitch"].tolist() == [60]


def test_an_instrument_may_change_in_the_course_of_a_part(tmp_path: Path) -> None:
    listed = INSTRUMENT.format("Reed", "Oboe", MIDI.format(1, "<midi-program>69</midi-program>"))
    change = MIDI.format(1, "<midi-program>70</midi-program>")
    bar = f"<sound>{change}</sound>{whole('D4')}"
    piece = read(score(part(whole("C4"), bar), listed=listed), tmp_path)
    assert piece.notes["program"].tolist() == [68, 69]
    assert piece.notes["track"].tolist() == [0, 1]


def test_two_staves_of_a_part_are_one_track(tmp_path: Path) -> None:
    bar = note("C5", 4, "<staff>1</staff>") + backup(4) + note("C3", 4, "<staff>2</staff>")
    assert read(score(part(bar)), tmp_path).track_names == ("P1",)


def test_dynamics_are_per_cent_of_forte_and_hold_in_all_voices(tmp_path: Path) -> None:
    loud = '<sound dynamics="100"/>'
    bar = (
        note("C4", 2)
        + loud
        + note("D4", 2)
        + backup(4)
        + note("E3", 2)
        + note("F3", 2, dynamics="50")
    )
    piece = read(score(part(bar)), tmp_path)
    assert piece.notes["velocity"].tolist() == [64, 64, 45, 90]


# ---------------------------------------------------------------- metres, keys, tempos

EIGHTHS = "<beats>3</beats><beat-type>8</beat-type>"


@pytest.mark.parametrize(
    ("time", "found"),
    [
        ("<beats>3+2</beats><beat-type>8</beat-type>", (5, 8)),
        (
            "<beats>3</beats><beat-type>8</beat-type><beats>1</beats><beat-type>4</beat-type>",
            (5, 8),
        ),
        (
            "<beats>6</beats><beat-type>8</beat-type><interchangeable><time-relation>equals"
            "</time-relation><beats>3</beats><beat-type>4</beat-type></interchangeable>",
            (6, 8),
        ),
        ("<beats>10</beats><beat-type>16</beat-type>", (10, 16)),
    ],
)
def test_metres_are_added_up(time: str, found: tuple[int, int], tmp_path: Path) -> None:
    quarters = 4 * found[0] / found[1]
    bar = note("C4", int(4 * quarters))
    piece = read(score(part(bar, bar, start=f"<time>{time}</time>", divisions=4)), tmp_path)
    assert piece.time_signatures.tolist() == [(0, *found)]
    assert piece.barlines().tolist() == [0, int(4 * quarters)]


@pytest.mark.parametrize(
    "time",
    [
        "<beats>four</beats><beat-type>4</beat-type>",
        "<beats>10000000</beats><beat-type>4</beat-type>",
        "<beats>4</beats><beat-type>6</beat-type>",
        "<beats/><beat-type/>",
        "<senza-misura/>",
        "",
    ],
)
def test_an_unreadable_metre_costs_neither_notes_nor_barlines(time: str, tmp_path: Path) -> None:
    piece = read(score(part(note("C4", 3), note("D4", 5), start=f"<time>{time}</time>")), tmp_path)
    assert notes(piece) == [(0, 3, 60), (3, 5, 62)]
    assert piece.barlines().tolist() == [0, 3]


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("<fifths>-3</fifths><mode>minor</mode>", [(0, -3, True)]),
        ("<cancel>2</cancel><fifths>1</fifths>", [(0, 1, False)]),
        ("<fifths>2</fifths><mode>mixolydian</mode>", [(0, 2, False)]),
        ("<fifths>many</fifths>", []),
        ("<fifths>99</fifths>", []),
        ("<key-step>F</key-step><key-alter>1</key-alter>", []),
        ("", []),
    ],
)
def test_an_unreadable_key_costs_itself_only(
    key: str, found: list[tuple[int, int, bool]], tmp_path: Path
) -> None:
    piece = read(score(part(whole("C4"), start=f"<key>{key}</key>")), tmp_path)
    assert notes(piece) == [(0, 4, 60)]
    assert piece.key_signatures.tolist() == found


METRONOME = "<metronome>{}</metronome>"
QUARTER, DOTTED = "<beat-unit>quarter</beat-unit>", "<beat-unit>quarter</beat-unit><beat-unit-dot/>"


@pytest.mark.parametrize(
    ("mark", "found"),
    [
        (direction(sound='tempo="72"'), [72]),
        ('<sound tempo="66.5"/>', [66.5]),
        (direction(METRONOME.format(f"{QUARTER}<per-minute>90</per-minute>")), [90]),
        (direction(METRONOME.format(f"{DOTTED}<per-minute>60</per-minute>")), [90]),
        (
            direction(METRONOME.format("<beat-unit>half</beat-unit><per-minute>60</per-minute>")),
            [120],
        ),
        (
            direction(METRONOME.format("<beat-unit>eighth</beat-unit><per-minute>80</per-minute>")),
            [40],
        ),
        (direction(METRONOME.format(f"{QUARTER}<per-minute>ca. 72</per-minute>")), [72]),
        (direction(METRONOME.format(f"{QUARTER}<per-minute>lively</per-minute>")), []),
        (direction(METRONOME.format("<beat-unit>step</beat-unit><per-minute>9</per-minute>")), []),
        (
            direction(METRONOME.format(f"{QUARTER}<per-minute>90</per-minute>"), 'tempo="80"'),
            [80],
        ),
        (direction(sound='tempo="fast"'), []),
        (direction(sound='tempo="0"'), []),
        (direction(sound='tempo="1e9"'), []),
    ],
)
def test_tempos(mark: str, found: list[float], tmp_path: Path) -> None:
    piece = read(score(part(mark + whole("C4"))), tmp_path)
    assert piece.tempos["qpm"].tolist() == found
    assert notes(piece) == [(0, 4, 60)]


def test_a_metric_modulation_changes_the_tempo_in_proportion(tmp_path: Path) -> None:
    modulation = direction(METRONOME.format(QUARTER + DOTTED))  # a quarter was what is now dotted
    bars = ('<sound tempo="80"/>' + whole("C4"), modulation + whole("D4"))
    assert read(score(part(*bars)), tmp_path).tempos.tolist() == [(0, 80), (4, 120)]


def test_tempos_are_heard_where_they_stand(tmp_path: Path) -> None:
    late = direction(sound='tempo="60"', after='<offset sound="yes">1</offset>')
    drawn = direction(sound='tempo="90"', after="<offset>1</offset>")
    bars = (note("C4", 2) + late + note("D4", 2), note("E4", 2) + drawn + note("F4", 2))
    assert read(score(part(*bars)), tmp_path).tempos.tolist() == [(3, 60), (6, 90)]


def test_tempos_of_any_part_hold_for_all(tmp_path: Path) -> None:
    parts = (part(whole("C4", "D4")), part('<sound tempo="50"/>' + whole("C3")))
    assert read(score(*parts), tmp_path).tempos.tolist() == [(0, 50)]
