"""MAE's error, and that hidden patches are never looked at."""

import pytest
import torch
from tests.objectives.losses import agree, rows

from headstart.encoders.transformer import VisionTransformer
from headstart.objectives.mae import hidden_error


def test_predicting_the_mean_costs_one_and_the_truth_nothing():
    patches = torch.randn(3, 5, 16, dtype=torch.float64)
    hidden = torch.tensor([[1.0, 0.0, 1.0, 1.0, 0.0]] * 3, dtype=torch.float64)
    assert hidden_error(torch.zeros_like(patches), patches, hidden).item() == pytest.approx(1, abs=1e-4)
    truth = (patches - patches.mean(2, keepdim=True)) / patches.std(2, keepdim=True, correction=0)
    assert hidden_error(truth, patches, hidden).item() == pytest.approx(0, abs=1e-4)


def test_loss_and_gradient_are_the_papers_error_of_standardised_patches():
    patches, hidden = rows(12, 9, seed=2).view(3, 4, 9), torch.tensor([[1.0, 0.0, 1.0, 1.0]] * 3, dtype=torch.float64)

    def written_out(p):
        errors = []
        for i, k in hidden.nonzero().tolist():
            patch = patches[i, k]
            wanted = (patch - patch.mean()) / (((patch - patch.mean()) ** 2).mean() + 1e-6).sqrt()
            errors.append(((p[i, k] - wanted) ** 2).mean())
        return torch.stack(errors).mean()

    agree(lambda p: hidden_error(p, patches, hidden), written_out, rows(12, 9, seed=1).view(3, 4, 9))


def test_what_is_kept_does_not_cost():
    patches, p = torch.randn(2, 4, 9), torch.zeros(2, 4, 9)
    hidden = torch.tensor([[1.0, 0.0, 0.0, 1.0]] * 2)
    other = p.clone()
    other[:, 1:3] = 100.0
    assert hidden_error(p, patches, hidden) == hidden_error(other, patches, hidden)


@pytest.mark.parametrize("side", [8, 28, 40, 50])
def test_the_tokens_kept_do_not_depend_on_the_patches_hidden(side):
    torch.manual_seed(0)
    encoder = VisionTransformer(1, (side, side), (0.5,), (0.25,)).eval()
    x = torch.rand(2, 1, side, side)
    patches, kept = encoder.patches(x), torch.tensor([[0, 3, 5], [1, 2, 4]])
    assert patches.shape[1] == encoder.grid[0] * encoder.grid[1]
    other = patches.clone()
    other[:, 6:] = 9.0
    assert torch.allclose(encoder.tokens(patches, kept), encoder.tokens(other, kept), atol=1e-5)
    assert encoder.feature_map(x).shape[1:] == encoder.map_shape
