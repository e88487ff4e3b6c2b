"""Temporary files lie beside what they become, and go when their owner has died."""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from ostinato import scratch
from ostinato.files import atomic_file, write_text
from ostinato.folders import MANIFEST, atomic_folder
from ostinato.locks import locked, remove_dead_lock

FORK = multiprocessing.get_context("fork")


def killed(work: Callable[[], None]) -> None:
    """Run some work in another process that kills itself at its end."""

    def run() -> None:
        work()
        os.kill(os.getpid(), signal.SIGKILL)

    child = FORK.Process(target=run)
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL


def everything(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*")}


def test_what_a_killed_process_left_is_removed_at_the_next_start(tmp_path: Path) -> None:
    def work() -> None:
        with atomic_folder(tmp_path / "a", "samples") as part:
            (part / "b").touch()
            os.kill(os.getpid(), signal.SIGKILL)

    killed(work)
    place = scratch.place_of(tmp_path / "a")
    assert [p.name for p in tmp_path.iterdir()] == [scratch.NAME]
    scratch.clear(place)
    assert not everything(tmp_path)


def test_what_belongs_to_a_living_process_stays(tmp_path: Path) -> None:
    with atomic_folder(tmp_path / "a", "samples") as part:
        (part / "b").touch()
        killed(lambda: scratch.clear(scratch.place_of(tmp_path / "a")))
        scratch.clear(scratch.place_of(tmp_path / "a"))
        assert (part / "b").exists()
    assert everything(tmp_path) == {"a", "a/b", f"a/{MANIFEST}"}


def test_a_folder_that_was_moved_aside_when_the_process_died_is_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    with atomic_folder(path, "samples") as part:
        (part / "old").touch()

    def work() -> None:
        monkeypatch.setattr(scratch, "put", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        with atomic_folder(path, "samples") as part:
            (part / "new").touch()

    killed(work)
    assert not path.exists()
    scratch.clear(scratch.place_of(path))
    assert everything(tmp_path) == {"a", "a/old", f"a/{MANIFEST}"}


def test_wherever_a_removal_is_cut_short_it_is_finished_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "a"

    def write(name: str) -> None:
        with atomic_folder(path, "samples") as part:
            (part / name).mkdir()
            (part / name / "file").touch()

    def cut_short(removals: int) -> None:
        seen = 0

        def count(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal seen
            del arguments
            removal = event in ("os.remove", "os.rmdir")
            seen += removal
            if removal and seen == removals + 1:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        write("new")

    for removals in range(8):
        write("old")
        killed(partial(cut_short, removals))
        scratch.clear(scratch.place_of(path))
        assert [p.name for p in tmp_path.iterdir()] == ["a"], f"after {removals} removals"
        assert everything(path) in [{MANIFEST, name, f"{name}/file"} for name in ("old", "new")]
    assert (path / "new").exists()


def test_nothing_that_is_not_ours_is_cleared(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    (mine / "deep").mkdir(parents=True)
    (mine / "deep" / "song.mid").touch()
    (tmp_path / scratch.NAME).symlink_to(mine)
    scratch.clear(tmp_path / scratch.NAME)
    assert everything(mine) == {"deep", "deep/song.mid"}
    scratch.clear(mine)
    assert everything(mine) == {"deep", "deep/song.mid"}


def test_a_file_in_a_hashed_folder_leaves_nothing_in_it_when_the_process_dies(
    tmp_path: Path,
) -> None:
    hashed = tmp_path / "pieces"
    hashed.mkdir()

    def work() -> None:
        with atomic_file(hashed / "a", within=hashed) as part:
            part.write_text("half")
            os.kill(os.getpid(), signal.SIGKILL)

    killed(work)
    assert not everything(hashed)
    scratch.clear(tmp_path / scratch.NAME)
    assert everything(tmp_path) == {"pieces"}


def test_many_processes_write_and_clear_at_once(tmp_path: Path) -> None:
    def work(number: int) -> None:
        for round_ in range(30):
            scratch.clear(tmp_path / scratch.NAME)
            write_text(tmp_path / f"{number}-{round_}", "whole")
            write_text(tmp_path / "shared", "whole")

    children = [FORK.Process(target=work, args=(number,)) for number in range(6)]
    for child in children:
        child.start()
    for child in children:
        child.join(120)
        assert child.exitcode == 0
    files = everything(tmp_path)
    assert len(files) == 6 * 30 + 1
    assert all((tmp_path / name).read_text() == "whole" for name in files)


def test_many_processes_replace_one_folder(tmp_path: Path) -> None:
    def work(number: int) -> None:
        for _ in range(10):
            with atomic_folder(tmp_path / "a", "samples") as part:
                for name in "xyz":
                    (part / name).write_text(str(number))

    children = [FORK.Process(target=work, args=(number,)) for number in range(5)]
    for child in children:
        child.start()
    for child in children:
        child.join(120)
        assert child.exitcode == 0
    assert everything(tmp_path) == {"a", "a/x", "a/y", "a/z", f"a/{MANIFEST}"}
    assert len({(tmp_path / "a" / name).read_text() for name in "xyz"}) == 1


def test_a_lock_is_held_by_one_process_and_leaves_no_file(tmp_path: Path) -> None:
    def work() -> None:
        for _ in range(40):
            with locked(tmp_path / "counter"):
                count = int((tmp_path / "count").read_text())
                time.sleep(0.0005)
                (tmp_path / "count").write_text(str(count + 1))

    (tmp_path / "count").write_text("0")
    children = [FORK.Process(target=work) for _ in range(4)]
    for child in children:
        child.start()
    for child in children:
        child.join(120)
        assert child.exitcode == 0
    assert (tmp_path / "count").read_text() == "160"
    assert everything(tmp_path) == {"count"}


def test_who_waits_is_told_for_whom(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ready, done = FORK.Event(), FORK.Event()

    def hold() -> None:
        with locked(tmp_path / "a", "training into outputs/model"):
            ready.set()
            done.wait(60)

    child = FORK.Process(target=hold)
    child.start()
    ready.wait(60)
    waiting = FORK.Process(target=lambda: locked(tmp_path / "a").__enter__())
    waiting.start()
    time.sleep(2)
    done.set()
    waiting.join(60)
    child.join(60)
    assert waiting.exitcode == 0
    words = capfd.readouterr().out
    assert f"waiting for process {child.pid}, at work since " in words
    assert "training into outputs/model" in words


def test_a_lock_of_a_dead_process_is_free_and_its_file_is_removed(tmp_path: Path) -> None:
    def work() -> None:
        with locked(tmp_path / "a"):
            os.kill(os.getpid(), signal.SIGKILL)

    killed(work)
    file = tmp_path / "a.lock"
    assert file.exists()
    remove_dead_lock(file)
    assert not file.exists()
    killed(work)
    with locked(tmp_path / "a"):
        remove_dead_lock(file)
        assert file.exists()
    assert not file.exists()
