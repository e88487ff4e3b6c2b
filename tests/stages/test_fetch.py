import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ostinato.corpora.corpus import Corpus
from ostinato.corpora.folder import Folder
from ostinato.corpora.packaged import BachChorales, Job
from ostinato.errors import UserError
from ostinato.stages.fetch import fetch


@dataclass(frozen=True)
class FiveChorales(BachChorales):
    def jobs(self) -> list[Job]:
        return super().jobs()[:5]


def corpus(source: Any = None) -> Corpus:
    return Corpus(name="test", path="data/test", source=source)


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
    fetch(corpus(Folder(str(music))), root, 1)
    assert contents(root / "data" / "test") == {"été/日本/さくら.MID": b"1", "tune.abc": b"2"}


def test_a_folder_is_not_copied_into_itself(tmp_path: Path) -> None:
    (tmp_path / "a.mid").write_bytes(b"1")
    with pytest.raises(UserError, match="contains the folder it would be copied into"):
        fetch(corpus(Folder(str(tmp_path))), tmp_path, 1)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (None, "put your music into data/test"),
        (Folder(), "put your music into its folder"),
        (Folder("/no/such/folder"), "is not a folder"),
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
        fetch(corpus(Folder(str(tmp_path / "empty"))), tmp_path, 1)


def test_stages_import_nothing_heavy() -> None:
    code = (
        "import sys, ostinato.stages.fetch, ostinato.stages.preprocess, ostinato.stages.split\n"
        "heavy = {'torch', 'muspy', 'music21', 'matplotlib', 'pandas', 'mlflow', 'joblib'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
