"""Files of votes: checked, of one test, each vote once; a table from thirty votes on."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ostinato import cli
from ostinato.listening.protocol import Key, read_key, read_votes

Captured = pytest.CaptureFixture[str]
TEST, SYSTEMS = "ab" * 8, ("11111111", "22222222", "33333333")
PAIRS = [f"{0xA0 + i:08x}" for i in range(24)]


def sides(pair: str) -> list[dict[str, Any]]:
    number = PAIRS.index(pair)
    chosen = [SYSTEMS[number % 3], SYSTEMS[(number + 1) % 3]]
    return [{"system": system, "clip": f"{0xC00 + SYSTEMS.index(system):08x}"} for system in chosen]


def key_of_test() -> dict[str, Any]:
    return {
        "protocol": "ostinato-listening-1",
        "test": TEST,
        "seed": 0,
        "systems": {id_: {"name": f"model {id_[0]}", "source": "a folder"} for id_ in SYSTEMS},
        "clips": {
            f"{0xC00 + i:08x}": {"system": id_, "piece": "sample-01", "seconds": 20.0}
            for i, id_ in enumerate(SYSTEMS)
        },
        "pairs": {pair: sides(pair) for pair in PAIRS},
        "left_out": {},
    }


def vote_file(voter: int, votes: int, answers: str = "ABT") -> dict[str, Any]:
    """The votes of a listener on the first pairs; T is a tie, X both bad."""
    words = {"A": "A", "B": "B", "T": "tie", "X": "both_bad"}
    return {
        "protocol": "ostinato-listening-1",
        "test": TEST,
        "voter": f"{voter:016x}",
        "order": PAIRS,
        "votes": [
            {
                "pair": pair,
                "position": number,
                "left": {**sides(pair)[0], "heard": 6.5},
                "right": {**sides(pair)[1], "heard": 5.0},
                "answer": words[answers[(number + voter) % len(answers)]],
                "seconds": 14.25,
                "voted": f"2026-11-28T20:{number:02d}:00.000Z",
            }
            for number, pair in enumerate(PAIRS[:votes])
        ],
    }


@pytest.fixture
def here(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the key of the test where `ostinato listen` writes it."""
    monkeypatch.chdir(project)
    folder = project / "outputs" / "listening" / TEST
    folder.mkdir(parents=True)
    (folder / "key.json").write_text(json.dumps(key_of_test()))
    return project


def write(here: Path, **files: dict[str, Any]) -> list[str]:
    for name, content in files.items():
        (here / f"{name}.json").write_text(json.dumps(content))
    return [f"{name}.json" for name in files]


def refused(arguments: list[str], captured: Captured) -> str:
    assert cli.main(["votes", *arguments]) == 1
    err = captured.readouterr().err
    assert err.startswith("ostinato: ")
    assert err.count("\n") == 1
    return err


def test_votes_become_a_table(here: Path, capsys: Captured) -> None:
    files = write(here, a=vote_file(1, 24), b=vote_file(2, 24, "ABX"))
    assert cli.main(["votes", *files, "--csv", "table.csv"]) == 0
    shown = capsys.readouterr().out
    assert "48 votes of 2 listeners, 8 of them both bad" in shown
    assert "model 1: a folder" in shown
    head, *rows = (here / "table.csv").read_text().splitlines()
    assert head == "system,strength,low,high,share,wins,losses,ties,both_bad,drawn"
    assert sorted(row.split(",")[0] for row in rows) == ["model 1", "model 2", "model 3"]
    counts = [[int(cell) for cell in row.split(",")[5:9]] for row in rows]
    assert sum(sum(row) for row in counts) == 2 * 48
    assert sum(float(row.split(",")[1]) for row in rows) == pytest.approx(0, abs=2e-4)


@pytest.mark.parametrize(("votes", "missing"), [(24, 6), (14, 16)])
def test_fewer_than_thirty_votes_make_no_table(
    votes: int, missing: int, here: Path, capsys: Captured
) -> None:
    files = write(here, a=vote_file(1, votes))
    assert cli.main(["votes", *files, "--csv", "table.csv"]) == 0
    assert f"{missing} more are needed before there is a table" in capsys.readouterr().out
    assert not (here / "table.csv").exists()


def test_both_bad_does_not_count_towards_thirty(here: Path, capsys: Captured) -> None:
    files = write(here, a=vote_file(1, 24), b=vote_file(2, 24, "X"))
    assert cli.main(["votes", *files]) == 0
    shown = capsys.readouterr().out
    assert "24 votes compare systems so far, and 24 found both bad: 6 more" in shown


def test_the_same_votes_in_two_files_count_once(here: Path, capsys: Captured) -> None:
    files = write(here, early=vote_file(1, 10), late=vote_file(1, 24), other=vote_file(2, 24))
    assert cli.main(["votes", *files, "late.json"]) == 0
    shown = capsys.readouterr().out
    assert "1 file given twice is read once" in shown
    assert "10 votes are in several files, and counted once" in shown
    assert "48 votes of 2 listeners" in shown


def test_the_last_answer_of_a_listener_counts(here: Path, capsys: Captured) -> None:
    changed = vote_file(1, 24, "B")
    for vote in changed["votes"]:
        vote["voted"] = vote["voted"].replace("T20", "T21")
    files = write(here, b=changed, a=vote_file(1, 24, "A"), c=vote_file(2, 24))
    assert cli.main(["votes", *files, "--csv", "table.csv"]) == 0
    assert "24 answers were changed by the listener: the last one counts" in capsys.readouterr().out


def test_without_a_key_systems_have_ids(here: Path, capsys: Captured) -> None:
    key = here / "outputs" / "listening" / TEST / "key.json"
    moved = key.rename(here / "kept.json")
    files = write(here, a=vote_file(1, 24), b=vote_file(2, 24))
    assert cli.main(["votes", *files]) == 0
    shown = capsys.readouterr()
    assert "11111111" in shown.out
    assert "give --key" in shown.err
    assert cli.main(["votes", *files, "--key", str(moved)]) == 0
    assert "model 1" in capsys.readouterr().out


def edited(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    content = copy.deepcopy(vote_file(1, 24))
    change(content)
    return content


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda f: f["votes"][3].update(answer="C"), "votes.3.answer is 'C' and it should be"),
        (lambda f: f["votes"][3]["left"].update(heard=2), "2 seconds of A were heard, and the"),
        (lambda f: f["votes"][3]["left"].update(heard=500.5), "which is impossible"),
        (lambda f: f["votes"][3]["left"].update(heard=-1), "votes.3.left.heard is -1"),
        (lambda f: f["votes"][3]["left"].update(heard="7"), "votes.3.left.heard is '7'"),
        (lambda f: f["votes"][3].pop("pair"), "votes.3.pair is missing"),
        (lambda f: f["votes"][3].update(note="x"), "votes.3.note is 'x'"),
        (lambda f: f["votes"][3].update(voted="yesterday"), "votes.3.voted is 'yesterday'"),
        (lambda f: f["votes"][3].update(pair=PAIRS[4]), "is not at 3 in the order"),
        (lambda f: f["votes"].append(f["votes"][0]), "a pair has two votes"),
        (lambda f: f.update(order=[PAIRS[0]] * 2), "a pair is twice in the order"),
        (lambda f: f.update(protocol="other"), "protocol is 'other'"),
        (lambda f: f["votes"][0]["left"].update(system="deadbeef"), "does not have"),
        (lambda f: f["votes"][0]["left"].update(clip="deadbeef"), "does not have"),
        (lambda f: f.update(test="cd" * 8), "is not in outputs/listening"),
    ],
)
def test_a_file_edited_by_hand_is_refused_in_a_sentence(
    change: Callable[[dict[str, Any]], object], sentence: str, here: Path, capsys: Captured
) -> None:
    files = write(here, a=edited(change))
    if "is not in" in sentence:  # of a test that this project does not know: said, not refused
        assert cli.main(["votes", *files]) == 0
        assert sentence in capsys.readouterr().err
        return
    assert sentence in refused(files, capsys)


def test_an_unknown_pair_is_refused(here: Path, capsys: Captured) -> None:
    content = vote_file(1, 24)
    content["order"] = ["deadbeef", *PAIRS[1:]]
    content["votes"][0]["pair"] = "deadbeef"
    assert "names the pair deadbeef, which the test does not have" in refused(
        write(here, a=content), capsys
    )


def test_files_of_two_tests_are_refused(here: Path, capsys: Captured) -> None:
    other = vote_file(2, 24) | {"test": "cd" * 8}
    assert "give the files of one test" in refused(write(here, a=vote_file(1, 9), b=other), capsys)
    key = str(here / "outputs" / "listening" / TEST / "key.json")
    assert "and the key of abab" in refused(["b.json", "--key", key], capsys)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("content", "sentence"),
    [(None, "is not there"), ("{", "is not JSON"), ("[]", "does not fit"), ("\x00", "is not JSON")],
)
def test_what_is_no_file_of_votes_is_refused(
    content: str | None, sentence: str, capsys: Captured
) -> None:
    if content is not None:
        Path("a.json").write_text(content)
    assert sentence in refused(["a.json"], capsys)
    assert "is a folder" in refused(["conf"], capsys)


def test_systems_that_no_vote_joins_are_not_ranked(here: Path, capsys: Captured) -> None:
    content = vote_file(1, 24)
    content["votes"] = [vote for vote in content["votes"] if vote["position"] % 3 == 0]
    files = write(here, **{f"v{i}": content | {"voter": f"{i:016x}"} for i in range(5)})
    assert "no vote compares systems of one of these groups" in refused(files, capsys)


def test_a_key_is_read_as_it_was_written(here: Path) -> None:
    file = here / "outputs" / "listening" / TEST / "key.json"
    key = read_key(file)
    file.write_text(key.model_dump_json(indent=2))
    assert read_key(file) == key == Key.model_validate(key.model_dump())


def test_a_file_of_votes_is_read(here: Path) -> None:
    [file] = write(here, a=vote_file(1, 24))
    assert len(read_votes(here / file).votes) == 24
