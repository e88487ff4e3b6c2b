"""Downloading from a server on this machine, over real HTTP."""

import shutil
import signal
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import sleep
from urllib.parse import urlsplit

import pytest

from defaults import build
from loopback import Server, serving
from ostinato.corpora.sources.checksum import Checksum, digest
from ostinato.corpora.sources.download import CHUNK, download, kept_in
from ostinato.errors import UserError
from ostinato.stages.fetch import fetch

NAME = "JSB_Chorales.mat"
HALF = 3 * CHUNK  # bytes of the file's 96,095


@pytest.fixture
def folder(
    published: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """What the server serves; and a place of this test's own to keep downloads."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("OSTINATO_MIRROR", raising=False)
    (tmp_path / "www" / "music").mkdir(parents=True)
    shutil.copy(published(NAME), tmp_path / "www" / "music" / NAME)
    return tmp_path / "www" / "music"


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    with serving(folder.parent) as started:
        yield started


def sha256_of(digits: str) -> Checksum:
    return Checksum("sha256", digits, "corpus.source.sha256=null")


@pytest.fixture
def checksum(folder: Path) -> Checksum:
    return sha256_of(digest(folder / NAME))


def address(server: Server) -> str:
    return f"{server.address}/music/{NAME}"


def kept() -> list[str]:
    return sorted(p.name for p in kept_in().rglob("*") if p.is_file() and p.suffix != ".lock")


def test_a_file_is_downloaded_once(server: Server, folder: Path, checksum: Checksum) -> None:
    file = download(address(server), checksum)
    assert file.read_bytes() == (folder / NAME).read_bytes()
    assert download(address(server), checksum) == file
    assert server.asked == [""]


def test_a_download_that_broke_off_goes_on_where_it_stopped(
    server: Server, folder: Path, checksum: Checksum
) -> None:
    server.stop_after = HALF + 1
    with pytest.raises(UserError, match="the connection broke off"):
        download(address(server), checksum)
    assert kept() == [f"{NAME}.part"]
    server.stop_after = None
    file = download(address(server), checksum)
    assert server.asked == ["", f"bytes={HALF}-"]
    assert file.read_bytes() == (folder / NAME).read_bytes()
    assert kept() == [NAME]


def test_without_a_checksum_nothing_is_glued_together(server: Server, folder: Path) -> None:
    server.stop_after = HALF
    with pytest.raises(UserError):
        download(address(server))
    server.stop_after = None
    assert download(address(server)).read_bytes() == (folder / NAME).read_bytes()
    assert server.asked == ["", ""]


def spoil_part(server: Server, checksum: Checksum, content: bytes) -> None:
    """Leave a part that is not the beginning of the file."""
    server.stop_after = 1
    with pytest.raises(UserError):
        download(address(server), checksum)
    server.stop_after = None
    next(kept_in().rglob("*.part")).write_bytes(content)


@pytest.mark.parametrize("length", [HALF, 200_000])
def test_a_spoilt_beginning_is_downloaded_anew(
    server: Server, checksum: Checksum, length: int
) -> None:
    spoil_part(server, checksum, bytes(length))
    assert checksum.fits(download(address(server), checksum))
    assert server.asked[1:] == [f"bytes={length}-", ""]


def test_a_part_that_is_whole_is_taken(server: Server, folder: Path, checksum: Checksum) -> None:
    spoil_part(server, checksum, (folder / NAME).read_bytes())
    assert checksum.fits(download(address(server), checksum))
    assert len(server.asked) == 2


def test_another_file_than_the_published_is_refused_and_not_kept(server: Server) -> None:
    with pytest.raises(UserError, match="is not the file that was published") as refused:
        download(address(server), sha256_of("0" * 64))
    assert address(server) in str(refused.value)
    assert kept() == []


def test_a_server_that_knows_no_ranges_sends_the_whole(
    server: Server, folder: Path, checksum: Checksum
) -> None:
    spoil_part(server, checksum, (folder / NAME).read_bytes()[:HALF])
    server.knows_ranges = False
    assert checksum.fits(download(address(server), checksum))
    assert server.asked[1:] == [f"bytes={HALF}-"]


def test_a_file_of_unsaid_length_is_downloaded(server: Server, checksum: Checksum) -> None:
    server.says_length = False
    assert checksum.fits(download(address(server), checksum))


def test_an_md5_resumes_and_refuses_like_a_sha256(server: Server, folder: Path) -> None:
    checksum = Checksum("md5", digest(folder / NAME, "md5"), "corpus.source.check=false")
    spoil_part(server, checksum, (folder / NAME).read_bytes()[:HALF])
    assert checksum.fits(download(address(server), checksum))
    assert server.asked[1:] == [f"bytes={HALF}-"]
    with pytest.raises(UserError, match=r"its md5 is .*corpus\.source\.check=false"):
        download(address(server), Checksum("md5", "0" * 32, "corpus.source.check=false"))


def test_of_two_fetches_at_once_one_downloads(server: Server, checksum: Checksum) -> None:
    server.pause = 0.05
    with ThreadPoolExecutor(2) as both:
        files = list(both.map(lambda _: download(address(server), checksum), range(2)))
    assert files[0] == files[1]
    assert checksum.fits(files[0])
    assert server.asked == [""]


def test_an_interrupt_leaves_the_beginning_to_go_on_from(
    server: Server, folder: Path, checksum: Checksum, project: Path
) -> None:
    server.pause = 0.3
    command = ["fetch", "corpus=jsb", f"corpus.source.address={address(server)}"]
    fetching = subprocess.Popen(
        [sys.executable, "-m", "ostinato", *command],
        cwd=project,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not any(part.stat().st_size for part in kept_in().rglob("*.part")):
        sleep(0.02)
    fetching.send_signal(signal.SIGINT)
    _, said = fetching.communicate(timeout=60)
    assert fetching.returncode == 130
    assert said.splitlines()[-1] == "ostinato: interrupted."
    (part,) = kept_in().rglob("*.part")
    begun = part.stat().st_size
    assert 0 < begun < len((folder / NAME).read_bytes())
    server.pause = 0
    assert checksum.fits(download(address(server), checksum))
    assert server.asked == ["", f"bytes={begun}-"]


@pytest.mark.parametrize("below", ["", "/", "/deep/er", "/deep/er/"])
def test_a_mirror_replaces_the_host_and_may_have_a_path_of_its_own(
    server: Server, folder: Path, checksum: Checksum, below: str
) -> None:
    (folder.parent / "deep").mkdir()
    (folder.parent / "deep" / "er").symlink_to(folder.parent)
    away = f"https://no.such.host.invalid/music/{NAME}"
    assert checksum.fits(download(away, checksum, mirror=server.address + below))


def test_a_folder_can_be_the_mirror(folder: Path, checksum: Checksum) -> None:
    away = f"https://no.such.host.invalid/elsewhere/{NAME}"
    assert download(away, checksum, mirror=str(folder)) == folder / NAME
    with pytest.raises(UserError, match=rf"There is no file {NAME} in .*: corpus\.mirror"):
        download(away, checksum, mirror=str(folder.parent))


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("http://127.0.0.1:9/{name}", "the server cannot be reached"),
        ("{server}/nothing/{name}", "the server answers 404 Not Found"),
        ("nowhere://127.0.0.1/{name}", "it is no address of the web"),
    ],
)
def test_a_failure_names_the_address_and_the_ways_out(
    server: Server, place: str, reason: str
) -> None:
    asked = place.format(name=NAME, server=server.address)
    with pytest.raises(UserError) as failed:
        download(asked, sha256_of("0" * 64))
    assert str(failed.value) == (
        f"{asked} could not be downloaded ({reason}): try again. Or give a mirror with "
        "corpus.mirror=https://…, or a file that you have with "
        f"corpus.source.path=/path/to/{NAME}."
    )


def test_the_environment_may_name_the_mirror(
    server: Server, tmp_path: Path, checksum: Checksum, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OSTINATO_MIRROR", server.address)
    away = f"https://no.such.host.invalid{urlsplit(address(server)).path}"
    corpus = build(
        "corpus=_base",
        name="jsb",
        path="data/jsb",
        source=build(
            "corpus=jsb.source", address=away, steps_per_quarter=1, sha256=checksum.digits
        ),
    )
    fetch(corpus, tmp_path, 1)
    parts = {p.name: len(list(p.iterdir())) for p in (tmp_path / "data" / "jsb").iterdir()}
    assert parts == {"train": 229, "validation": 76, "test": 77}


def test_the_name_and_password_of_a_mirror_are_read_from_netrc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password hunter2\n")
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "tune.abc").write_text("X:1\n")
    with serving(tmp_path / "www") as server:
        file = download("https://example.org/tune.abc", mirror=server.address)
    assert file.read_text() == "X:1\n"
    assert server.authorizations == [f"Basic {b64encode(b'me:hunter2').decode()}"]
