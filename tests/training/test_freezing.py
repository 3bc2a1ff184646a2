"""What is frozen stays as it is, bit for bit, in inference mode; the rest trains at the rates that were asked for."""

import pytest
import torch
from torch import nn

from headstart.encoders.build import EncoderSpec, build_encoder
from headstart.encoders.encoder import Encoder
from headstart.errors import UserError
from headstart.objectives.supervised import Supervised
from headstart.training import loop
from headstart.training.loop import train
from headstart.training.recipe import Recipe
from headstart.training.run import Run
from headstart.training.training_set import TrainingSet

X = torch.rand(24, 1, 16, 16, generator=torch.Generator().manual_seed(0))
Y = torch.arange(24) % 3
SHORT = Recipe(epochs=3, batch_size=8, learning_rate=1e-2)
ONE_SGD_STEP = Recipe(
    epochs=1, batch_size=24, learning_rate=0.1, optimiser="sgd", momentum=0.0, weight_decay=0.0, schedule="constant",
    precision="float64",
)  # fmt: skip


def made(name="small"):
    torch.manual_seed(1)
    return Supervised(build_encoder(EncoderSpec(name, 1, (16, 16), (0.5,), (0.25,))), classes=3)


def state(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


def same(a, b):
    return [name for name in a if torch.equal(a[name], b[name])]


def test_frozen_parts_are_bit_identical_and_all_others_move():
    objective = made()
    before = state(objective)
    train(objective, TrainingSet.of(X, Y), recipe=SHORT.replace(frozen=("encoder.stages.0", "encoder.stages.2")))
    still = {name.split(".")[2] for name in same(before, state(objective)) if name.startswith("encoder.stages")}
    learned = {n for n in before if n.startswith(("encoder.stages.1", "encoder.stages.3", "head"))}
    assert still == {"0", "2"}
    assert learned.isdisjoint(same(before, state(objective)))  # running statistics among them


def test_frozen_batch_norm_and_dropout_are_in_inference_mode_while_the_rest_trains():
    modes = []

    class Spy(Supervised):
        def forward(self, batch):
            modes.append({name: m.training for name, m in self.named_modules()})
            return super().forward(batch)

    encoder = made("lecture_flat").encoder
    train(Spy(encoder, classes=3), TrainingSet.of(X, Y), recipe=SHORT.replace(frozen=("encoder.stages.1",)))
    assert {name: mode for name, mode in modes[-1].items() if not mode}.keys() == {
        "encoder.stages.1", *(f"encoder.stages.1.{i}" for i in range(5))
    }  # fmt: skip


def test_no_gradient_is_computed_through_a_frozen_beginning():
    graphs = {}
    objective = made()
    for name in ("0", "1"):
        stage = objective.encoder.stages.get_submodule(name)
        stage.register_forward_hook(lambda _, __, y, name=name: graphs.update({name: y.grad_fn is not None}))
    train(objective, TrainingSet.of(X, Y), recipe=SHORT.replace(frozen=("encoder.stages.0",)))
    assert graphs == {"0": False, "1": True}


def test_afterwards_everything_may_train_that_could_before_even_after_an_error():
    objective = made()
    objective.head.bias.requires_grad_(False)
    before = {name: p.requires_grad for name, p in objective.named_parameters()}
    train(objective, TrainingSet.of(X, Y), recipe=SHORT.replace(epochs=1, frozen=("encoder",)))
    assert {name: p.requires_grad for name, p in objective.named_parameters()} == before
    with pytest.raises(ZeroDivisionError):
        train(
            objective,
            TrainingSet.of(X, Y),
            recipe=SHORT.replace(frozen=("encoder",)),
            run=Run(progress=lambda _: 1 / 0),
        )
    assert {name: p.requires_grad for name, p in objective.named_parameters()} == before


def test_a_single_parameter_can_be_frozen():
    objective = made()
    before = state(objective)
    train(objective, TrainingSet.of(X, Y), recipe=SHORT.replace(frozen=("head.bias",)))
    assert [name for name in same(before, state(objective)) if name.startswith("head")] == ["head.bias"]


def test_a_part_that_is_not_there_is_answered_by_the_nearest_and_freezing_everything_is_refused():
    with pytest.raises(UserError, match=r"unknown part 'encoder.stage.1': did you mean 'encoder.stages.1'"):
        train(made(), TrainingSet.of(X, Y), recipe=SHORT.replace(frozen=("encoder.stage.1",)))
    with pytest.raises(UserError, match="nothing is left to train"):
        train(made(), TrainingSet.of(X, Y), recipe=SHORT.replace(frozen=("encoder", "head")))


def test_frozen_batch_norm_does_not_stand_against_accumulation():
    with pytest.raises(UserError, match="batch-norm"):
        train(made(), TrainingSet.of(X, Y), recipe=SHORT.replace(accumulate=2))
    train(made(), TrainingSet.of(X, Y), recipe=SHORT.replace(accumulate=2, frozen=("encoder",)))


def test_a_part_with_a_smaller_rate_moves_less_by_exactly_the_factor_after_a_step_of_sgd():
    moves = []
    for rates in (None, {"encoder": 0.5, "encoder.stages.1": 0.125}):
        objective = made()
        before = state(objective.double())
        train(objective, TrainingSet.of(X, Y), recipe=ONE_SGD_STEP.replace(rates=rates))
        after = state(objective)
        moves.append({name: after[name] - before[name] for name, _ in objective.named_parameters()})
    for name, free in moves[0].items():
        factor = 0.125 if name.startswith("encoder.stages.1.") else 0.5 if name.startswith("encoder") else 1.0
        assert torch.allclose(moves[1][name], factor * free, rtol=1e-9, atol=1e-15)
        assert free.abs().max() > 0


def test_the_beginning_of_a_name_ends_where_a_name_ends():
    class Twelve(Encoder):
        def __init__(self):
            super().__init__()
            self.dim, self.map_shape, self.input_shape = 256, (1, 16, 16), (1, 16, 16)
            self.layers = nn.ModuleList(nn.Linear(256, 256) for _ in range(12))

        def feature_map(self, x):
            return x

        def forward(self, x):
            h = x.flatten(1)
            return sum(layer(h) for layer in self.layers)

    objective = Supervised(Twelve(), classes=3)
    before = state(objective)
    train(objective, TrainingSet.of(X, Y), recipe=SHORT.replace(epochs=1, frozen=("encoder.layers.1",)))
    still = same(before, state(objective))
    assert still == ["encoder.layers.1.weight", "encoder.layers.1.bias"]


@pytest.mark.parametrize(
    ("rates", "words"), [({"encoder": 0.0}, "freeze it"), ({"encoder.stages.7": 0.5}, "did you mean")]
)
def test_a_rate_that_is_none_or_is_for_nothing_is_refused(rates, words):
    with pytest.raises(UserError, match=words):
        train(made(), TrainingSet.of(X, Y), recipe=SHORT.replace(rates=rates))


@pytest.mark.parametrize("optimiser", ["adamw", "muon", "sgd"])
def test_a_killed_and_resumed_run_with_frozen_parts_equals_an_uninterrupted_one(tmp_path, monkeypatch, optimiser):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", -1.0)
    recipe = SHORT.replace(optimiser=optimiser, frozen=("encoder.stages.0",), rates={"encoder": 0.5})
    whole, cut, resumed = made(), made(), made()
    train(whole, TrainingSet.of(X, Y), recipe=recipe)

    def kill(done):
        if done > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(cut, TrainingSet.of(X, Y), run=Run(folder=tmp_path, progress=kill), recipe=recipe)
    rows = train(resumed, TrainingSet.of(X, Y), run=Run(folder=tmp_path, resume=True), recipe=recipe)
    assert len(rows) == 9
    assert len(same(state(whole), state(resumed))) == len(state(whole)) > len(same(state(whole), state(cut)))


def test_a_checkpoint_of_other_frozen_parts_is_refused(tmp_path):
    train(made(), TrainingSet.of(X, Y), recipe=SHORT.replace(frozen=("encoder.stages.0",)), run=Run(folder=tmp_path))
    for given in ({}, {"frozen": ("encoder",)}):
        with pytest.raises(UserError, match="another frozen"):
            train(made(), TrainingSet.of(X, Y), recipe=SHORT.replace(**given), run=Run(folder=tmp_path, resume=True))


def test_sgd_is_torchs_own_with_momentum_and_weight_decay():
    recipe = Recipe(
        epochs=3, batch_size=24, learning_rate=0.1, optimiser="sgd", weight_decay=0.1, schedule="constant",
        precision="float64",
    )  # fmt: skip
    ours, theirs = made().double(), made().double()
    train(ours, TrainingSet.of(X, Y), recipe=recipe)
    weights = [p for p in theirs.parameters() if p.ndim > 1]
    rest = [p for p in theirs.parameters() if p.ndim == 1]
    groups = [{"params": weights, "weight_decay": 0.1}, {"params": rest}]
    optimiser = torch.optim.SGD(groups, lr=0.1, momentum=0.9)
    theirs.train()
    for _ in range(3):
        loss = nn.functional.cross_entropy(theirs.head(theirs.encoder(X.double())), Y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-9)
