import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import music21
import pytest

from ostinato.corpora.corpus import Corpus
from ostinato.corpora.ingest import Reject, ingest
from ostinato.errors import UserError
from ostinato.music.piece import Piece
from ostinato.music.writing import write_midi

CORPUS = Corpus(name="test", path="data/test")


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


def read(folder: Path, processes: int = 1) -> tuple[dict[str, Piece], list[Reject]]:
    results = list(ingest(folder, CORPUS, processes))
    rejects = [result for result in results if isinstance(result, Reject)]
    pieces = [result[1] for result in results if not isinstance(result, Reject)]
    return {piece.name: piece for piece in pieces}, rejects


def test_every_broken_file_is_rejected_with_a_reason_and_the_good_one_read(tmp_path: Path) -> None:
    for name, (content, _) in BROKEN.items():
        (tmp_path / f"{name}.mid").write_bytes(content)
    (tmp_path / "broken.mxl").write_bytes(b"PK")
    (tmp_path / "broken.abc").write_text("no music here")
    (tmp_path / "good.mid").write_bytes(midi(NOTE))
    pieces, rejects = read(tmp_path)
    assert list(pieces) == ["good"]
    reasons = {reject.file: reject.reason for reject in rejects}
    assert set(reasons) == {f"{name}.mid" for name in BROKEN} | {"broken.mxl", "broken.abc"}
    for name, (_, reason) in BROKEN.items():
        assert reason in reasons[f"{name}.mid"]


def test_a_note_that_never_ends_leaves_the_others(tmp_path: Path) -> None:
    (tmp_path / "open.mid").write_bytes(midi(NOTE + bytes([0, 0x90, 62, 64])))
    pieces, rejects = read(tmp_path)
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
    pieces, rejects = read(tmp_path)
    assert {"bwv1.6", "sub folder/lieder-0001", "sub folder/Übung"} <= set(pieces)
    assert not rejects
    assert pieces["bwv1.6"].time_signatures.tolist() == [(0, 1, 4), (24, 4, 4)]


def test_pieces_that_would_share_a_name_keep_their_suffix(tmp_path: Path) -> None:
    for name in ("a.mid", "a.midi", "a.mid.mid", "b.mid"):
        (tmp_path / name).write_bytes(midi(NOTE))
    assert sorted(read(tmp_path)[0]) == ["a.mid", "a.mid.mid", "a.midi", "b"]


def test_processes_do_not_change_what_is_read(bach: list[Piece], tmp_path: Path) -> None:
    import ostinato.corpora.ingest as module

    for piece in bach[:20]:
        write_midi(piece, tmp_path / f"{piece.name}.mid")
    (tmp_path / "a-broken.mid").write_bytes(b"la la la")
    alone = list(ingest(tmp_path, CORPUS, 1))
    worth, module.WORTH_PROCESSES = module.WORTH_PROCESSES, 0.0
    try:
        together = list(ingest(tmp_path, CORPUS, 2))
    finally:
        module.WORTH_PROCESSES = worth
    assert alone == together
    assert isinstance(alone[0], Reject)


def test_an_exported_chorale_is_read_as_the_score(bach: list[Piece], tmp_path: Path) -> None:
    write_midi(bach[0], tmp_path / "bwv1.6.mid")
    assert read(tmp_path)[0] == {"bwv1.6": bach[0].at_resolution(24)}


def test_a_folder_without_music_says_what_is_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is empty"):
        read(tmp_path)
    (tmp_path / "song.mp3").write_bytes(b"")
    with pytest.raises(UserError, match=r"only 1 \.mp3: files ending in \.mid"):
        read(tmp_path)


def test_pop_songs_keep_their_notes_and_their_names(published: Callable[[str], Path]) -> None:
    songs = published("pop909")
    pieces, rejects = read(songs, 2)
    assert not rejects
    assert list(pieces) == sorted(path.stem for path in songs.glob("*.mid"))
