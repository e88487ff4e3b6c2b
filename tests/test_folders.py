"""A folder is replaced as a whole, and only where all that it holds was written by ostinato."""

import os
from pathlib import Path

import pytest

from ostinato import folders
from ostinato.errors import ConfigError, UserError
from ostinato.folders import MANIFEST, atomic_folder, check_replaceable, move_folder


def write(path: Path, *names: str, kind: str = "samples") -> None:
    with atomic_folder(path, kind) as part:
        for name in names:
            (part / name).parent.mkdir(parents=True, exist_ok=True)
            (part / name).write_text(name)


def names(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*")}


def test_a_folder_appears_whole_and_replaces_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write(path, "old", "deep/older")
    with atomic_folder(path, "samples") as part:
        (part / "new").touch()
        assert (path / "old").exists()
    assert names(path) == {"new", MANIFEST}
    assert list(tmp_path.iterdir()) == [path]
    mask = os.umask(0)
    os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o777 & ~mask


def test_a_failure_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write(path, "old")

    def fail() -> None:
        with atomic_folder(path, "samples") as part:
            (part / "new").touch()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert names(path) == {"old", MANIFEST}
    assert list(tmp_path.iterdir()) == [path]


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    write(tmp_path / "one", "b", "a", "deep/c")
    write(tmp_path / "two", "deep/c", "a", "b")
    assert (tmp_path / "one" / MANIFEST).read_bytes() == (tmp_path / "two" / MANIFEST).read_bytes()


@pytest.mark.parametrize("own", ["mine.mid", "deep/mine.mid", "sample-99.mid", ".hidden", "empty/"])
def test_a_file_of_the_users_is_named_and_left(tmp_path: Path, own: str) -> None:
    path = tmp_path / "a"
    write(path, "sample-01.mid", "sampling.json", "deep/b")
    (path / own).parent.mkdir(exist_ok=True)
    if own.endswith("/"):
        (path / own).mkdir()
    else:
        (path / own).write_text("mine")
    before = names(path)
    with pytest.raises(UserError, match=own):
        write(path, "new")
    assert names(path) == before


def test_a_file_that_appears_while_the_folder_is_made_is_left(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write(path, "old")

    def meanwhile() -> None:
        with atomic_folder(path, "samples"):
            (path / "mine").write_text("mine")

    with pytest.raises(UserError, match="mine"):
        meanwhile()
    assert names(path) == {"old", "mine", MANIFEST}


def test_a_folder_of_another_kind_is_not_replaced(tmp_path: Path) -> None:
    write(tmp_path / "model", "weights.safetensors", kind="model")
    with pytest.raises(ConfigError, match=r"samples_dir=\S+ holds model, not samples"):
        check_replaceable(tmp_path / "model", "samples", "samples_dir")


def test_a_folder_from_before_manifests_is_known_by_its_names(tmp_path: Path) -> None:
    path = tmp_path / "samples"
    path.mkdir()
    for name in ("sampling.json", "listen.html", "sample-01.mid", "sample-01.wav"):
        (path / name).touch()
    check_replaceable(path, "samples")
    (path / "sample-01.als").touch()
    with pytest.raises(UserError, match=r"sample-01\.als"):
        check_replaceable(path, "samples")


def test_recordings_of_the_users_are_no_samples(tmp_path: Path) -> None:
    (tmp_path / "sample-01.wav").touch()
    (tmp_path / "sample-02.wav").touch()
    with pytest.raises(UserError, match=r"sample-0[12]\.wav"):
        check_replaceable(tmp_path, "samples")


def test_a_link_is_never_replaced(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere", "a")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="it is a link to"):
        write(tmp_path / "link", "b")
    assert names(tmp_path / "elsewhere") == {"a", MANIFEST}


def test_a_linked_folder_within_is_somebodys_own(tmp_path: Path) -> None:
    write(tmp_path / "a", "b")
    (tmp_path / "mine").mkdir()
    (tmp_path / "a" / "mine").symlink_to(tmp_path / "mine")
    with pytest.raises(UserError, match="mine"):
        write(tmp_path / "a", "b")


def test_the_working_directory_and_its_parents_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a", "deep/b")
    monkeypatch.chdir(tmp_path / "a" / "deep")
    for path in (Path(), Path(".."), tmp_path / "a", tmp_path, Path("/")):
        with pytest.raises(UserError, match="in which this command was started"):
            check_replaceable(path, "samples")
    assert (tmp_path / "a" / "deep" / "b").exists()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(UserError, match="it is a file"):
        write(tmp_path / "a", "b")
    with pytest.raises(UserError, match="a is a file"):
        check_replaceable(tmp_path / "a" / "deep" / "b", "samples")


def test_a_folder_is_moved_from_another_file_system(tmp_path: Path) -> None:
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system")
    import tempfile

    with tempfile.TemporaryDirectory(dir=memory) as made:
        (Path(made) / "new").mkdir()
        (Path(made) / "new" / "a").touch()
        write(tmp_path / "target", "old")
        move_folder(Path(made) / "new", tmp_path / "target", "samples")
    assert names(tmp_path / "target") == {"a", MANIFEST}
    assert list(tmp_path.iterdir()) == [tmp_path / "target"]


def test_a_folder_that_is_replaced_while_it_is_looked_at_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, read = tmp_path / "a", folders._manifest

    def replace(content: str) -> None:
        with atomic_folder(path, "samples") as part:
            (part / "x").write_text(content)

    replace("first")
    looks: list[Path] = []

    def look(folder: Path) -> object:
        looks.append(folder)
        if len(looks) > 1:
            return read(folder)
        monkeypatch.setattr(folders, "_manifest", read)
        replace("second")
        return None  # it was not there for a moment

    monkeypatch.setattr(folders, "_manifest", look)
    check_replaceable(path, "samples")
    assert (path / "x").read_text() == "second"
