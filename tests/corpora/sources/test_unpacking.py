"""Archives that mean no good, or are broken, leave nothing behind outside their folder."""

import gzip
import io
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archives import Writer, tarred, tarred_header, tarred_special, zipped, zipped_link
from ostinato.corpora.sources.unpacking import BrokenArchiveError, Limits, unpack
from ostinato.errors import UserError

WRITERS = {"zip": zipped, "tar.gz": tarred}
ROOMY = Limits(entries=100, megabytes=1)
HONEST = {"set/a.mid": b"one", "set/below/b.MID": b"two" * 700, "set/README": b"words"}


def unpacked(source: Path, limits: Limits = ROOMY) -> dict[str, bytes]:
    """What is written of an archive; whatever happens, nothing may appear beside."""
    before = set(source.parent.rglob("*"))
    with TemporaryDirectory(dir=source.parent) as beside:
        folder = Path(beside) / "in"
        folder.mkdir()
        try:
            count = unpack(source, folder, lambda n: n.suffix.lower() == ".mid", limits, 2)
        finally:
            assert [p.name for p in Path(beside).iterdir()] == ["in"]
            assert set(source.parent.rglob("*")) - before == {Path(beside), *_below(Path(beside))}
        files = [p for p in folder.rglob("*") if p.is_file()]
        assert len(files) == count
        return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}


def _below(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


@pytest.fixture(params=WRITERS)
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[dict[str, bytes]], Path]:
    """Makes an archive of either kind."""
    write: Writer = WRITERS[request.param]
    return lambda files: write(tmp_path / f"set.{request.param}", files)


Archive = Callable[[dict[str, bytes]], Path]


def test_only_what_is_wanted_is_written(archive: Archive) -> None:
    music = {name: content for name, content in HONEST.items() if name != "set/README"}
    assert unpacked(archive(HONEST)) == music


def test_a_folder_that_was_unpacked_already_is_taken_like_the_archive(tmp_path: Path) -> None:
    for name, content in HONEST.items():
        (tmp_path / "here" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "here" / name).write_bytes(content)
    assert set(unpacked(tmp_path / "here")) == {"set/a.mid", "set/below/b.MID"}


@pytest.mark.parametrize(
    "name",
    ["../evil.mid", "set/../../evil.mid", "/tmp/evil.mid", "..\\evil.mid", "C:\\evil.mid", "../x"],
)
def test_a_name_that_leads_out_is_refused(archive: Archive, name: str) -> None:
    with pytest.raises(UserError, match="leads out of the folder") as refused:
        unpacked(archive({"set/a.mid": b"one", name: b"evil"}))
    assert ascii(name) in str(refused.value)


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE],
)
def test_music_that_is_a_link_or_a_device_is_refused(kind: bytes, tmp_path: Path) -> None:
    evil = tarred_special(tmp_path / "set.tar.gz", "set/a.mid", kind, "/etc/passwd")
    with pytest.raises(UserError, match="is a link or a device"):
        unpacked(evil)


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is a link or a device"):
        unpacked(zipped_link(tmp_path / "set.zip", "set/a.mid", "/etc/passwd"))


def test_a_folder_that_is_a_link_is_never_followed(tmp_path: Path) -> None:
    """The trick: first a link that leads out, then a file below it."""
    away = tmp_path / "away"
    away.mkdir()
    path = tarred_special(tmp_path / "set.tar.gz", "set/out", tarfile.SYMTYPE, str(away))
    with tarfile.open(path, "w:gz") as both:
        link = tarfile.TarInfo("set/out")
        link.type, link.linkname = tarfile.SYMTYPE, str(away)
        both.addfile(link)
        music = tarfile.TarInfo("set/out/evil.mid")
        music.size = 4
        both.addfile(music, io.BytesIO(b"evil"))
    assert unpacked(path) == {"set/out/evil.mid": b"evil"}
    assert not list(away.iterdir())


@pytest.mark.parametrize("name", ["set/bomb.mid", "set/README"])
def test_a_bomb_is_refused_before_it_goes_off(archive: Archive, name: str) -> None:
    bomb = archive({name: bytes(3_000_000)})
    assert bomb.stat().st_size < 10_000
    with pytest.raises(UserError, match=r"more than 1 MB, the most that .*max_megabytes allows"):
        unpacked(bomb)


def test_many_small_files_are_a_bomb_too(archive: Archive) -> None:
    many = archive({f"set/{i}.mid": b"" for i in range(101)})
    with pytest.raises(UserError, match="more than 100 entries"):
        unpacked(many)


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE])
def test_a_header_without_end_does_not_fill_the_memory(kind: bytes, tmp_path: Path) -> None:
    bomb = tarred_header(tmp_path / "set.tar.gz", kind, 256 << 20)
    tracemalloc.start()
    try:
        with pytest.raises(BrokenArchiveError, match="headers are longer"):
            unpacked(bomb)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20  # bytes at the worst moment
    finally:
        tracemalloc.stop()


def test_a_negative_length_is_no_way_round_the_limits(tmp_path: Path) -> None:
    header = bytearray(tarfile.TarInfo("set/a.mid").tobuf(tarfile.GNU_FORMAT)[:512])
    header[124:136] = (-512).to_bytes(12, "big", signed=True)
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    (tmp_path / "set.tar.gz").write_bytes(gzip.compress(bytes(header) + bytes(1024)))
    with pytest.raises(BrokenArchiveError, match="negative length"):
        unpacked(tmp_path / "set.tar.gz")


def test_an_archive_cut_short_is_said_to_be_broken(archive: Archive) -> None:
    whole = archive(HONEST)
    for length in (0, 1, whole.stat().st_size // 2, whole.stat().st_size - 30):
        whole_bytes = archive(HONEST).read_bytes()
        whole.write_bytes(whole_bytes[:length])
        with pytest.raises(BrokenArchiveError, match="cannot be unpacked"):
            unpacked(whole)


@pytest.mark.parametrize("content", [b"", b"<html>sorry</html>", b"PK", b"\x1f\x8b", b"MThd"])
def test_what_is_no_archive_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "set.zip").write_bytes(content)
    with pytest.raises(BrokenArchiveError, match=r"set\.zip cannot be unpacked"):
        unpacked(tmp_path / "set.zip")


def test_a_tar_that_is_no_tar_is_named(tmp_path: Path) -> None:
    (tmp_path / "set.tar.gz").write_bytes(gzip.compress(b"no tar" * 1000))
    with pytest.raises(BrokenArchiveError, match="cannot be unpacked"):
        unpacked(tmp_path / "set.tar.gz")


@pytest.mark.parametrize(
    "files",
    [
        {"set/a.mid": b"1", "./set/a.mid": b"2"},
        {"set/a.mid": b"1", "set/a.mid/b.mid": b"2"},
        {"set/a.mid/b.mid": b"2", "set/a.mid": b"1"},
    ],
)
def test_two_files_of_one_name_are_refused(archive: Archive, files: dict[str, bytes]) -> None:
    with pytest.raises(UserError, match="is in it twice"):
        unpacked(archive(files))


def test_a_name_too_long_for_a_disk_is_refused(archive: Archive) -> None:
    with pytest.raises(UserError, match="too long a name"):
        unpacked(archive({f"set/{'a' * 300}.mid": b"1"}))


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=6)
)
def test_whatever_is_changed_in_an_archive_a_sentence_says_so(
    archive: Archive, changes: list[tuple[float, int]]
) -> None:
    path = archive(HONEST)
    spoilt = bytearray(path.read_bytes())
    for place, value in changes:
        spoilt[int(place * len(spoilt))] = value
    path.write_bytes(spoilt)
    said = "one sentence"
    try:
        unpacked(path)
    except UserError as error:
        said = str(error)
    assert len(said.splitlines()) == 1
