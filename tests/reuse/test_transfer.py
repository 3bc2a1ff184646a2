"""Transfer: what is frozen stays, what is cached is the same, and a related task helps where labels are few."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from torch import nn

from headstart.encoders.build import EncoderSpec, build_encoder
from headstart.errors import UserError
from headstart.representation.bundle import Bundle, load_bundle
from headstart.representation.frozen import fingerprint, represent
from headstart.reuse.heads import LinearHead
from headstart.reuse.transfer import Transfer, lecture_head
from headstart.training import loop
from headstart.training.fit import encoder_spec, untrained_encoder
from headstart.training.recipe import Recipe
from headstart.training.training_set import TrainingSet
from headstart.views.presets import PRESETS

Y = np.arange(24) % 3 * 2  # labels need not be 0..k-1
X = torch.rand(24, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 0.2
for i, label in enumerate(Y):
    X[i, :, 4 * (label // 2) : 4 * (label // 2) + 4] += 0.7
RECIPE = Recipe(epochs=15, batch_size=8, learning_rate=3e-3)
SHORT = RECIPE.replace(epochs=3)


def encoder(name="small"):
    return untrained_encoder(encoder_spec(name, TrainingSet.of(X)), seed=0)


def states(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


def moved(before, after):
    return {name for name in before if not torch.equal(before[name], after[name])}


def test_fine_tuning_learns_what_can_be_learned_and_leaves_the_original_alone():
    given = encoder()
    before = fingerprint(given)
    made = Transfer(given, frozen=(), recipe=RECIPE).fit(X, Y)
    assert made.classes_.tolist() == [0, 2, 4]
    assert made.score(X, Y) > 0.9
    assert fingerprint(given) == before != fingerprint(made.encoder_)


def test_the_same_recipe_gives_the_same_bits():
    a, b = (Transfer(encoder(), frozen=(), recipe=SHORT).fit(X, Y) for _ in range(2))
    assert fingerprint(a.encoder_) == fingerprint(b.encoder_)
    assert torch.equal(a.head_.weight, b.head_.weight)


def test_a_linear_head_predicts_as_its_weights_say():
    made = Transfer(encoder(), recipe=SHORT).fit(X, Y)
    p = LinearHead.of(made.head_).predict_proba(represent(made.encoder_, X))
    assert np.allclose(p, made.predict_proba(X), atol=1e-5)
    assert (made.predict(X) == made.classes_[p.argmax(1)]).all()


def test_the_lectures_counts():
    network = build_encoder(EncoderSpec("lecture_flat", 1, (28, 28), (0.5,), (0.25,)))
    made = Transfer(network, layer="features", head=lecture_head)
    totals = "Total parameters: 1,679,082\nTrainable: 1,612,298\nNot trainable: 66,784"
    assert made.summary(classes=10).endswith(totals)
    x, y = torch.rand(20, 1, 28, 28), np.arange(20) % 10
    assert made.set_params(recipe=SHORT.replace(epochs=1)).fit(x, y).summary().endswith(totals)


@pytest.mark.parametrize("faithful", [False, True])
def test_frozen_parts_are_bit_identical_and_the_head_learns(faithful):
    given = encoder("lecture_flat")
    made = Transfer(given, recipe=RECIPE, faithful=faithful, views=PRESETS["identity"]).fit(X, Y)
    assert fingerprint(made.encoder_) == fingerprint(given)
    assert not made.cached_
    assert made.score(X, Y) > 0.9


def test_only_what_is_named_is_frozen_with_everything_beneath_it():
    given = encoder()
    made = Transfer(given, frozen=["stages.0", "stages.2.0"], recipe=SHORT).fit(X, Y)
    still = states(given).keys() - moved(states(given), states(made.encoder_))
    assert still == {name for name in states(given) if name.startswith(("stages.0.", "stages.2.0."))}


@pytest.mark.parametrize("layer", [None, "features", "stages.1", "stages.2.0"])
def test_cached_training_equals_uncached_frozen_training(layer):
    made = [
        Transfer(encoder("lecture_flat"), layer=layer, head=lecture_head, recipe=SHORT, cache=cache_it).fit(X, Y)
        for cache_it in (True, False)
    ]
    assert [m.cached_ for m in made] == [True, False]
    first, second = states(made[0].head_), states(made[1].head_)
    assert all(torch.allclose(first[name], second[name], atol=1e-3) for name in first)
    assert np.allclose(*(m.predict_proba(X) for m in made), atol=1e-3)
    assert np.allclose(*([row["loss"] for row in m.log_] for m in made), atol=1e-4)


def test_nothing_is_cached_where_an_image_does_not_always_look_the_same():
    for changes in ({"views": PRESETS["digits"]}, {"faithful": True}, {"frozen": ["stages.0"]}):
        assert not Transfer(encoder("lecture_flat"), recipe=SHORT, **changes).fit(X, Y).cached_


def test_frozen_dropouts_are_random_only_where_training_is_to_be_faithful_to_keras():
    modes = {}

    class Spy(nn.Dropout):
        def forward(self, x):
            modes[faithful] = modes.get(faithful, False) or self.training
            return super().forward(x)

    for faithful in (False, True):
        given = encoder("lecture_flat")
        given.stages[1][4] = Spy(0.25)
        Transfer(given, recipe=SHORT, faithful=faithful, cache=False).fit(X, Y)
    assert modes == {False: False, True: True}


def test_frozen_batch_norm_keeps_its_statistics_though_dropout_is_faithful():
    given = encoder("lecture_flat")
    made = Transfer(given, frozen=["stages.0", "stages.1"], faithful=True, recipe=SHORT).fit(X, Y)
    changed = {name.split(".")[1] for name in moved(states(given), states(made.encoder_))}
    assert changed == {"2", "3"}


def test_what_lies_behind_the_layer_is_neither_run_nor_trained():
    given = encoder()
    made = Transfer(given, layer="stages.1", frozen=(), recipe=SHORT).fit(X, Y)
    changed = {name.split(".")[1] for name in moved(states(given), states(made.encoder_))}
    assert changed == {"0", "1"}
    assert made.head_.in_features == given.stages[:2](X[:1]).numel()


def test_gradual_unfreezing_opens_the_last_stage_first():
    given, seen = encoder(), []
    real = loop._Loop._finish

    def spy(run):
        real(run)
        seen.append(states(run.objective))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop._Loop, "_finish", spy)
        made = Transfer(given, frozen=(), unfreeze_every=2, recipe=RECIPE.replace(epochs=11), cache=False).fit(X, Y)
    assert [row["epoch"] for row in made.log_] == [e // 3 for n in (6, 6, 6, 6, 9) for e in range(n)]
    start = {f"encoder.encoder.{name}": value for name, value in states(given).items()}
    opened = [{n.split(".")[3] for n in moved(start, after)} for after in seen]
    assert opened == [set(), {"3"}, {"2", "3"}, {"1", "2", "3"}, {"0", "1", "2", "3"}]


def test_stages_that_stay_frozen_are_not_opened():
    given = encoder()
    made = Transfer(given, frozen=["stages.0", "stages.1"], unfreeze_every=1, recipe=SHORT).fit(X, Y)
    assert {n.split(".")[1] for n in moved(states(given), states(made.encoder_))} == {"2", "3"}
    assert made.cached_  # as long as only the head trained


def test_too_few_epochs_for_all_stages_are_refused_with_the_number_wanted():
    with pytest.raises(UserError, match=r"4 stages .* want more than 8 epochs, the recipe has 8"):
        Transfer(encoder(), frozen=(), unfreeze_every=2, recipe=RECIPE.replace(epochs=8)).fit(X, Y)
    with pytest.raises(UserError, match=r"give frozen=\(\)"):
        Transfer(encoder(), unfreeze_every=1, recipe=RECIPE).fit(X, Y)


def test_each_stage_moves_less_by_the_factor_than_the_one_above_it():
    step = Recipe(
        epochs=1, batch_size=24, learning_rate=0.1, optimiser="sgd", momentum=0.0, weight_decay=0.0,
        schedule="constant", precision="float64",
    )  # fmt: skip
    given = encoder()
    free, slowed = (Transfer(given, frozen=(), stage_factor=f, recipe=step).fit(X, Y) for f in (1.0, 2.6))
    start, a, b = (dict(e.double().named_parameters()) for e in (given, free.encoder_, slowed.encoder_))
    for name, p in start.items():
        depth = 4 - int(name.split(".")[1])
        assert torch.allclose(b[name] - p, (a[name] - p) / 2.6**depth, rtol=1e-6, atol=1e-12)
    assert torch.allclose(free.head_.weight, slowed.head_.weight)


def test_a_probe_first_trains_the_head_alone_then_everything():
    given = encoder()
    probed = Transfer(given, recipe=RECIPE).fit(X, Y)
    made = Transfer(given, frozen=(), probe=RECIPE, recipe=SHORT.replace(learning_rate=1e-12)).fit(X, Y)
    assert made.cached_
    assert len(made.log_) == len(probed.log_) + 9
    assert torch.allclose(made.head_.weight, probed.head_.weight, atol=1e-6)
    assert moved(states(given), states(made.encoder_))


def test_the_bottom_alone_is_retrained_for_inverted_images_under_the_top_and_head_that_there_were():
    trained = Transfer(encoder(), frozen=(), recipe=RECIPE).fit(X, Y)
    assert trained.score(1 - X, Y) < 0.7
    bottom = Transfer(trained.encoder_, head=trained.head_, frozen=["stages.2", "stages.3", "head"], recipe=RECIPE).fit(
        1 - X, Y
    )
    assert {n.split(".")[1] for n in moved(states(trained.encoder_), states(bottom.encoder_))} == {"0", "1"}
    assert torch.equal(bottom.head_.weight, trained.head_.weight)
    assert bottom.score(1 - X, Y) > 0.9


def test_a_head_of_other_widths_is_refused():
    for head, words in ((nn.Linear(128, 7), "makes"), (nn.Linear(5, 3), "does not take")):
        with pytest.raises(UserError, match=words):
            Transfer(encoder(), head=head, recipe=SHORT).fit(X, Y)


def test_a_layer_that_is_not_there_is_answered_by_the_nearest():
    for changes in ({"layer": "stages.9"}, {"frozen": ["stage.1"]}):
        with pytest.raises(UserError, match=r"unknown layer .*did you mean 'stages"):
            Transfer(encoder(), recipe=SHORT, **changes).fit(X, Y)


def test_labels_must_be_one_each_of_two_classes_at_least():
    for y, words in ((Y[:5], "5 labels for 24 images"), (np.zeros(24), "one class")):
        with pytest.raises(UserError, match=words):
            Transfer(encoder(), recipe=SHORT).fit(X, y)


def test_it_is_an_estimator_of_scikit_learn():
    made = clone(Transfer(encoder(), recipe=SHORT, frozen=["stages.0"]))
    assert made.fit(X, Y).score(X, Y) >= 1 / 3
    assert made.get_params()["frozen"] == ["stages.0"]


def test_a_killed_transfer_resumes_to_what_an_uninterrupted_one_gives(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", -1.0)

    def kill(done):
        if done > 0.6:
            raise KeyboardInterrupt

    def made():
        return Transfer(encoder(), frozen=["stages.0"], probe=SHORT, stage_factor=2.0, recipe=SHORT)

    whole, progress = made().fit(X, Y), []
    with pytest.raises(KeyboardInterrupt):
        made().fit(X, Y, folder=tmp_path, progress=kill)
    resumed = made().fit(X, Y, folder=tmp_path, resume=True, progress=progress.append)
    assert fingerprint(resumed.encoder_) == fingerprint(whole.encoder_)
    assert torch.equal(resumed.head_.weight, whole.head_.weight)
    assert [row["loss"] for row in resumed.log_] == [row["loss"] for row in whole.log_]
    assert progress[-1] == 1.0


def test_the_flat_network_goes_into_a_bundle_and_on_from_its_folder(tmp_path):
    images = (255 * X[:, 0]).byte().numpy()
    trained = Transfer(encoder("lecture_flat"), frozen=(), recipe=SHORT).fit(images, Y)
    spec = encoder_spec("lecture_flat", TrainingSet.of(X))
    Bundle(trained.encoder_, spec, trained.pixels_).save(tmp_path)
    assert fingerprint(load_bundle(tmp_path).encoder) == fingerprint(trained.encoder_)
    made = Transfer(tmp_path, layer="features", recipe=RECIPE).fit(images, Y)
    assert made.score(images, Y) > 0.9
    assert np.allclose(made.predict_proba(images), made.predict_proba(torch.from_numpy(images[:, None] / 255).float()))


def test_a_symmetric_bundle_is_used_as_it_represents():
    spec = encoder_spec("small", TrainingSet.of(X), symmetric=PRESETS["microscopy"].symmetric)
    bundle = Bundle(untrained_encoder(spec, seed=0), spec, Transfer(encoder(), recipe=SHORT).fit(_stored(), Y).pixels_)
    made = Transfer(bundle, recipe=SHORT).fit(X, Y)
    assert spec.symmetric
    assert np.allclose(made.predict_proba(X), made.predict_proba(torch.rot90(X, 1, (2, 3))), atol=1e-5)


def _stored():
    return (255 * X[:, 0]).byte().numpy()


@pytest.mark.slow
def test_who_learned_the_names_of_digits_tells_odd_from_even_by_ten_labels_and_an_untrained_encoder_does_not():
    images, labels = load_digits(return_X_y=True)
    x = torch.from_numpy(images.reshape(-1, 1, 8, 8) / 16).float()
    untrained = untrained_encoder(encoder_spec("small", TrainingSet.of(x[:900])), seed=0)
    recipe = Recipe(epochs=6, batch_size=32, learning_rate=3e-3)
    trained = Transfer(untrained, frozen=(), recipe=recipe).fit(x[:900], labels[:900]).encoder_
    x, odd = x[900:], labels[900:] % 2
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(x))
        few = np.concatenate([order[odd[order] == k][:10] for k in (0, 1)])
        rest = np.setdiff1d(order, few)
        made = (Transfer(f, recipe=Recipe(epochs=40, batch_size=10, learning_rate=1e-2)) for f in (trained, untrained))
        scores = [m.fit(x[few], odd[few]).score(x[rest], odd[rest]) for m in made]
        assert scores[0] > scores[1] + 0.05
