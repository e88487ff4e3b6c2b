"""Pairs: of the same prompt, of each two systems as often, at random by a seed."""

from collections import Counter
from pathlib import Path

import pytest
from sample_folders import Samples, continued

from ostinato.errors import UserError
from ostinato.listening.pairs import Pairing, pair_systems
from ostinato.listening.systems import System, read_system
from ostinato.music.piece import NOTE, Piece, array

PROMPT = {"prompt": "test", "prompt_bars": 2}


def read(*folders: Path) -> list[System]:
    return [read_system(folder, folder.name) for folder in folders]


def of_pairs(pairing: Pairing) -> Counter[tuple[int, int]]:
    return Counter((pair.first[0], pair.second[0]) for pair in pairing.pairs)


def test_each_two_systems_are_compared_as_often(
    samples: Samples, short_chorales: list[Piece]
) -> None:
    names = ("a", "b", "c")
    systems = read(*(samples(n, short_chorales[4 * i : 4 * i + 4]) for i, n in enumerate(names)))
    pairing = pair_systems(systems, 24, seed=0)
    assert set(of_pairs(pairing).values()) == {8}
    uses = Counter(side for pair in pairing.pairs for side in (pair.first, pair.second))
    assert set(uses.values()) == {4}  # of each piece
    assert not pairing.left_out


def test_the_seed_decides(samples: Samples, short_chorales: list[Piece]) -> None:
    systems = read(samples("a", short_chorales[:6]), samples("b", short_chorales[6:12]))
    assert pair_systems(systems, 6, 1) == pair_systems(systems, 6, 1)
    assert pair_systems(systems, 6, 1) != pair_systems(systems, 6, 2)


def test_samples_are_compared_that_continue_the_same_prompt(
    samples: Samples, short_chorales: list[Piece]
) -> None:
    ours = [continued(piece, 1) for piece in short_chorales[:4]]
    theirs = [continued(piece, 2) for piece in reversed(short_chorales[2:6])]
    systems = read(samples("a", ours, **PROMPT), samples("b", theirs, **PROMPT))
    pairing = pair_systems(systems, 24, 0)
    assert sorted((pair.first[1], pair.second[1]) for pair in pairing.pairs) == [(2, 3), (3, 2)]
    assert pairing.left_out == {"without_partner": 4}
    for pair in pairing.pairs:
        piece = systems[0].music[pair.first[1]].piece
        until = float(piece.barlines()[2]) / piece.resolution
        # what both were given, as far as the first eighth note that differs
        assert pair.given[0] == pytest.approx(until * piece.seconds / piece.quarters, abs=1.5)


def test_prompts_and_none_have_nothing_in_common(
    samples: Samples, short_chorales: list[Piece]
) -> None:
    systems = read(samples("a", short_chorales[:4], **PROMPT), samples("b", short_chorales[4:8]))
    with pytest.raises(UserError, match=r"no prompt in common.*prompts of 2 bars.*from nothing"):
        pair_systems(systems, 24, 0)


def test_two_systems_that_a_third_joins_are_named(
    samples: Samples, short_chorales: list[Piece]
) -> None:
    prompts = short_chorales[:3]
    systems = read(
        samples("a", [continued(piece, 1) for piece in prompts], **PROMPT),
        samples("b", short_chorales[4:7]),
        samples("c", [continued(piece, 2) for piece in prompts], **PROMPT),
        samples("d", short_chorales[8:9]),
    )
    of_both = System("real", "a split", [*systems[2].music, *systems[3].music])
    pairing = pair_systems([*systems[:2], of_both], 24, 0)
    assert pairing.apart == [("a-voices-bach", "b-voices-bach")]


def test_identical_pieces_are_counted_and_not_compared(
    samples: Samples, short_chorales: list[Piece]
) -> None:
    systems = read(samples("a", short_chorales[:3]), samples("b", short_chorales[2:5]))
    pairing = pair_systems(systems, 99, 0)
    assert pairing.left_out == {"identical": 1}
    assert len(pairing.pairs) == 8


def test_the_same_music_written_otherwise_is_the_same_prompt(short_chorales: list[Piece]) -> None:
    from dataclasses import replace

    from ostinato.listening.systems import hear_pieces

    piece = short_chorales[0]
    notes = piece.notes.copy()
    notes["velocity"], notes["track"], notes["program"] = 33, 0, 19
    other = replace(piece, notes=notes).at_resolution(96)
    first, second = hear_pieces([piece, other], bars=4)
    assert first.condition == second.condition


@pytest.mark.parametrize(
    "about", [{"piece": "test"}, {"start": "a.mid"}, {"from_": "a.mid", "to": "b.mid"}]
)
def test_variations_of_a_piece_are_refused(
    about: dict[str, str], samples: Samples, short_chorales: list[Piece]
) -> None:
    with pytest.raises(UserError, match="made from a given piece"):
        read(samples("a", short_chorales[:2], **about))


def test_silent_and_unreadable_samples_are_counted(
    samples: Samples, short_chorales: list[Piece]
) -> None:
    folder = samples("a", [*short_chorales[:2], Piece("silent", 24, array(NOTE)[:0])])
    (folder / "sample-09.mid").write_bytes(b"no music")
    [system] = read(folder)
    assert len(system.music) == 2
    assert sum(system.left_out.values()) == 2


def test_a_folder_without_samples_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no samples \(\.mid\)"):
        read(tmp_path)
