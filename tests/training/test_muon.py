"""Muon: steps are as long in every direction, whatever the gradient's size and shape."""

import pytest
import torch

from headstart.training.muon import Muon, orthogonalised

SHAPES = [(20, 60), (60, 20), (30, 30)]


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def stepped(p: torch.Tensor, gradients: list[torch.Tensor], **options: float) -> torch.Tensor:
    """The parameter after a step by each gradient."""
    p = torch.nn.Parameter(p.clone())
    optimiser = Muon([{"params": [p]}], **{"lr": 0.1, **options})
    for g in gradients:
        p.grad = g.clone()
        optimiser.step()
    return p.detach()


@pytest.mark.parametrize("shape", SHAPES)
def test_directions_stay_and_singular_values_become_about_one(shape):
    u, s, v = torch.linalg.svd(drawn(*shape), full_matrices=False)
    u, v = (u * torch.logspace(0, -2, len(s), dtype=s.dtype)), v  # singular values from 1 to 0.01
    made = orthogonalised(u @ v)
    directions = torch.nn.functional.normalize(u, dim=0).T @ made @ v.T
    assert (directions - directions.diag().diag()).abs().max() < 1e-6
    assert directions.diag().min() > 0.6
    assert directions.diag().max() < 1.25


@pytest.mark.parametrize("shape", [*SHAPES, (50,)])
def test_a_step_does_not_depend_on_the_size_of_the_gradients(shape):
    p, gradients = torch.zeros(shape, dtype=torch.float64), [drawn(*shape, seed=k) for k in range(3)]
    torch.testing.assert_close(stepped(p, gradients), stepped(p, [1e-6 * g for g in gradients]))


def test_a_vector_moves_by_a_tenth_of_the_rate_on_average():
    moved = stepped(torch.zeros(50, dtype=torch.float64), [drawn(50)])
    torch.testing.assert_close(moved.square().mean().sqrt(), torch.tensor(0.1 * 0.1, dtype=torch.float64))


def test_no_gradient_moves_nothing_but_by_decay():
    p = drawn(4, 6)
    torch.testing.assert_close(stepped(p, [torch.zeros(4, 6, dtype=torch.float64)], weight_decay=0.5), p * 0.95)


def test_filters_are_stepped_as_the_matrix_of_outputs_by_all_else():
    gradients = [drawn(8, 3, 3, 3, seed=k) for k in range(2)]
    as_matrices = stepped(torch.zeros(8, 27, dtype=torch.float64), [g.flatten(1) for g in gradients])
    for layout in (torch.contiguous_format, torch.channels_last):
        filters = stepped(torch.zeros(8, 3, 3, 3, dtype=torch.float64).to(memory_format=layout), gradients)
        torch.testing.assert_close(filters.flatten(1), as_matrices)


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="this torch has no Muon of its own")
@pytest.mark.parametrize("shape", SHAPES)
def test_matrices_move_as_by_torchs_own_which_computes_in_bfloat16(shape):
    p = torch.nn.Parameter(drawn(*shape).float())
    theirs, gradients = (
        torch.optim.Muon([p], lr=0.1, momentum=0.9, weight_decay=0.2),
        [drawn(*shape, seed=k).float() for k in (1, 2)],
    )
    ours = stepped(p.detach(), gradients, weight_decay=0.2)
    for g in gradients:
        p.grad = g.clone()
        theirs.step()
    torch.testing.assert_close(ours, p.detach(), atol=0.01, rtol=0.01)
