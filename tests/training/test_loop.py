"""The loop does what its recipe says: rates, averages, accumulation, time, log, and refusals."""

import csv
import math
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from headstart.encoders.encoder import Encoder
from headstart.errors import UserError
from headstart.objectives.objective import Objective
from headstart.training.fit import encoder_spec, untrained_encoder
from headstart.training.loop import _rate, train
from headstart.training.method import Method
from headstart.training.recipe import Recipe, steps_an_epoch
from headstart.training.run import Run
from headstart.training.training_set import TrainingSet
from headstart.views.presets import PRESETS
from headstart.views.random import image_keys
from headstart.views.views import Views

X = torch.rand(24, 1, 16, 16, generator=torch.Generator().manual_seed(0))
SHORT = Recipe(epochs=3, batch_size=8, learning_rate=1e-2)


class Plain(Encoder):
    """A linear encoder without batch-norm."""

    def __init__(self):
        super().__init__()
        self.dim, self.map_shape = 4, (1, 16, 16)
        self.layer = nn.Linear(256, 4)

    def feature_map(self, x):
        return x

    def forward(self, x):
        return self.layer(x.flatten(1))


class Compress(Objective):
    """Reconstruct by the transposed layer: coupled to no other row, without batch-norm."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.encoder = Plain()

    def forward(self, batch):
        x = batch.x.flatten(1)
        return {"error": (self.encoder(batch.x) @ self.encoder.layer.weight - x).square().mean()}


def weight(objective):
    return objective.encoder.layer.weight.detach()


def trained(**changes):
    objective = Compress()
    rows = train(objective, TrainingSet.of(X), recipe=SHORT.replace(**changes))
    return objective, rows


def test_the_rate_rises_linearly_then_falls_as_half_a_cosine_to_nearly_zero():
    recipe = Recipe(learning_rate=2.0, warmup_fraction=0.2).resolve("simclr", 10)
    rates = [_rate(step, 10, recipe) for step in range(10)]
    assert rates[:3] == [1.0, 2.0, 2.0]
    assert rates[6] == pytest.approx(1.0)  # half way from step 2 to step 10
    assert rates[9] == pytest.approx(1 + math.cos(math.pi * 7 / 8))
    assert rates[2:] == sorted(rates[2:], reverse=True)


def test_named_parameters_move_by_their_factor_of_the_rate():
    class Faster(Compress):
        rates: ClassVar = {"encoder.layer.bias": 10.0}

        def forward(self, batch):
            return {"error": super().forward(batch)["error"] + self.encoder.layer.bias.sum()}

    objective, recipe = (
        Faster(),
        Recipe(epochs=1, batch_size=24, learning_rate=1e-3, warmup_fraction=0.0, weight_decay=0.0),
    )
    weight_before, bias_before = weight(objective).clone(), objective.encoder.layer.bias.detach().clone()
    train(objective, TrainingSet.of(X), recipe=recipe)
    moved = (weight(objective) - weight_before).abs()
    assert (objective.encoder.layer.bias - bias_before).abs().tolist() == pytest.approx([1e-2] * 4, rel=1e-3)
    assert moved.median().item() == pytest.approx(
        1e-3, rel=1e-2
    )  # Adam's first step is the rate, whatever the gradient


@pytest.mark.parametrize("optimiser", ["adamw", "muon", "sgd"])
def test_decay_shrinks_weights_by_rate_times_decay_and_leaves_biases_and_norms(optimiser):
    class Still(Compress):
        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm1d(4)
            nn.init.ones_(self.encoder.layer.bias)

        def forward(self, batch):
            return {"error": 0 * self.norm(self.encoder(batch.x)).sum()}

    objective = Still()
    before = {name: p.detach().clone() for name, p in objective.named_parameters()}
    one_step = Recipe(
        epochs=1, batch_size=24, learning_rate=0.1, weight_decay=0.5, warmup_fraction=0.0, optimiser=optimiser
    )
    train(objective, TrainingSet.of(X), recipe=one_step)
    for name, p in objective.named_parameters():
        kept = 1 - 0.1 * 0.5 if name == "encoder.layer.weight" else 1.0
        assert torch.allclose(p, kept * before[name], rtol=1e-6), name


def test_without_a_cosine_step_a_single_step_still_has_the_full_rate():
    assert _rate(0, 1, Recipe(learning_rate=0.5).resolve("simclr", 10)) == 0.5


def test_an_epoch_is_nearly_equal_batches_of_at_least_two_images():
    assert [steps_an_epoch(n, 8) for n in (2, 3, 8, 9, 17, 24)] == [1, 1, 1, 2, 3, 3]
    assert steps_an_epoch(5, 1) == 2


def test_a_loop_sees_every_image_once_an_epoch_in_another_order():
    seen = []

    class Spy(Compress):
        def forward(self, batch):
            seen.append(batch.index.tolist())
            return super().forward(batch)

    train(Spy(), TrainingSet.of(X[:20]), recipe=SHORT.replace(epochs=2))
    first, second = ([i for batch in part for i in batch] for part in (seen[:3], seen[3:]))
    assert sorted(first) == sorted(second) == list(range(20))
    assert first != second


def test_another_seed_deals_another_order():
    orders = []

    class Spy(Compress):
        def forward(self, batch):
            orders[-1] += batch.index.tolist()
            return super().forward(batch)

    for seed in (0, 0, 1):
        orders.append([])
        train(Spy(), TrainingSet.of(X), recipe=SHORT.replace(epochs=1, seed=seed))
    assert orders[0] == orders[1] != orders[2]


def test_label_and_place_in_the_data_set_stay_with_their_image():
    seen, y, index = [], torch.arange(24) % 5, np.arange(24) * 7 + 100

    class Spy(Compress):
        def forward(self, batch):
            seen.append(batch)
            return super().forward(batch)

    train(Spy(), TrainingSet.of(X, y, index=index), recipe=SHORT.replace(epochs=1))
    for batch in seen:
        rows = (batch.index - 100) // 7
        assert torch.equal(batch.x, X[rows])
        assert torch.equal(batch.y, y[rows])


def test_each_view_is_drawn_by_its_number_the_images_place_the_epoch_and_the_seed():
    seen, views = [], Views(crop=(0.3, 0.9), noise=(0.1, 0.2))

    class Spy(Compress):
        n_views = 2

        def forward(self, batch):
            seen.append(batch)
            return super().forward(batch)

    index = np.random.default_rng(0).permutation(24) + 100
    train(Spy(), TrainingSet.of(X, views=views, index=index), recipe=SHORT.replace(epochs=2, seed=5))
    for step, batch in enumerate(seen):
        own, first, second = (image_keys(batch.index, seed=5, epoch=step // 3, stream=k) for k in range(3))
        assert torch.equal(batch.keys, own)
        for view, keys in zip(batch.views, (first, second), strict=True):
            assert torch.allclose(view, views(batch.x, keys), atol=1e-6)


def test_a_network_draws_something_else_in_every_step_and_the_same_again_by_the_same_seed():
    drawn = []

    class Spy(Compress):
        def forward(self, batch):
            drawn.append(torch.rand(()).item())  # as a dropout does
            return super().forward(batch)

    for seed in (0, 0, 1):
        train(Spy(), TrainingSet.of(X), recipe=SHORT.replace(seed=seed))
    assert drawn[:9] == drawn[9:18]
    assert len(set(drawn)) == 18


def test_a_network_learns_in_training_mode_whatever_a_watcher_does_and_is_left_in_inference_mode():
    modes = []

    class Spy(Compress):
        def forward(self, batch):
            modes.append(self.training and self.encoder.layer.training)
            return super().forward(batch)

    watched, left_alone = Spy().eval(), Spy()
    train(watched, TrainingSet.of(X), recipe=SHORT, run=Run(watch=lambda seen, _: seen.eval()))
    assert modes == [True] * 9
    train(left_alone, TrainingSet.of(X), recipe=SHORT)
    assert not any(module.training for module in left_alone.modules())


def test_after_every_step_the_objective_is_told_the_share_of_all_steps_that_is_done():
    told = []

    class Spy(Compress):
        def after_step(self, progress):
            told.append(progress)

    train(Spy(), TrainingSet.of(X), recipe=SHORT)
    assert told == pytest.approx([k / 9 for k in range(1, 10)])


def test_accumulated_parts_give_the_result_of_the_whole_batch():
    whole, rows = trained(precision="float64")
    parts, others = trained(precision="float64", accumulate=3)
    assert torch.allclose(weight(whole), weight(parts), rtol=0, atol=1e-10)
    assert [r["loss"] for r in rows] == pytest.approx([r["loss"] for r in others], abs=1e-12)


@pytest.mark.parametrize(("method", "reason"), [("simclr", "contrasts"), ("autoencoder", "batch-norm")])
def test_accumulation_is_refused_where_it_would_change_the_result(method, reason):
    encoder = untrained_encoder(encoder_spec(Method(method).default_encoder(), TrainingSet.of(X)), seed=0)
    objective = Method(method).make(encoder, shape=(1, 16, 16), seed=0)
    with pytest.raises(UserError, match=reason):
        train(objective, TrainingSet.of(X, views=PRESETS["digits"]), recipe=SHORT.replace(accumulate=2))


def test_averaged_weights_are_the_moving_average_of_every_steps_weights():
    passed = []

    class Spy(Compress):
        def after_step(self, progress):
            passed.append(weight(self).clone())

    start = weight(Compress()).clone()
    averaged = Spy()
    train(averaged, TrainingSet.of(X), recipe=SHORT.replace(ema=0.9))
    mean = start
    for w in passed:
        mean = 0.9 * mean + 0.1 * w
    assert len(passed) == 9
    assert torch.allclose(weight(averaged), mean, atol=1e-6)
    assert not torch.allclose(passed[-1], mean, atol=1e-3)


def test_without_averaging_the_last_weights_are_kept():
    passed = []

    class Spy(Compress):
        def after_step(self, progress):
            passed.append(weight(self).clone())

    kept = Spy()
    train(kept, TrainingSet.of(X), recipe=SHORT)
    assert torch.equal(weight(kept), passed[-1])


def test_training_lowers_the_loss():
    _, rows = trained(epochs=30)
    assert rows[-1]["loss"] < 0.5 * rows[0]["loss"]


def test_double_precision_computes_in_double_precision():
    seen = set()

    class Spy(Compress):
        def forward(self, batch):
            seen.add(batch.x.dtype)
            return super().forward(batch)

    train((objective := Spy()), TrainingSet.of(X), recipe=SHORT.replace(precision="float64", epochs=1))
    assert seen == {torch.float64}
    assert weight(objective).dtype == torch.float64


def test_bf16_computes_in_bf16_and_keeps_weights_in_float32():
    seen = set()

    class Spy(Compress):
        def forward(self, batch):
            seen.add(self.encoder(batch.x).dtype)
            return super().forward(batch)

    train((objective := Spy()), TrainingSet.of(X), recipe=SHORT.replace(precision="bf16", epochs=1))
    assert seen == {torch.bfloat16}
    assert weight(objective).dtype == torch.float32


def test_a_time_budget_shortens_the_schedule_and_ends_it_at_its_foot():
    progress = []
    rows = train(
        Compress(),
        TrainingSet.of(X),
        recipe=SHORT.replace(epochs=100000),
        run=Run(seconds=0.5, progress=progress.append),
    )
    assert 8 <= len(rows) < 100_000
    assert rows[-1]["seconds"] < 3
    assert progress[-1] == 1.0


def test_a_time_budget_that_suffices_changes_nothing():
    free, bound = Compress(), Compress()
    train(free, TrainingSet.of(X), recipe=SHORT)
    assert len(train(bound, TrainingSet.of(X), recipe=SHORT, run=Run(seconds=600))) == 9
    assert torch.equal(weight(free), weight(bound))


def test_the_log_has_a_row_a_step_and_a_column_a_term(tmp_path):
    rows = train(Compress(), TrainingSet.of(X), recipe=SHORT, run=Run(folder=tmp_path))
    with (tmp_path / "log.csv").open() as file:
        written = list(csv.DictReader(file))
    assert list(written[0]) == ["step", "epoch", "seconds", "loss", "error"]
    assert [int(r["step"]) for r in written] == list(range(1, 10))
    assert [int(r["epoch"]) for r in written] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert [float(r["loss"]) for r in written] == [r["loss"] for r in rows]


def test_a_checkpoint_of_another_recipe_is_refused_by_what_differs(tmp_path):
    train(Compress(), TrainingSet.of(X), recipe=SHORT, run=Run(folder=tmp_path))
    with pytest.raises(UserError, match="another learning_rate"):
        train(
            Compress(),
            TrainingSet.of(X),
            recipe=SHORT.replace(learning_rate=1.0),
            run=Run(folder=tmp_path, resume=True),
        )


def test_resuming_a_finished_run_does_not_step_again(tmp_path):
    first, second = Compress(), Compress()
    rows = train(first, TrainingSet.of(X), recipe=SHORT.replace(ema=0.5), run=Run(folder=tmp_path))
    assert (
        train(second, TrainingSet.of(X), recipe=SHORT.replace(ema=0.5), run=Run(folder=tmp_path, resume=True)) == rows
    )
    assert torch.equal(weight(first), weight(second))


def test_a_loss_that_is_not_finite_is_the_users_to_mend():
    class Explodes(Compress):
        def forward(self, batch):
            return {"error": super().forward(batch)["error"] * math.inf}

    with pytest.raises(UserError, match="--learning-rate"):
        train(Explodes(), TrainingSet.of(X), recipe=SHORT)


def test_training_leaves_the_callers_random_state_alone_and_does_not_depend_on_it():
    torch.manual_seed(7)
    before = torch.get_rng_state()
    first, _ = trained()
    torch.manual_seed(8)
    second, _ = trained()
    assert torch.equal(weight(first), weight(second))
    torch.set_rng_state(before)
    train(first, TrainingSet.of(X), recipe=SHORT.replace(epochs=1))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_watcher_sees_the_start_and_the_log_up_to_the_end_of_every_epoch():
    seen = []
    train(
        Compress(),
        TrainingSet.of(X),
        recipe=SHORT,
        run=Run(watch=lambda _, rows: seen.append([row["step"] for row in rows])),
    )
    assert seen == [[], [1, 2, 3], [1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6, 7, 8, 9]]


def test_the_default_recipe_looks_at_fewer_epochs_of_more_images():
    epochs = [Recipe().resolve("simclr", n).epochs for n in (100, 1_000, 4_000, 60_000)]
    assert epochs == sorted(epochs, reverse=True)
    assert epochs[-1] >= 1
    assert Recipe().resolve("simclr", 1_000, runs=4).epochs < epochs[1]
