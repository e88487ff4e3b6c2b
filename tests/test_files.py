"""Nothing is ever half-written, and equal things have equal names."""

import json
from pathlib import Path

import pytest

from ostinato.files import atomic_file, fingerprint, write_json, write_text


def test_a_file_appears_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.txt"
    with atomic_file(path) as part:
        part.write_text("half")
        assert not path.exists()
    assert path.read_text() == "half"
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail() -> None:
        with atomic_file(path) as part:
            part.write_text("new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_text_and_json_are_utf8(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "Präludium\n")
    write_json(tmp_path / "b", {"title": "Präludium", "a": 1})
    assert (tmp_path / "a").read_bytes() == "Präludium\n".encode()
    assert "Präludium" in (tmp_path / "b").read_text(encoding="utf-8")
    assert list(json.loads((tmp_path / "b").read_text(encoding="utf-8"))) == ["title", "a"]


def test_json_holds_no_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a", float("nan"))
    assert list(tmp_path.iterdir()) == []


def test_a_fingerprint_follows_content_and_names_but_not_place(tmp_path: Path) -> None:
    for folder in ("one", "two", "other", "renamed"):
        (tmp_path / folder / "in").mkdir(parents=True)
        name = "b" if folder == "renamed" else "a"
        (tmp_path / folder / "in" / name).write_text("x" if folder != "other" else "y")
    names = [fingerprint(tmp_path / f) for f in ("one", "two", "other", "renamed")]
    assert names[0] == names[1]
    assert len(set(names)) == 3
    assert all(len(name) == 16 and int(name, 16) >= 0 for name in names)


def test_a_fingerprint_does_not_depend_on_the_order_of_keys() -> None:
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})
    assert fingerprint("a", "b") != fingerprint("ab")
    assert fingerprint("a", "b") != fingerprint("b", "a")
