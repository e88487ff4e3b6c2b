"""Masked models give exact probabilities, whatever the order in which cells are drawn."""

import math
from itertools import combinations, permutations, product

import numpy as np
import pytest
import torch
from torch import Tensor

from ostinato.models.masked.cells import (
    CLASSES,
    HOLD,
    OUTSIDE,
    PITCHES,
    REST,
    UNKNOWN,
    Cells,
    legal_classes,
    to_tokens,
)
from ostinato.models.masked.masks import random_masks, random_regions, stratified_masks
from ostinato.models.masked.model import MaskedModel
from small_masked import confined, masked_config, masked_of

PITCH = (60, 64)
MODELS = ("masked", "masked_cnn", "masked_transformer")


def tiny(model: str = "masked", seed: int = 0) -> MaskedModel:
    """Two voices that know two pitches."""
    settings = {"voices": 2, "history": None, "bar_steps": 4, "position_bars": 1}
    return confined(masked_of(seed, model=model, **settings), PITCH)


def every_grid(voices: int, steps: int) -> Tensor:
    """Every piece of so many steps of these pitches, as cells: (pieces, steps, voices)."""
    lines = []
    for classes in product([*PITCH, REST, *(HOLD + p for p in PITCH)], repeat=steps):
        line = torch.tensor(classes)[None, :, None]
        # what goes on must sound before
        if (
            torch.equal(pitches(to_tokens(line)), pitches(line))
            and ((to_tokens(line) == HOLD) == (line > REST)).all()
        ):
            lines.append(classes)
    grids = [torch.tensor(chosen).T for chosen in product(lines, repeat=voices)]
    return torch.stack(grids)


def pitches(cell: Tensor) -> Tensor:
    return torch.where(cell < REST, cell, 0)


def nats_in_order(network: MaskedModel, grids: Tensor, order: tuple[int, ...]) -> Tensor:
    """The nats of pieces whose cells are drawn in an order: (pieces,)."""
    whole, step = network.begin(grids)
    real = torch.nn.functional.pad(torch.ones_like(grids, dtype=torch.bool), (0, 0, 1, 1))
    cells = Cells(whole, real, step)
    total = torch.zeros(len(grids), dtype=torch.float64)
    for number in range(len(order)):
        unknown = torch.zeros_like(grids, dtype=torch.bool).flatten(1)
        unknown[:, list(order[number:])] = True
        mask = torch.nn.functional.pad(unknown.view_as(grids), (0, 0, 1, 1))
        nats = network.nll(cells, mask)[:, 1:-1].flatten(1)
        total += nats[:, order[number]].double()
    return total


@pytest.mark.parametrize("model", MODELS)
@torch.no_grad()
def test_probabilities_of_all_pieces_sum_to_one_in_every_order(model: str) -> None:
    network, grids = tiny(model), every_grid(voices=2, steps=2)
    assert len(grids) == 11**2  # of a voice: 3 + 2 * (3 + 1)
    for order in permutations(range(4)):
        total = float((-nats_in_order(network, grids, order)).exp().sum())
        assert total == pytest.approx(1, abs=1e-5), order


@torch.no_grad()
def test_the_mean_over_masks_is_the_mean_over_orders() -> None:
    network, grids = tiny(), every_grid(2, 2)[[5, 40, 77]]
    orders = list(permutations(range(4)))
    means = torch.stack([nats_in_order(network, grids, order) for order in orders]).mean(0)
    whole, step = network.begin(grids)
    real = torch.nn.functional.pad(torch.ones_like(grids, dtype=torch.bool), (0, 0, 1, 1))
    cells = Cells(whole, real, step)
    by_size = torch.zeros(4, 3, dtype=torch.float64)
    for size in range(1, 5):  # of so many unknown cells, every set alike
        for chosen in combinations(range(4), size):
            unknown = torch.zeros(3, 4, dtype=torch.bool)
            unknown[:, list(chosen)] = True
            mask = torch.nn.functional.pad(unknown.view_as(grids), (0, 0, 1, 1))
            nats = network.nll(cells, mask).sum(dim=(1, 2)).double()
            by_size[size - 1] += nats * 4 / size / math.comb(4, size)
    torch.testing.assert_close(by_size.mean(0), means, rtol=1e-5, atol=0)
    scored = score(network, grids, masks=300)
    length = network.length_nats(torch.tensor([2]))
    torch.testing.assert_close(scored[:, -1], length.expand(3))
    torch.testing.assert_close(scored[:, :-1].sum(1), means, rtol=0.1, atol=0)  # an estimate


def score(network: MaskedModel, grids: Tensor, masks: int) -> Tensor:
    """What the network scores of the tokens of pieces and their end: (pieces, time)."""
    end, names = network.spec.size - 1, list(network.spec.features)
    targets = torch.nn.functional.pad(to_tokens(grids).flatten(1), (0, 1), value=end)
    steps = torch.nn.functional.pad(targets[:, :-1], (1, 0), value=end)
    positions = torch.zeros(*targets.shape, len(names), dtype=torch.int64)
    positions[..., names.index("step")] = torch.arange(targets.shape[1]) // grids.shape[2]
    positions[..., names.index("sounding.0")] = REST
    return network.score(steps, positions, targets, masks=masks)


def test_lengths_are_a_distribution() -> None:
    network = tiny()
    network.length.copy_(torch.tensor([3.0, 0.7]))
    shares = (-network.length_nats(torch.arange(1, 2000))).exp()
    assert float(shares.sum()) == pytest.approx(1, abs=1e-6)
    assert 10 < int(shares.argmax()) < 20  # the mode of the log-normal, exp(3 - 0.49) = 12.3


@pytest.mark.parametrize("model", MODELS)
@torch.no_grad()
def test_a_piece_scores_alike_whatever_lies_beside_it(model: str) -> None:
    network = masked_of(model=model, history=None)
    rng = np.random.default_rng(0)
    alone, beside = (torch.from_numpy(rng.integers(50, 70, (1, n, 4))) for n in (6, 15))
    found = []
    for others in ([], [beside]):
        longest = max(len(piece[0]) for piece in (alone, *others))
        cell = torch.cat(
            [
                torch.nn.functional.pad(p, (0, 0, 0, longest - p.shape[1]), value=OUTSIDE)
                for p in (alone, *others)
            ]
        )
        whole, step = network.begin(cell)
        real = whole != OUTSIDE
        cells = Cells(whole, real, step)
        mask = next(stratified_masks(real, 1, seed=3))
        found.append(network.nll(cells, mask)[0, 1:7])
    torch.testing.assert_close(found[0], found[1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("falling", [False, True])
def test_something_is_legal_whatever_was_drawn_before(falling: bool) -> None:
    """Cells drawn in random order among the legal ones always leave one for those to come."""
    random = torch.Generator().manual_seed(1)
    for _ in range(30):
        cell = torch.full((1, 5, 4), UNKNOWN)
        for place in torch.randperm(20, generator=random).tolist():
            whole = torch.nn.functional.pad(cell, (0, 0, 1, 1), value=OUTSIDE)
            legal = legal_classes(whole, falling)[0, 1:-1].flatten(0, 1)[place]
            assert legal.any()
            drawn = torch.multinomial(legal.float(), 1, generator=random)
            cell.view(-1)[place] = drawn
        held = cell > REST
        if falling:
            assert not held.any()
            sounds = torch.where(cell < REST, cell, -1)[0]
            falls = (sounds[:, 1:] < sounds[:, :-1]) | (sounds[:, 1:] == -1)
            assert falls.all()
        else:
            assert ((to_tokens(cell) == HOLD) == held).all()


def test_masks_are_of_every_size_alike() -> None:
    real = torch.ones(8, 6, 4, dtype=torch.bool)
    real[:4, 3:] = False
    torch.manual_seed(0)
    sizes = torch.stack([random_masks(real).sum(dim=(1, 2)) for _ in range(400)])
    for row, most in ((0, 12), (7, 24)):
        counts = torch.bincount(sizes[:, row], minlength=most + 1)
        assert counts[0] == 0
        assert len(counts) == most + 1
        assert counts[1:].min() > 0
        assert float(sizes[:, row].double().mean()) == pytest.approx((most + 1) / 2, rel=0.1)
    fixed = [mask.sum(dim=(1, 2)).tolist() for mask in stratified_masks(real, 4)]
    assert [row[0] for row in fixed] == sorted(row[0] for row in fixed)
    assert all(3 * i < row[0] <= 3 * i + 4 for i, row in enumerate(fixed))


def test_regions_leave_something_given_and_something_to_make() -> None:
    real = torch.ones(64, 16, 4, dtype=torch.bool)
    real[:8, 4:] = False
    torch.manual_seed(0)
    region = random_regions(real)
    assert (region & ~real).sum() == 0
    assert region.any(dim=(1, 2)).all()
    whole = (region == real).all(dim=(1, 2)).float().mean()
    assert whole < 0.2
    voices = region.any(dim=1).sum(dim=1)
    assert set(voices.tolist()) == {1, 2, 3, 4}


def test_a_model_without_an_end_of_pieces_is_refused() -> None:
    config = masked_config(end_token=False, history=None)
    with pytest.raises(Exception, match="end_token=true"):
        config.build("model", spec=_spec(config))


def _spec(config: object) -> object:
    from ostinato.models.bundle import to_spec

    return to_spec(config.build("representation"))  # type: ignore[attr-defined]


def test_classes_are_counted() -> None:
    assert (PITCHES, REST, HOLD, CLASSES) == (128, 128, 129, 257)
    assert CLASSES == 2 * PITCHES + 1
