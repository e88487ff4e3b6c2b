"""Published archives, made small: as their authors lay them out, from fetch to split."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from archives import Files, Writer, tarred, zipped
from loopback import Server, serving
from ostinato.config import compose
from ostinato.corpora.corpus import Corpus
from ostinato.corpora.sources.archive import Archive, MuspyArchive
from ostinato.corpora.sources.checksum import digest
from ostinato.corpora.sources.download import CHUNK, kept_in
from ostinato.corpora.splitting import FolderSplit
from ostinato.corpora.store import PieceStore
from ostinato.errors import UserError
from ostinato.music.piece import Piece
from ostinato.music.writing import write_midi
from ostinato.stages.fetch import fetch
from ostinato.stages.preprocess import preprocess

CONF = Path(__file__).parents[3] / "conf"
APPLE = b"\x00\x05\x16\x07"  # how macOS's companion of a file begins


def midi(pieces: list[Piece], folder: Path) -> list[bytes]:
    """The pieces as MIDI files."""
    for number, piece in enumerate(pieces):
        write_midi(piece, folder / f"{number}.mid")
    return [(folder / f"{number}.mid").read_bytes() for number in range(len(pieces))]


@pytest.fixture(scope="session")
def songs(short_chorales: list[Piece], tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Six chorales, each a MIDI file of its own."""
    return midi(short_chorales[:6], tmp_path_factory.mktemp("songs"))


def maestro(songs: list[bytes]) -> Files:
    top = "maestro-v3.0.0"
    years = [f"{2004 + number}/MIDI-Unprocessed_{number:02d}.midi" for number in range(6)]
    parts = ["train", "validation", "train", "test", "train", "train"]
    rows = [
        f'"Johann, Sebastian Bach","Chorale ""{number}""",{part},2004,{year},x.wav,12.5'
        for number, (part, year) in enumerate(zip(parts, years, strict=True))
    ]
    head = "canonical_composer,canonical_title,split,year,midi_filename,audio_filename,duration"
    return {
        f"{top}/{top}.csv": "\n".join([head, *rows]).encode(),
        f"{top}/{top}.json": b"{}",
        f"{top}/LICENSE": b"CC",
        f"{top}/README": b"read",
        **{f"{top}/{year}": song for year, song in zip(years, songs, strict=True)},
    }


def nes(songs: list[bytes]) -> Files:
    parts = ["train", "train", "train", "train", "valid", "test"]
    names = [f"nesmdb_midi/{part}/{n:03d}_Game_00_01Start.mid" for n, part in enumerate(parts)]
    return dict(zip(names, songs, strict=True))


def emopia(songs: list[bytes]) -> Files:
    names = [f"Q{1 + n % 4}_0vLPYiPN7qY_{n}.mid" for n in range(6)]
    return {
        **{f"EMOPIA_2.2/midis/{name}": song for name, song in zip(names, songs, strict=True)},
        **{f"__MACOSX/EMOPIA_2.2/midis/._{name}": APPLE for name in names},
        f"__MACOSX/EMOPIA_2.2/midis/{names[0]}": APPLE,
        "EMOPIA_2.2/midis/.DS_Store": b"\0",
        "EMOPIA_2.2/label.csv": b"ID,4Q\n",
    }


def lakh(songs: list[bytes]) -> Files:
    return {f"lmd_full/{n}/{n}{'0123456789abcde' * 2}f.mid": song for n, song in enumerate(songs)}


def lakh_matched(songs: list[bytes]) -> Files:
    return {f"lmd_matched/A/A/{n}/TRAA{n}/{'ab' * 16}.mid": song for n, song in enumerate(songs)}


def pop909(songs: list[bytes]) -> Files:
    top = "POP909-Dataset-master"
    files = {f"{top}/README.md": b"read", f"{top}/POP909/index.xlsx": b"PK"}
    for number, song in enumerate(songs, 1):
        folder = f"{top}/POP909/{number:03d}"
        files[f"{folder}/{number:03d}.mid"] = song
        files[f"{folder}/chord_midi.txt"] = b"0.0 1.0 N"
        files[f"{folder}/versions/{number:03d}-v1.mid"] = song
    return files


LAYOUTS: dict[str, tuple[Callable[[list[bytes]], Files], Writer]] = {
    "maestro": (maestro, zipped),
    "nes": (nes, tarred),
    "emopia": (emopia, zipped),
    "lakh": (lakh, tarred),
    "lakh_matched": (lakh_matched, tarred),
    "pop909": (pop909, zipped),
}
LICENCES = {
    "maestro": "CC BY-NC-SA 4.0",
    "nes": "none is stated",
    "emopia": "CC-By 4.0",
    "lakh": "CC-By 4.0",
    "lakh_matched": "CC-By 4.0",
    "pop909": "MIT",
}


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("OSTINATO_MIRROR", raising=False)
    (tmp_path / "www").mkdir()
    with serving(tmp_path / "www") as server:
        yield server


def corpus(name: str, *overrides: str) -> Corpus:
    built: Corpus = compose([f"corpus={name}", *overrides], CONF).build("corpus")
    return built


def publish(name: str, songs: list[bytes], root: Path, **more: bytes) -> Path:
    """The archive of a corpus, small, and `more` files in it, where the web server has it."""
    source = corpus(name).source
    assert isinstance(source, Archive)
    address = source.publication().address
    layout, write = LAYOUTS[name]
    file = root / "www" / address.split("/", 3)[3]
    file.parent.mkdir(parents=True)
    return write(file, layout(songs) | more)


def unchecked(name: str) -> list[str]:
    """The small archive has not the checksum of the real one."""
    return [] if name == "pop909" else ["corpus.source.check=false"]


def pieces(of: Corpus, root: Path) -> PieceStore:
    preprocess(of, root, root / "pieces", root / "unfinished")
    return PieceStore(root / "pieces")


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_corpus_goes_from_its_archive_to_pieces(
    name: str, songs: list[bytes], web: Server, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    publish(name, songs, tmp_path)
    of = corpus(name, f"corpus.mirror={web.address}", *unchecked(name))
    fetch(of, tmp_path)
    said = capfd.readouterr().out
    assert said.startswith("Licence: ")
    assert LICENCES[name] in said.splitlines()[0]
    assert "To cite it: " in said
    files = [p for p in (tmp_path / "data" / name).rglob("*") if p.is_file()]
    assert sorted(p.read_bytes() for p in files if p.suffix != ".csv") == sorted(songs)
    assert len(pieces(of, tmp_path)) == len(songs)
    fetch(of, tmp_path)
    assert "the same bytes" in capfd.readouterr().out
    assert len(web.asked) == 1


@pytest.mark.parametrize("name", ["maestro", "nes"])
def test_published_parts_are_kept(
    name: str, songs: list[bytes], web: Server, tmp_path: Path
) -> None:
    publish(name, songs, tmp_path)
    of = corpus(name, f"corpus.mirror={web.address}", *unchecked(name))
    fetch(of, tmp_path)
    parts = FolderSplit().divide(pieces(of, tmp_path)).parts
    assert {part: len(names) for part, names in parts.items()} == {
        "train": 4,
        "validation": 1,
        "test": 1,
    }
    if name == "maestro":
        assert parts["test"] == ["test/2007/MIDI-Unprocessed_03"]
        assert parts["validation"] == ["validation/2005/MIDI-Unprocessed_01"]
        assert (tmp_path / "data" / "maestro" / "maestro-v3.0.0.csv").exists()
    else:
        assert parts["validation"] == ["validation/004_Game_00_01Start"]


@pytest.mark.parametrize("name", ["maestro", "nes", "pop909"])
def test_an_archive_unpacked_by_hand_gives_the_same_files(
    name: str, songs: list[bytes], web: Server, tmp_path: Path
) -> None:
    archive = publish(name, songs, tmp_path)
    fetch(corpus(name, f"corpus.mirror={web.address}", *unchecked(name)), tmp_path / "one")
    shutil.unpack_archive(archive, tmp_path / "mirror" / name)
    fetch(corpus(name, f"corpus.mirror={tmp_path / 'mirror'}"), tmp_path / "other")
    fetch(corpus(name, f"corpus.source.path={tmp_path / 'mirror' / name}"), tmp_path / "third")
    one, *others = (
        (tmp_path / place / "data").rglob("*.mid*") for place in ("one", "other", "third")
    )
    names = sorted(p.relative_to(tmp_path / "one") for p in one)
    assert len(names) == len(songs)
    for place, found in zip(("other", "third"), others, strict=True):
        assert sorted(p.relative_to(tmp_path / place) for p in found) == names


def test_200_songs_of_pop909_are_copied_from_a_folder(
    published: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = published("pop909")
    of = corpus("pop909", f"corpus.mirror={folder.parent}")
    fetch(of, tmp_path)
    there = {p.name: p.read_bytes() for p in folder.glob("*.mid")}
    assert len(there) == 200
    assert {p.name: p.read_bytes() for p in (tmp_path / "data" / "pop909").iterdir()} == there


def test_an_archive_with_a_checksum_goes_on_where_it_broke_off(
    songs: list[bytes], web: Server, tmp_path: Path
) -> None:
    noise = np.random.default_rng(0).bytes(4 * CHUNK)  # does not compress
    archive = publish("pop909", songs, tmp_path, noise=noise)
    of = corpus("pop909", f"corpus.mirror={web.address}", f"corpus.source.sha256={digest(archive)}")
    web.stop_after = 2 * CHUNK + 1
    with pytest.raises(UserError, match="the connection broke off"):
        fetch(of, tmp_path)
    assert not (tmp_path / "data" / "pop909").exists()
    web.stop_after = None
    fetch(of, tmp_path)
    assert web.asked == ["", f"bytes={2 * CHUNK}-"]


@pytest.mark.parametrize(
    ("name", "kind"), [("maestro", "sha256"), ("nes", "sha256"), ("emopia", "md5")]
)
def test_another_archive_than_muspy_knows_is_refused(
    name: str, kind: str, songs: list[bytes], web: Server, tmp_path: Path
) -> None:
    archive = publish(name, songs, tmp_path)
    with pytest.raises(UserError, match=rf"its {kind} is .* set corpus\.source\.check=false"):
        fetch(corpus(name, f"corpus.mirror={web.address}"), tmp_path)
    with pytest.raises(UserError, match=rf"its {kind} is .* set corpus\.source\.check=false"):
        fetch(corpus(name, f"corpus.source.path={archive}"), tmp_path)
    assert not list((tmp_path / "data").iterdir())


def test_what_was_no_archive_is_asked_for_again(
    songs: list[bytes], web: Server, tmp_path: Path
) -> None:
    """Without a checksum only unpacking tells; a broken file must not be kept for ever."""
    archive = publish("pop909", songs, tmp_path)
    good = archive.read_bytes()
    archive.write_bytes(b"<html>try again later</html>")
    of = corpus("pop909", f"corpus.mirror={web.address}")
    with pytest.raises(UserError, match="it is neither a"):
        fetch(of, tmp_path)
    assert not list(kept_in().rglob("*.zip"))
    archive.write_bytes(good)
    fetch(of, tmp_path)


def test_an_archive_of_unsaid_length_that_broke_off_is_not_kept(
    songs: list[bytes], web: Server, tmp_path: Path
) -> None:
    """As GitHub sends it: nothing but the archive itself says that it is not whole."""
    archive = publish("pop909", songs, tmp_path)
    of = corpus("pop909", f"corpus.mirror={web.address}")
    web.says_length = False
    web.stop_after = archive.stat().st_size - 100
    with pytest.raises(UserError, match=r"master\.zip cannot be unpacked"):
        fetch(of, tmp_path)
    web.stop_after = None
    fetch(of, tmp_path)


def test_a_mirror_without_the_corpus_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"neither a folder nes nor a file nesmdb_midi\.tar\.gz"):
        fetch(corpus("nes", f"corpus.mirror={tmp_path}"), tmp_path)


@pytest.mark.parametrize(
    ("name", "spoil", "message"),
    [
        ("maestro", lambda files: files.pop(next(iter(files))), "there are 0"),
        (
            "maestro",
            lambda files: files.update({"maestro-v3.0.0/2030/new.midi": b"x"}),
            "does not say to which part '2030/new.midi' belongs",
        ),
        (
            "maestro",
            lambda files: files.update({next(iter(files)): b"composer,title\nBach,Chorale"}),
            "is not a table with the columns midi_filename and split",
        ),
        ("nes", lambda files: files.update({"nesmdb_midi/more/x.mid": b"x"}), "lies in no folder"),
        ("pop909", lambda files: files.clear(), "There is no music in"),
    ],
)
def test_an_archive_laid_out_otherwise_is_refused(
    name: str,
    spoil: Callable[[Files], object],
    message: str,
    songs: list[bytes],
    tmp_path: Path,
) -> None:
    layout, write = LAYOUTS[name]
    files = layout(songs)
    spoil(files)
    archive = write(tmp_path / "small", files)
    of = corpus(name, f"corpus.source.path={archive}", *unchecked(name))
    with pytest.raises(UserError, match=message):
        fetch(of, tmp_path)
    assert not list((tmp_path / "data").iterdir())


def test_a_bomb_in_place_of_a_corpus_is_refused(tmp_path: Path) -> None:
    bomb = zipped(tmp_path / "bomb", {"a.mid": bytes(3_000_000)})
    of = corpus("pop909", f"corpus.source.path={bomb}", "corpus.source.max_megabytes=1")
    with pytest.raises(UserError, match="max_megabytes allows"):
        fetch(of, tmp_path)
    many = zipped(tmp_path / "many", {f"{n}.mid": b"" for n in range(1100)})
    of = corpus("pop909", f"corpus.source.path={many}", "corpus.source.pieces=4")
    with pytest.raises(UserError, match=r"far beyond what corpus\.source\.pieces announces"):
        fetch(of, tmp_path)


def test_parts_of_one_name_in_two_folders_are_not_mixed_up(
    songs: list[bytes], tmp_path: Path
) -> None:
    archive = tarred(tmp_path / "x", {"a/train/1.mid": songs[0], "b/train/1.mid": songs[1]})
    with pytest.raises(UserError, match="Two files would be called"):
        fetch(corpus("nes", f"corpus.source.path={archive}", *unchecked("nes")), tmp_path)


def test_every_class_of_muspys_that_can_be_named_is_known() -> None:
    for name in ("maestro", "nes", "emopia", "lakh", "lakh_matched"):
        source = corpus(name).source
        assert isinstance(source, MuspyArchive)
        known = source.publication()
        assert known.checksum is not None
        assert known.address.startswith("http")
        aligned = replace(source, dataset="LakhMIDIAlignedDataset").publication()
        assert aligned.address.endswith("lmd_aligned.tar.gz")


def test_the_packaged_and_the_published_say_their_terms() -> None:
    for name in (
        "bach",
        "essen",
        "palestrina",
        "oneills",
        "trecento",
        "monteverdi",
        "ryans_mammoth",
        "jsb",
        "jsb16",
        "musedata",
    ):
        source = corpus(name).source
        assert source is not None
        terms = source.terms()
        assert terms is not None
        assert terms.licence
        assert terms.citation
    folder = corpus("folder").source
    assert folder is not None
    assert folder.terms() is None
