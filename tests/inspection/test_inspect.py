"""`ostinato inspect` counts what is there."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from defaults import node_of
from ostinato import cli
from ostinato.config import Config
from ostinato.data.store import TokenStore
from ostinato.inspection import figures
from ostinato.inspection.statistics import CorpusStatistics
from ostinato.inspection.tokens import count, read_vocabulary, runs
from ostinato.models.bundle import Bundle, save_bundle
from ostinato.music.naming import clock, key_name, longest
from ostinato.music.piece import KEY_SIGNATURE, NOTE, TEMPO, TIME_SIGNATURE, Piece, array
from ostinato.music.piece_defaults import PieceDefaults
from ostinato.music.writing import write_midi
from ostinato.stages.encoding import report_losses, token_folder, token_store
from ostinato.stages.workspace import Workspace
from ostinato.weights import weight_shapes
from piece_stores import write_store
from small_networks import config_of, network_of

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in, on a wide terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ostinato.console.out._width", 160)
    return tmp_path


def shown(path: Path, captured: Captured, *more: str) -> list[list[str]]:
    """The cells of what is printed, row by row."""
    assert cli.main(["inspect", str(path), *more]) == 0
    lines = captured.readouterr().out.replace("┃", "│").splitlines()
    rows = [[cell.strip() for cell in line.split("│")] for line in lines]
    return [[cell for cell in row if cell] for row in rows]


def refused(path: Path, captured: Captured, *more: str) -> str:
    """The one line that the command prints when it refuses."""
    assert cli.main(["inspect", str(path), *more]) == 1
    *_, sentence = captured.readouterr().err.splitlines()  # below a bar, where files were read
    assert sentence.startswith("ostinato: ")
    return sentence


def statistics_of(pieces: list[Piece]) -> CorpusStatistics:
    statistics = CorpusStatistics()
    for piece in pieces:
        statistics.add(piece)
    return statistics


def stored(pieces: list[Piece], folder: Path) -> Path:
    folder.mkdir(parents=True)
    write_store([(f"{piece.name}.mid", piece) for piece in pieces], folder)
    return folder


def test_every_note_of_the_chorales_is_counted_once(chorales: list[Piece]) -> None:
    statistics = statistics_of(chorales)
    notes = sum(len(piece.notes) for piece in chorales)
    assert statistics.pieces == 408
    assert statistics.notes == notes
    assert statistics.pitches.sum() == statistics.durations.sum() == notes - statistics.drums
    assert sum(statistics.programs.values()) == notes
    for pieces in (statistics.keys, statistics.metres, statistics.tracks):
        assert sum(pieces.values()) == 408


def test_a_pickup_is_not_the_metre_of_a_chorale(chorales: list[Piece]) -> None:
    metres = statistics_of(chorales).metres
    assert metres.most_common(2)[0][0] == "4/4"
    assert metres.most_common(2)[1][0] == "3/4"
    assert "1/4" not in metres  # though most chorales begin with a bar of that length


def test_signatures_count_by_how_long_they_are_in_force() -> None:
    rows = [(0, 4, 4), (8, 3, 4), (20, 4, 4), (22, 3, 4), (24, 2, 4)]
    signatures = np.array(rows, TIME_SIGNATURE)
    assert longest(signatures, 30).tolist() == (3, 4)
    assert longest(signatures, 50).tolist() == (2, 4)
    assert longest(signatures[:0], 30) is None
    assert longest(signatures, 3) is not None


@pytest.mark.parametrize(
    ("fifths", "minor", "name"),
    [
        (0, False, "C major"),
        (0, True, "A minor"),
        (-3, True, "C minor"),
        (2, False, "D major"),
        (7, True, "A♯ minor"),
        (-7, False, "C♭ major"),
        (-128, False, "-128 fifths, major"),
    ],
)
def test_keys_have_their_names(fifths: int, minor: bool, name: str) -> None:
    assert key_name(fifths, minor) == name


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (129, "2 min 09 s"),
        (3599.7, "1 h 00 min"),
        (3 * 3600 + 299, "3 h 05 min"),
    ],
)
def test_times_are_told_in_units_that_fit(seconds: float, words: str) -> None:
    assert clock(seconds) == words


def test_drums_have_no_pitch_and_no_duration_but_are_notes() -> None:
    notes = array(NOTE, onset=[0, 4], duration=4, pitch=[60, 36], drum=[False, True], track=[0, 1])
    statistics = statistics_of([Piece("band", 4, notes)])
    assert (statistics.notes, statistics.drums) == (2, 1)
    assert np.flatnonzero(statistics.pitches).tolist() == [60]
    assert statistics.durations.sum() == 1
    assert statistics.programs == {(0, False): 1, (0, True): 1}


def test_the_mean_tempo_weighs_tempos_by_their_length() -> None:
    notes = array(NOTE, onset=0, duration=16, pitch=60)
    tempos = array(TEMPO, onset=[0, 8], qpm=[60.0, 120.0])
    assert statistics_of([Piece("x", 4, notes, tempos)]).qpm == [pytest.approx(80)]


def test_files_and_preprocessed_pieces_hold_the_same(
    short_chorales: list[Piece], here: Path, capsys: Captured
) -> None:
    for piece in short_chorales[:5]:
        write_midi(piece, here / "mine" / f"{piece.name}.mid")
    (here / "mine" / "broken.mid").write_bytes(b"MThd")
    stored(short_chorales[:5], here / "pieces")
    files, pieces = (shown(here / name, capsys) for name in ("mine", "pieces"))
    reason = "1: 1 because not a MIDI file: it does not begin with a MIDI header"
    assert ["rejected", reason] in files
    assert ["notes", f"{sum(len(p.notes) for p in short_chorales[:5]):,}"] in files
    told = [row for row in files if len(row) == 2 and row[0] != "rejected"]
    assert [row[0] for row in told] == [
        *("pieces", "notes", "music", "a piece", "mean tempo", "tracks", "pitches")
    ]
    assert all(row in pieces for row in told)
    assert (here / "outputs" / "inspected" / "mine.png").read_bytes()[:4] == b"\x89PNG"
    assert (here / "outputs" / "inspected" / "pieces.png").exists()


def test_one_file_tells_its_tracks_and_what_changes_in_which_bar(
    here: Path, capsys: Captured
) -> None:
    notes = array(
        NOTE, onset=[0, 480, 1920], duration=480, pitch=[60, 64, 36], velocity=80,
        program=[40, 40, 0], drum=[False, False, True], track=[0, 0, 1],
    )  # fmt: skip
    piece = Piece(
        "song", 480, notes,
        array(TEMPO, onset=[0, 2400], qpm=[90.0, 100.0]),
        array(TIME_SIGNATURE, onset=[0, 480], numerator=[1, 3], denominator=4),
        array(KEY_SIGNATURE, onset=[0], fifths=-3, minor=True),
        ("[bold]Violin[/bold]", "Kit"),
    )  # fmt: skip
    write_midi(piece, here / "song.mid")
    table = shown(here / "song.mid", capsys, "--picture", "roll.PNG")
    assert ["[bold]Violin[/bold]", "Violin (40)", "2", "C4 (60)", "E4 (64)"] in table
    assert ["Kit", "drums", "1", "-", "-"] in table
    assert ["1", "1", "metre 1/4"] in table
    assert ["2", "1", "metre 3/4"] in table
    assert ["1", "1", "C minor"] in table
    assert ["length", "3 bars, 5 quarter notes"] in table
    assert ["the picture is roll.PNG"] in table
    first = (here / "roll.PNG").read_bytes()
    assert first[:4] == b"\x89PNG"
    shown(here / "song.mid", capsys, "--picture", "roll.PNG")
    assert (here / "roll.PNG").read_bytes() == first
    assert not (here / "outputs").exists()


def test_a_book_of_tunes_is_a_collection(here: Path, capsys: Captured) -> None:
    tune = "X:{0}\nT:Tune {0}\nM:3/4\nL:1/4\nK:G\nGAB|cBA|G3|]\n"
    (here / "book.abc").write_text("\n".join(tune.format(i) for i in (1, 2)))
    table = shown(here / "book.abc", capsys)
    assert ["pieces", "2"] in table
    assert ["notes", "14"] in table


def test_a_token_store_explains_its_tokens(
    short_chorales: list[Piece], here: Path, capsys: Captured
) -> None:
    workspace = Workspace(here, here / "outputs")
    stored(short_chorales[:4], workspace.pieces)
    config = config_of("voices")
    representation = config.build("representation")
    tokens = token_store(config, workspace, representation)
    folder = next(p for p in (workspace.cache / "tokens").iterdir() if p.is_dir())
    table = shown(folder, capsys)
    hold = int((tokens.steps == 129).sum())
    (of_it,) = (row[1] for row in table if row[0] == "representation")
    assert of_it.startswith("Voices (voices=4, by_track=None, steps_per_quarter=4")
    assert ["tokens", f"{len(tokens.steps):,}"] in table
    assert any(row[:2] == [f"129 · {representation.describe(129)}", f"{hold:,}"] for row in table)
    _, (place, first, times), *_ = runs(tokens.piece(0))
    assert place == 1
    assert ["1", f"{first}", f"{times}", representation.describe(first)] in table
    meanings = read_vocabulary(folder / "vocabulary.tsv")
    assert meanings == {i: representation.describe(i) for i in range(representation.size)}
    (folder / "vocabulary.tsv").unlink()
    (folder / "representation.yaml").unlink()
    assert any(row[:1] == ["129"] for row in shown(folder, capsys))
    token_store(config, workspace, representation)
    assert table == shown(folder, capsys)


def test_what_a_representation_leaves_out_is_said_and_listed_by_piece(
    short_chorales: list[Piece], here: Path, capsys: Captured
) -> None:
    workspace = Workspace(here, here / "outputs")
    melody, *others = short_chorales[:4]
    notes = melody.notes.copy()
    notes["drum"] = notes["track"] == 3
    stored([replace(melody, notes=notes), *others], workspace.pieces)
    config = config_of("event")
    representation = config.build("representation")
    store = token_store(config, workspace, representation)
    folder = token_folder(config, workspace, representation)
    capsys.readouterr()
    report_losses(store, representation, folder)
    drums, total = int(notes["drum"].sum()), sum(len(piece.notes) for piece in short_chorales[:4])
    said = " ".join(capsys.readouterr().out.split())
    counts = f"event leaves out [0-9]+ of {total:,} notes in [0-9] of 4 pieces: {drums} of drums"
    assert re.match(counts, said)
    assert said.endswith("losses.csv)")
    rows = (folder / "losses.csv").read_text().splitlines()
    assert rows[1].startswith(f"{melody.name},{len(notes)},{drums},")
    assert any(row[0] == "not kept" for row in shown(folder, capsys))


def test_a_store_of_frames_explains_its_columns(
    short_chorales: list[Piece], here: Path, capsys: Captured
) -> None:
    workspace = Workspace(here, here / "outputs")
    stored(short_chorales[:4], workspace.pieces)
    config = Config({"representation": node_of("representation=pianoroll")})
    roll = config.build("representation")
    frames = token_store(config, workspace, roll)
    table = shown(next(p for p in (workspace.cache / "tokens").iterdir() if p.is_dir()), capsys)
    assert ["frames", f"{sum(len(roll.encode(p)) for p in short_chorales[:4]):,}"] in table
    used = np.count_nonzero(frames.steps[:], axis=0)
    column = int(used.argmax())
    assert any(
        row[:2] == [f"{column} · {roll.describe(column)}", f"{used.max():,}"] for row in table
    )


def test_tokens_are_counted_and_run_together() -> None:
    tokens = np.array([5, 5, 5, 2, 9, 9], np.uint16)
    assert runs(tokens) == [(0, 5, 3), (3, 2, 1), (4, 9, 2)]
    assert runs(tokens[:0]) == []
    none = np.zeros(0, np.int64)
    whole = TokenStore(tokens, none, np.array([0, 6]), none, none, none, ["x"], {})
    assert count(whole, 4).tolist() == [0, 0, 1, 0, 0, 3, 0, 0, 0, 2]
    assert count(whole, 12).sum() == 6


def test_a_model_is_told_without_building_it(here: Path, capsys: Captured) -> None:
    config, network = config_of("voices", "LSTM"), network_of("voices", backbone="LSTM")
    config.tree["choices"] |= {"corpus": "bach", "split": "random"}
    setting = PieceDefaults(96.0, 3, 4, (52,), ("Soprano",))
    folder = here / "outputs" / "model"
    save_bundle(Bundle(config, config.build("representation"), network, setting), folder)
    for name in ("split.json", "curves.csv"):
        (here / "outputs" / name).write_text("[1]\n2")  # of somebody else
    text = (folder / "config.yaml").read_text()
    (folder / "config.yaml").write_text(text.replace("ostinato.models.recurrent.", "strangers."))
    table = shown(folder, capsys)
    assert ["parameters", f"{sum(p.numel() for p in network.parameters()):,}"] in table
    assert ["vocabulary", "131 tokens"] in table
    assert ["trained on", "corpus bach, split random"] in table
    assert ["model.backbone.hidden_size", "16"] in table
    assert ["its usual tempo", "96 quarter notes per minute, in 3/4"] in table
    assert ["its usual tracks", "Soprano (Choir Aahs (52))"] in table
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    assert weight_shapes(folder / "weights.safetensors") == shapes


def test_what_cannot_be_inspected_is_one_sentence(
    short_chorales: list[Piece], here: Path, capsys: Captured
) -> None:
    (here / "empty").mkdir()
    (here / "notes.txt").write_text("do re mi")
    (here / "texts").mkdir()
    (here / "texts" / "notes.txt").write_text("do re mi")
    (here / "broken").mkdir()
    (here / "broken" / "song.mid").write_bytes(b"MThd")
    assert "nowhere is not there" in refused(Path("nowhere"), capsys)
    assert "empty is empty" in refused(Path("empty"), capsys)
    assert ".txt is not one of .mid" in refused(Path("notes.txt"), capsys)
    assert "no music in texts" in refused(Path("texts"), capsys)
    assert "broken holds no piece that can be read: song.mid" in refused(Path("broken"), capsys)
    assert "cannot be read" in refused(Path("broken/song.mid"), capsys)
    pieces = stored(short_chorales[:1], here / "outputs" / "pieces")
    write_midi(short_chorales[0], here / "outputs" / "samples" / "sample-01.mid")
    assert "inspect one of them, as outputs/pieces" in refused(Path("outputs"), capsys)
    assert "ends in .png" in refused(pieces, capsys, "--picture", "roll.svg")
    assert not (here / "outputs" / "inspected").exists()


@pytest.mark.parametrize(
    ("folder", "file"),
    [("pieces", "index.parquet"), ("tokens", "steps.bin"), ("model", "weights.safetensors")],
)
def test_a_damaged_thing_is_one_sentence(
    folder: str, file: str, here: Path, capsys: Captured
) -> None:
    (here / folder).mkdir()
    (here / folder / file).write_bytes(b"PAR1 and nothing more")
    assert "is damaged" in refused(Path(folder), capsys)


def test_a_picture_of_somebodys_own_is_never_replaced(here: Path, capsys: Captured) -> None:
    (here / "holiday.png").write_bytes(b"\x89PNG and a beach")
    (here / "folder.png").mkdir()
    for name in ("holiday.png", "folder.png"):
        sentence = refused(here / "data" / "bach", capsys, "--picture", name)
        assert f"{name} is there and was not drawn by ostinato" in sentence
    assert (here / "holiday.png").read_bytes() == b"\x89PNG and a beach"


@pytest.mark.parametrize("pieces", [0, 1, 3])
def test_any_collection_can_be_drawn(short_chorales: list[Piece], pieces: int) -> None:
    statistics = statistics_of(short_chorales[:pieces])
    first = figures.draw_corpus(statistics, "$some_music$")
    assert first == figures.draw_corpus(statistics, "$some_music$")
    assert first.startswith(b"\x89PNG")


def test_any_tokens_can_be_drawn() -> None:
    assert figures.draw_tokens([], [], [], "nothing").startswith(b"\x89PNG")
    drawn = figures.draw_tokens([("a" * 99, 1)], np.arange(9), [1, 10, 100_000], "x")
    assert drawn.startswith(b"\x89PNG")
