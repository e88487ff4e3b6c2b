import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from defaults import build
from ostinato.corpora.corpus import Corpus
from ostinato.corpora.sources.packaged import BachChorales, Job
from ostinato.errors import UserError
from ostinato.stages.fetch import fetch


@dataclass(frozen=True)
class FiveChorales(BachChorales):
    def jobs(self) -> list[Job]:
        return super().jobs()[:5]


def corpus(source: Any = None) -> Corpus:
    return build("corpus=_base", name="test", path="data/test", source=source)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def test_fetching_twice_writes_the_same_bytes_and_says_so(tmp_path: Path, capfd: Any) -> None:
    fetch(corpus(FiveChorales()), tmp_path, 1)
    first = contents(tmp_path)
    assert len(first) == 5
    fetch(corpus(FiveChorales()), tmp_path, 1)
    assert "the same bytes" in capfd.readouterr().out
    assert contents(tmp_path) == first
    assert [p.name for p in (tmp_path / "data").iterdir()] == ["test"]


def test_what_was_fetched_and_not_touched_since_is_not_made_again(
    tmp_path: Path, capfd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, stamps = tmp_path / "project", tmp_path / "stamps"
    fetch(corpus(FiveChorales()), root, 1, stamps)
    first = contents(root)
    assert len(first) == 5, "nothing but music is in data/"
    made: list[Path] = []
    write = FiveChorales.write
    monkeypatch.setattr(
        FiveChorales, "write", lambda self, *args: (made.append(args[0]), write(self, *args))
    )
    fetch(corpus(FiveChorales()), root, 1, stamps)
    assert made == []
    assert "data/test is there already: 5 files, as they were fetched" in capfd.readouterr().out
    changed = root / "data" / "test" / "bwv1.6.mid"
    changed.write_bytes(b"spoilt")
    fetch(corpus(FiveChorales()), root, 1, stamps)
    assert len(made) == 1
    assert contents(root) == first
    (root / "data" / "test" / "bwv10.7.mid").unlink()
    fetch(corpus(FiveChorales()), root, 1, stamps)
    assert len(made) == 2
    assert contents(root) == first


def test_music_of_the_users_is_copied_anew_each_time(tmp_path: Path) -> None:
    music, root, stamps = tmp_path / "music", tmp_path / "project", tmp_path / "stamps"
    music.mkdir()
    (music / "a.mid").write_bytes(b"1")
    fetch(corpus(build("corpus=folder.source", folder=str(music))), root, 1, stamps)
    (music / "a.mid").write_bytes(b"2")
    fetch(corpus(build("corpus=folder.source", folder=str(music))), root, 1, stamps)
    assert contents(root) == {"data/test/a.mid": b"2"}


def test_fetching_elsewhere_writes_the_same_bytes(tmp_path: Path) -> None:
    for place in ("one", "two"):
        fetch(corpus(FiveChorales()), tmp_path / place, 1)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_a_spoilt_copy_is_replaced(tmp_path: Path) -> None:
    fetch(corpus(FiveChorales()), tmp_path, 1)
    good = contents(tmp_path)
    target = tmp_path / "data" / "test"
    (target / "bwv1.6.mid").write_bytes(b"spoilt")
    (target / "bwv10.7.mid").unlink()
    fetch(corpus(FiveChorales()), tmp_path, 1)
    assert contents(tmp_path) == good


def test_files_of_the_users_are_never_overwritten(tmp_path: Path) -> None:
    own = tmp_path / "data" / "test" / "my song.mid"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"mine")
    with pytest.raises(UserError, match=r"my song\.mid"):
        fetch(corpus(FiveChorales()), tmp_path, 1)
    assert contents(tmp_path) == {"data/test/my song.mid": b"mine"}


def test_a_folder_is_copied_with_its_names_and_without_what_is_not_music(tmp_path: Path) -> None:
    music = tmp_path / "Müsik"
    (music / "été" / "日本").mkdir(parents=True)
    (music / "été" / "日本" / "さくら.MID").write_bytes(b"1")
    (music / "tune.abc").write_bytes(b"2")
    (music / "cover.png").write_bytes(b"3")
    (music / ".hidden.mid").write_bytes(b"4")
    root = tmp_path / "project"
    fetch(corpus(build("corpus=folder.source", folder=str(music))), root, 1)
    assert contents(root / "data" / "test") == {"été/日本/さくら.MID": b"1", "tune.abc": b"2"}


def test_names_are_copied_byte_for_byte(tmp_path: Path) -> None:
    """Composed and decomposed é, names that differ by case alone, and names that are no UTF-8."""
    names = [
        "caf\u00e9.mid",
        "cafe\u0301.mid",
        "Tune.mid",
        "tune.mid",
        "TUNE.MID",
        "b\udcff\udce9.mid",
    ]
    music, root = tmp_path / "music", tmp_path / "project"
    for number, name in enumerate(names):
        for folder in (music, music / "d\udce9ep" / "er"):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(bytes([number]))
    if len(list(music.glob("*.*"))) < len(names):
        pytest.skip("this disk takes some of these names for one")
    fetch(corpus(build("corpus=folder.source", folder=str(music))), root)
    assert contents(root / "data" / "test") == contents(music)
    fetch(corpus(build("corpus=folder.source", folder=str(music))), root)


def test_a_file_of_the_users_with_a_name_that_is_no_utf8_is_named(tmp_path: Path) -> None:
    own = tmp_path / "data" / "test" / "b\udcff.mid"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"mine")
    with pytest.raises(UserError, match="holds files that fetch does not write") as refused:
        fetch(corpus(FiveChorales()), tmp_path)
    assert "b?.mid" in str(refused.value)


def test_two_fetches_at_once_end_in_one_whole_folder(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as four:
        list(four.map(lambda _: fetch(corpus(FiveChorales()), tmp_path), range(4)))
    assert len(contents(tmp_path)) == 5
    assert [p.name for p in (tmp_path / "data").iterdir()] == ["test"]


def test_what_others_may_read_stays_readable(tmp_path: Path) -> None:
    (tmp_path / "like").mkdir()
    fetch(corpus(FiveChorales()), tmp_path)
    fetched = (tmp_path / "data" / "test").stat().st_mode
    assert fetched == (tmp_path / "like").stat().st_mode


def test_the_licence_is_said_before_anything_is_fetched(tmp_path: Path, capfd: Any) -> None:
    fetch(corpus(FiveChorales()), tmp_path)
    assert capfd.readouterr().out.startswith("Licence: the music is in the public domain")
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "a.mid").write_bytes(b"1")
    fetch(corpus(build("corpus=folder.source", folder=str(tmp_path / "music"))), tmp_path / "other")
    assert "Licence" not in capfd.readouterr().out


def test_a_corpus_that_downloads_nothing_ignores_the_mirror(tmp_path: Path) -> None:
    fetch(replace(corpus(FiveChorales()), mirror="https://no.such.host.invalid"), tmp_path)
    assert len(contents(tmp_path)) == 5


def test_a_folder_is_not_copied_into_itself(tmp_path: Path) -> None:
    (tmp_path / "a.mid").write_bytes(b"1")
    with pytest.raises(UserError, match="contains the folder it would be copied into"):
        fetch(corpus(build("corpus=folder.source", folder=str(tmp_path))), tmp_path, 1)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (None, "put your music into .*data/test"),
        (build("corpus=folder.source"), "put your music into its folder"),
        (build("corpus=folder.source", folder="/no/such/folder"), "is not a folder"),
    ],
)
def test_where_there_is_nothing_to_fetch_it_says_what_to_do(
    tmp_path: Path, source: Any, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        fetch(corpus(source), tmp_path, 1)


def test_a_folder_without_music_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="There is no music in"):
        fetch(corpus(build("corpus=folder.source", folder=str(tmp_path / "empty"))), tmp_path, 1)


def test_stages_import_nothing_heavy() -> None:
    code = (
        "import sys, ostinato.stages.fetch, ostinato.stages.preprocess, ostinato.stages.split\n"
        "heavy = {'torch', 'muspy', 'music21', 'matplotlib', 'pandas', 'mlflow', 'joblib'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_a_mirror_with_a_password_in_the_environment_is_refused_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OSTINATO_MIRROR", "https://me:hunter2@example.org")
    with pytest.raises(UserError, match=r"OSTINATO_MIRROR holds .*netrc") as caught:
        fetch(corpus(FiveChorales()), tmp_path, 1)
    assert "hunter2" not in str(caught.value)
