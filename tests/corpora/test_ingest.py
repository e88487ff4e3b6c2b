import os
import shutil
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import music21
import numpy as np
import pytest
from corpus_reading import read

from defaults import build
from ostinato.corpora.corpus import Corpus
from ostinato.corpora.ingest import ingest
from ostinato.corpora.store import PieceStore, Reject, finish, read_rejects
from ostinato.errors import UserError
from ostinato.music.piece import Piece
from ostinato.music.reading import music_files
from ostinato.music.writing import write_midi
from ostinato.parallel import Workers

CORPUS = build("corpus=_base", name="test", path="data/test")


def midi(events: bytes, kind: int = 0) -> bytes:
    track = events + b"\x00\xff\x2f\x00"
    header = struct.pack(">IHHH", 6, kind, 1, 24)
    return b"MThd" + header + b"MTrk" + struct.pack(">I", len(track)) + track


NOTE = bytes([0, 0x90, 60, 64, 24, 0x80, 60, 0])
BROKEN = {
    "0 bytes": (b"", "0 bytes"),
    "truncated": (midi(NOTE)[:-6], "cut short"),
    "text": (b"la la la", "not a MIDI file"),
    "type 2": (midi(NOTE, kind=2), "type-2"),
    "no notes": (midi(b""), "no notes"),
    "a note that never ends": (midi(NOTE[:4]), "no notes"),
}


def test_every_broken_file_is_rejected_with_a_reason_and_the_good_one_read(tmp_path: Path) -> None:
    for name, (content, _) in BROKEN.items():
        (tmp_path / f"{name}.mid").write_bytes(content)
    (tmp_path / "broken.mxl").write_bytes(b"PK")
    (tmp_path / "broken.abc").write_text("no music here")
    (tmp_path / "good.mid").write_bytes(midi(NOTE))
    pieces, rejects = read(tmp_path, CORPUS)
    assert list(pieces) == ["good"]
    reasons = {reject.file: reject.reason for reject in rejects}
    assert set(reasons) == {f"{name}.mid" for name in BROKEN} | {"broken.mxl", "broken.abc"}
    for name, (_, reason) in BROKEN.items():
        assert reason in reasons[f"{name}.mid"]


def test_a_note_that_never_ends_leaves_the_others(tmp_path: Path) -> None:
    (tmp_path / "open.mid").write_bytes(midi(NOTE + bytes([0, 0x90, 62, 64])))
    pieces, rejects = read(tmp_path, CORPUS)
    assert pieces["open"].notes["pitch"].tolist() == [60]
    assert not rejects


def test_midi_musicxml_and_abc_lie_side_by_side(tmp_path: Path) -> None:
    corpus = Path(music21.__file__).parent / "corpus"
    (tmp_path / "sub folder").mkdir()
    shutil.copy(corpus / "bach" / "bwv1.6.mxl", tmp_path)
    shutil.copy(corpus / "essenFolksong" / "teste.abc", tmp_path / "sub folder" / "lieder.abc")
    (tmp_path / "sub folder" / "Übung.MID").write_bytes(midi(NOTE))
    (tmp_path / "readme.txt").write_text("not music")
    (tmp_path / "._hidden.mid").write_text("what a Mac leaves behind")
    pieces, rejects = read(tmp_path, CORPUS)
    assert {"bwv1.6", "sub folder/lieder-0001", "sub folder/Übung"} <= set(pieces)
    assert not rejects
    assert pieces["bwv1.6"].time_signatures.tolist() == [(0, 1, 4), (24, 4, 4)]


def test_pieces_that_would_share_a_name_keep_their_suffix(tmp_path: Path) -> None:
    for name in ("a.mid", "a.midi", "a.mid.mid", "b.mid"):
        (tmp_path / name).write_bytes(midi(NOTE))
    assert sorted(read(tmp_path, CORPUS)[0]) == ["a.mid", "a.mid.mid", "a.midi", "b"]


def parts_of(
    folder: Path, into: Path, workers: Workers, corpus: Corpus = CORPUS
) -> dict[str, bytes]:
    into.mkdir(exist_ok=True)
    parts = ingest(folder, music_files(folder), corpus, into, workers)
    finish(into, parts, drop_duplicates=False)
    return {path.name: path.read_bytes() for path in into.iterdir()}


@pytest.fixture
def always_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ostinato.corpora.ingest.WORTH_PROCESSES", 0.0)


@pytest.fixture
def music(bach: list[Piece], tmp_path: Path) -> Path:
    """150 chorales and a broken file, which make three parts."""
    for piece in bach[:150]:
        write_midi(piece, tmp_path / "music" / f"{piece.name}.mid")
    (tmp_path / "music" / "a-broken.mid").write_bytes(b"la la la")
    return tmp_path / "music"


@pytest.mark.usefixtures("always_worth_it")
def test_processes_do_not_change_what_is_written(music: Path, tmp_path: Path) -> None:
    alone = parts_of(music, tmp_path / "alone", build("preprocess=loky", processes=1))
    assert alone == parts_of(music, tmp_path / "together", build("preprocess=loky", processes=2))
    parts = [f"{kind}-0000{i}.parquet" for kind in ("notes", "pieces") for i in range(3)]
    assert sorted(alone) == ["index.parquet", *parts, "rejects.csv"]
    assert len(PieceStore(tmp_path / "alone")) == 150


def test_a_reading_that_was_stopped_goes_on_where_it_was(
    music: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = parts_of(music, tmp_path / "whole", build("preprocess=loky", processes=1))
    (tmp_path / "stopped").mkdir()
    for name in ("notes-00001.parquet", "pieces-00001.parquet"):
        kept = tmp_path / "stopped" / name
        kept.write_bytes(whole[name])
    before = kept.stat()
    assert parts_of(music, tmp_path / "stopped", build("preprocess=loky", processes=1)) == whole
    assert (before.st_ino, before.st_mtime_ns) == (kept.stat().st_ino, kept.stat().st_mtime_ns)
    assert "64 of 151 were read before" in capfd.readouterr().out


class Deadly(float):
    """A limit that kills the process which measures a piece of one length, as a crash in C does."""

    def __lt__(self, quarters: float) -> bool:
        if quarters == 999:
            os._exit(1)
        return False


@pytest.mark.usefixtures("always_worth_it")
def test_a_piece_that_kills_its_reader_costs_no_other(
    music: Path, bach: list[Piece], tmp_path: Path
) -> None:
    last = bach[0].notes[-1:].copy()
    last["onset"] = 998 * bach[0].resolution
    last["duration"] = bach[0].resolution
    for name in ("deadly", "z-deadly"):
        write_midi(replace(bach[0], notes=np.append(bach[0].notes, last)), music / f"{name}.mid")
    corpus = build("corpus=_base", name="test", path="data/test", max_quarters=Deadly(1))
    parts_of(music, tmp_path / "pieces", build("preprocess=loky", processes=2), corpus)
    assert len(PieceStore(tmp_path / "pieces")) == 150
    reasons = {reject.file: reject.reason for reject in read_rejects(tmp_path / "pieces")}
    assert sorted(reasons) == ["a-broken.mid", "deadly.mid", "z-deadly.mid"]
    assert reasons["deadly.mid"] == "reading it crashed or ran out of memory"


def test_the_same_music_twice_is_dropped_where_the_corpus_says_so(
    bach: list[Piece], tmp_path: Path
) -> None:
    for folder, name in (("b", "same"), ("a", "first"), ("c", "other")):
        piece = bach[1] if name == "other" else bach[0]
        write_midi(replace(piece, name=name), tmp_path / folder / f"{name}.mid")
    corpora = [
        build("corpus=_base", name="test", path="data/test", duplicates=d) for d in ("keep", "drop")
    ]
    assert len(read(tmp_path, corpora[0])[0]) == 3
    pieces, rejects = read(tmp_path, corpora[1])
    assert list(pieces) == ["a/first", "c/other"]
    assert rejects == [Reject("b/same.mid", "it is the same music as a/first.mid")]


def test_an_exported_chorale_is_read_as_the_score(bach: list[Piece], tmp_path: Path) -> None:
    write_midi(bach[0], tmp_path / "bwv1.6.mid")
    assert read(tmp_path, CORPUS)[0] == {"bwv1.6": bach[0].at_resolution(24)}


def test_a_folder_without_music_says_what_is_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is empty"):
        read(tmp_path, CORPUS)
    (tmp_path / "song.mp3").write_bytes(b"")
    with pytest.raises(UserError, match=r"only 1 \.mp3: files ending in \.mid"):
        read(tmp_path, CORPUS)


def test_pop_songs_keep_their_notes_and_their_names(published: Callable[[str], Path]) -> None:
    songs = published("pop909")
    pieces, rejects = read(songs, CORPUS, build("preprocess=loky", processes=2))
    assert not rejects
    assert list(pieces) == sorted(path.stem for path in songs.glob("*.mid"))


def test_names_that_are_no_utf8_stay_apart(tmp_path: Path) -> None:
    for name in (b"caf\xe9.mid", b"caf\xe8.mid"):
        Path(os.fsdecode(bytes(tmp_path) + b"/" + name)).write_bytes(midi(NOTE))
    assert sorted(read(tmp_path, CORPUS)[0]) == ["caf\\udce8", "caf\\udce9"]
