"""Layer-wise pretraining is the textbook's composition: each stage learns alone, on what the frozen ones make."""

import pytest
import torch
from torch import nn

from headstart.encoders.stages import Staged
from headstart.errors import UserError
from headstart.objectives.autoencoder import Autoencoder
from headstart.training.fit import encoder_spec, fit_encoder, untrained_encoder
from headstart.training.layerwise import pretrain_layerwise
from headstart.training.loop import train
from headstart.training.method import Method
from headstart.training.recipe import Recipe
from headstart.training.run import Run
from headstart.training.training_set import TrainingSet
from headstart.views.presets import PRESETS

X = torch.rand(16, 1, 16, 16, generator=torch.Generator().manual_seed(0))
SHORT = Recipe(epochs=4, batch_size=8, learning_rate=1e-3, seed=3)


def small():
    return untrained_encoder(encoder_spec("small", TrainingSet.of(X)), seed=1)


def states(stages):
    return [{k: v.clone() for k, v in stage.state_dict().items()} for stage in stages]


def same(a, b):
    return all(torch.equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize("learner", ["autoencoder", "simclr"])
def test_a_stage_leaves_the_stages_before_and_after_it_bit_for_bit(learner):
    encoder, seen = small(), []

    def watch(_):
        seen.append(states(encoder.stages))

    learned = pretrain_layerwise(
        encoder, TrainingSet.of(X, views=PRESETS["digits"]), learner=learner, recipe=SHORT, run=Run(progress=watch)
    )
    assert list(learned) == ["stage1", "stage2", "stage3", "stage4"]
    steps = len(learned["stage1"].rows)
    for k in range(4):
        before = seen[k * steps - 1] if k else states(small().stages)
        after = seen[(k + 1) * steps - 1]
        changed = [not same(a, b) for a, b in zip(before, after, strict=True)]
        assert changed == [j == k for j in range(4)]


def test_the_result_is_the_textbooks_loop_written_out_by_hand():
    greedy = small()
    pretrain_layerwise(greedy, TrainingSet.of(X), learner="autoencoder", recipe=SHORT)
    f, z, learned = nn.Identity(), X, []
    for k, stage in enumerate(small().stages):
        f_k = Staged([stage], channels=z.shape[1], size=(z.shape[2], z.shape[3]))
        learner = Method("autoencoder").make(f_k, shape=tuple(z.shape[1:]), seed=SHORT.seed + k)
        train(learner, TrainingSet.of(z), recipe=SHORT.replace(epochs=1))
        learned.append(f_k.stages[0])
        f = nn.Sequential(*learned).eval()
        with torch.no_grad():
            z = f(X)
    with torch.no_grad():
        assert torch.allclose(greedy.feature_map(X), z, atol=1e-5)
        assert not torch.allclose(small().feature_map(X), z, atol=1e-3)


def test_afterwards_every_stage_may_be_fine_tuned():
    encoder = small()
    pretrain_layerwise(encoder, TrainingSet.of(X), learner="autoencoder", recipe=SHORT)
    assert all(p.requires_grad for p in encoder.parameters())
    assert not encoder.training


def test_an_encoder_without_stages_is_refused():
    with pytest.raises(UserError, match=r"made of stages.*dense, or leave greedy out"):
        fit_encoder(
            Method("greedy"), TrainingSet.of(X), spec=encoder_spec("autoencoder", TrainingSet.of(X)), recipe=SHORT
        )


def test_one_image_is_too_few():
    with pytest.raises(UserError, match="1 images"):
        fit_encoder(
            Method("autoencoder"),
            TrainingSet.of(X[:1]),
            spec=encoder_spec("autoencoder", TrainingSet.of(X)),
            recipe=SHORT,
        )


def test_greedy_alone_learns_as_an_autoencoder_and_an_unknown_learner_is_answered_by_the_nearest():
    assert Method("greedy").objective is Method("greedy:autoencoder").objective is Autoencoder
    with pytest.raises(UserError, match="did you mean"):
        Method("greedy:simclear")
