"""A cut encoder says what its layer says, and runs nothing behind it."""

import pytest
import torch

from headstart.encoders.build import EncoderSpec, build_encoder
from headstart.errors import UserError
from headstart.reuse.cut import Cut

X = torch.rand(130, 1, 16, 16, generator=torch.Generator().manual_seed(0))


def encoder(name="small"):
    return build_encoder(EncoderSpec(name, 1, (16, 16), (0.5,), (0.25,))).eval()


def test_it_says_what_the_layer_says_flattened():
    whole = encoder()
    cut = Cut(whole, "stages.1", (1, 16, 16)).eval()
    with torch.no_grad():
        assert torch.allclose(cut(X), whole.stages[:2](X).flatten(1), atol=1e-5)
    assert cut.dim == cut(X[:1]).shape[1]
    assert Cut(whole, None, (1, 16, 16)).dim == whole.dim


def test_nothing_behind_the_layer_is_run():
    whole = encoder()
    cut = Cut(whole, "stages.1", (1, 16, 16))
    assert {name.split(".")[1] for name in cut.unused} == {"2", "3"}
    whole.stages[2].register_forward_hook(lambda *_: pytest.fail("it was run"))
    cut(X)


def test_a_gradient_reaches_what_lies_before_the_layer():
    whole = encoder()
    Cut(whole, "stages.1", (1, 16, 16)).train()(X).sum().backward()
    assert whole.stages[0][1][0].weight.grad is not None
    assert whole.stages[2][0].weight.grad is None


def test_the_leading_stages_may_be_left_out_and_the_encoder_stays_usable():
    whole = encoder("lecture_flat")
    cut = Cut(whole, "features", (1, 16, 16)).eval()
    with torch.no_grad():
        assert torch.allclose(cut(X[:5]), whole(X[:5]), atol=1e-5)


def test_a_layer_that_is_not_called_as_a_whole_is_refused():
    with pytest.raises(UserError, match="nothing passes"):
        Cut(encoder("transformer"), "body.0.self_attn.out_proj", (1, 16, 16))
