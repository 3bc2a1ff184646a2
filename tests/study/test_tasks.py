"""What tasks see: no encoder a hidden image or its copy, no selection a test label."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from headstart.data.duplicates import duplicate_groups
from headstart.data.load import load
from headstart.data.pixels import Pixels
from headstart.encoders.encoder import Encoder
from headstart.evaluation.groups import bound_groups
from headstart.evaluation.splits import make_splits
from headstart.evaluation.statistics import score
from headstart.reuse import heads
from headstart.reuse.heads import Head
from headstart.study import tasks
from headstart.study.approaches import parse_approach
from headstart.study.pool import needs
from headstart.study.tasks import ScoreFacts, execute, network_recipe, read_encoder, vectors
from headstart.study.workspace import Task, Workspace
from headstart.training.checkpoint import read_facts, read_tensors

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (100, 16, 16), dtype=np.uint8)
IMAGES[60] = IMAGES[0]  # an unlabelled copy of a labelled image
IMAGES[3] = IMAGES[9]  # labelled copies
DATA = load({"labelled": IMAGES[:60], "labels": np.arange(60) % 3, "unlabelled": IMAGES[60:]})


@pytest.fixture
def space(tmp_path, study_plan):
    """A workspace of these images; its plan and labels may be changed afterwards."""
    twins = duplicate_groups(DATA.images)
    y = DATA.labels[DATA.labelled]
    groups = bound_groups(None, twins[DATA.labelled])
    splits = make_splits(y, folds=4, repeats=1, seed=0, groups=groups)
    for name, value in {"inputs": DATA.images, "labels": DATA.labels, "twins": twins, "groups": groups}.items():
        np.save(tmp_path / f"{name}.npy", value)
    plan = replace(study_plan, share=0.02, splits=tuple(splits), pixels=Pixels.fit(DATA.images))
    return Workspace(tmp_path, plan)


def replan(space, **changes):
    """The workspace goes on by another plan."""
    space.plan = replace(space.plan, **changes)


def facts_of(space, task):
    """What a task says beside its predictions."""
    return read_facts(space.folder / task.path, ScoreFacts)


def every(space):
    """(n, c, h, w) every image as an encoder sees it."""
    return space.images.rows(slice(None))


def shown(space, monkeypatch, split):
    """The rows that an encoder was trained on."""
    seen, real = [], tasks.fit_encoder

    def spy(method, data, **more):
        seen.append({image.tobytes() for image in data.rows(slice(None)).numpy()})
        return real(method, data, **more)

    monkeypatch.setattr(tasks, "fit_encoder", spy)
    replan(space, share=1e-3)  # an epoch
    execute(Task("encode", "autoencoder", split), space)
    return seen[0], [image.tobytes() for image in every(space).numpy()]


def test_with_unlabelled_no_labelled_image_nor_its_copy_trains_an_encoder(space, monkeypatch):
    seen, every = shown(space, monkeypatch, None)
    assert not seen & {every[i] for i in space.labelled}
    assert seen == {every[i] for i in range(1, 40)}  # unlabelled rows come first, and the first of them is a copy


@pytest.mark.parametrize("split", [0, 3])
def test_with_training_no_test_image_nor_its_copy_trains_an_encoder(space, monkeypatch, split):
    replan(space, saw="training")
    seen, every = shown(space, monkeypatch, split)
    assert not seen & {every[i] for i in space.labelled[space.splits[split].test]}
    assert seen >= {every[i] for i in space.labelled[space.splits[split].train]}
    assert len(seen) > 80


def test_with_all_every_image_trains_the_encoder(space, monkeypatch):
    replan(space, saw="all")
    seen, every = shown(space, monkeypatch, None)
    assert seen == set(every)


def test_with_training_no_unlabelled_image_of_a_tested_group_trains_an_encoder(space, monkeypatch):
    replan(space, saw="training")
    bound = 1000 + np.arange(100)
    tested = space.labelled[space.splits[0].test][0]
    bound[[7, tested]] = 5  # rows 0 to 39 are unlabelled
    np.save(space.folder / "bound.npy", bound)
    seen, every = shown(space, monkeypatch, 0)
    assert every[7] not in seen
    assert every[8] in seen


def untrained(space, name, split):
    """The spec of an untrained encoder that a split has."""
    task = space.encode_task(name, split)
    execute(task, space)
    return read_encoder(space, task)[1]


@pytest.mark.parametrize("saw", ["unlabelled", "training", "all"])
def test_an_untrained_encoder_is_standardised_by_the_inputs_that_encoders_may_see(space, saw):
    replan(space, saw=saw)
    spec = untrained(space, "untrained", 2)
    tested = space.labelled[space.splits[2].test]
    rows = {
        "unlabelled": np.arange(1, 40),  # row 0 is a labelled image's copy
        "training": np.flatnonzero(~np.isin(space.twins, space.twins[tested])),
        "all": np.arange(100),
    }
    pixels = every(space).numpy()[rows[saw]].astype(np.float64)
    assert spec.mean == pytest.approx([pixels.mean()], rel=1e-9)
    assert spec.std == pytest.approx([pixels.std(ddof=1)], rel=1e-9)


def test_other_test_images_change_an_untrained_encoder_that_saw_training_folds_by_nothing(space):
    replan(space, saw="training")
    before = untrained(space, "untrained", 1)
    stored = np.load(space.folder / "inputs.npy")
    stored[space.labelled[space.splits[1].test]] = 255
    np.save(space.folder / "inputs.npy", stored)
    other = Workspace(space.folder, space.plan)
    (space.folder / space.encode_task("untrained", 1).path).unlink()
    assert untrained(other, "untrained", 1) == before
    assert untrained(other, "untrained", 0) != before, "these images are in the training fold of another split"


@pytest.mark.parametrize(("name", "encoder"), [("untrained", "patches"), ("untrained:mlp", "mlp")])
def test_an_untrained_encoder_has_the_architecture_of_the_study_or_of_its_name(space, name, encoder):
    replan(space, approaches=("untrained+probe", "cpc+probe"))
    assert untrained(space, name, None).name == encoder


def test_with_one_label_a_class_there_is_no_selection(space):
    replan(space, budgets=(1, 3))
    replan(space, encoder="mlp")
    for task in (Task("score", "knn-pixels", 0), Task("encode", "untrained"), Task("train", "supervised", 0, "1")):
        execute(task, space)
    for task in (Task("score", "knn-pixels", 0), Task("train", "supervised", 0, "1")):
        assert facts_of(space, task).selection["1"] is None
    assert 0 <= facts_of(space, Task("score", "knn-pixels", 0)).selection["3"] <= 1


def test_copies_lie_on_the_same_side_of_every_split(space):
    assert all((3 in s.test) == (9 in s.test) for s in space.splits)


def flipped(space, split):
    """The same workspace with other labels on one split's test images."""
    labels = space.labels.copy()
    rows = space.labelled[space.splits[split].test]
    labels[rows] = (labels[rows] + 1) % 3
    other = Workspace(space.folder / "flipped", space.plan)
    other.folder.mkdir()
    for name in ("inputs", "twins", "groups"):
        np.save(other.folder / f"{name}.npy", np.load(space.folder / f"{name}.npy"))
    np.save(other.folder / "labels.npy", labels)
    return other


@pytest.mark.parametrize(
    "work",
    [[Task("score", "knn-pixels", 1)], [Task("score", "linear-pixels", 1)],
     [Task("encode", "untrained"), Task("train", "supervised", 1, "all")]],
)  # fmt: skip
def test_other_test_labels_change_neither_predictions_nor_selection(space, work):
    found = []
    for place in (space, flipped(space, 1)):
        for task in work:
            execute(task, place)
        found.append((read_tensors(place.folder / work[-1].path), facts_of(place, work[-1])))
    (a, facts), (b, others) = found
    assert facts.selection == others.selection
    assert all(np.array_equal(a[k].numpy(), b[k].numpy()) for k in a)


def test_a_task_that_was_done_is_not_done_again(space):
    task = Task("score", "knn-pixels", 0)
    execute(task, space)
    before = (space.folder / task.path).stat().st_mtime_ns
    execute(task, space)
    assert (space.folder / task.path).stat().st_mtime_ns == before


def test_every_task_has_its_own_file(space):
    work = [Task("score", "a+probe", 1), Task("score", "a+probe", 11), Task("train", "a+probe", 1, "1"),
            Task("train", "a+probe", 1, "11"), Task("encode", "a"), Task("encode", "a", 1)]  # fmt: skip
    assert len({task.path for task in work}) == len(work)


class Memory(Encoder):
    """Knows the class of every image that it was shown, and says class 0 of all others."""

    def __init__(self, x, y):
        super().__init__()
        self.dim, self.map_shape = 3, (3, 1, 1)
        self.known = {image.numpy().tobytes(): int(k) for image, k in zip(x, y, strict=True)}

    def feature_map(self, x):
        return self(x)[:, :, None, None]

    def forward(self, x):
        return torch.eye(3)[[self.known.get(image.contiguous().numpy().tobytes(), 0) for image in x]]


@pytest.fixture
def memories(space, monkeypatch):
    """Every network that a task trains only remembers; the labelled rows that each was shown, in order."""
    shown = []

    def remember(self, x, y, *, index):
        shown.append(np.searchsorted(space.labelled, index))
        assert torch.equal(x, space.images.rows(index))
        assert np.array_equal(y, space.labels[index])
        self.encoder_, self.head_ = Memory(x, y), torch.nn.Linear(3, 3)
        with torch.no_grad():
            self.head_.weight.copy_(torch.eye(3))
            self.head_.bias.zero_()
        return self

    monkeypatch.setattr(tasks.Transfer, "fit", remember)
    replan(space, encoder="mlp")
    execute(Task("encode", "untrained"), space)
    return shown


@pytest.mark.parametrize("budget", ["3", "all"])
def test_a_network_that_only_remembers_is_at_chance_in_selection_and_in_test(space, memories, budget):
    task, split = Task("train", "supervised", 1, budget), space.splits[1]
    execute(task, space)
    said = read_tensors(space.folder / task.path)
    assert facts_of(space, task).selection[budget] == pytest.approx(1 / 3)  # class 0 of every image held out
    assert said[budget].shape == (1, 1, len(split.test), 3)
    assert set(said[budget].argmax(3).flatten().tolist()) == {0}


@pytest.mark.parametrize("budget", [3, "all"])
def test_a_network_learns_its_budgets_labels_and_for_its_selection_all_inner_folds_but_one(space, memories, budget):
    execute(Task("train", "supervised", 1, str(budget)), space)
    rows = space.splits[1].budget(space.y, budget)
    for_selection, for_test = memories
    assert sorted(for_test) == sorted(rows)
    assert set(for_selection) < set(rows)
    folds = 3 if budget == 3 else 5
    assert len(for_selection) == pytest.approx(len(rows) * (1 - 1 / folds), abs=2)


def test_a_networks_selection_is_by_the_metric_asked_for(space, memories):
    space.labels[space.labelled[:12]] = 0
    replan(space, metric="accuracy")
    train = space.splits[1].train
    execute(Task("train", "supervised", 1, "all"), space)
    held = np.setdiff1d(train, memories[0])
    zeros = np.zeros(len(held), int)
    expected, other = (score(name, space.y[held], zeros, np.arange(3)) for name in ("accuracy", "balanced_accuracy"))
    assert facts_of(space, Task("train", "supervised", 1, "all")).selection["all"] == pytest.approx(expected)
    assert expected > other + 0.05


def test_a_heads_selection_is_by_the_metric_asked_for(space):
    space.labels[space.labelled[:30]] = 0
    replan(space, budgets=("all",))
    found = {}
    for metric in ("accuracy", "balanced_accuracy"):
        replan(space, metric=metric)
        task = Task("score", "majority", 1)
        execute(task, space)
        found[metric] = facts_of(space, task).selection["all"]
        (space.folder / task.path).unlink()
    assert found["accuracy"] > found["balanced_accuracy"] + 0.05
    assert found["balanced_accuracy"] == pytest.approx(1 / 3)


def test_a_head_learns_the_labels_of_each_budget(space, monkeypatch):
    learned, real = [], tasks.Head.fit

    def spy(self, h, y, groups=None):
        learned.append((h, y))
        return real(self, h, y, groups)

    monkeypatch.setattr(tasks.Head, "fit", spy)
    execute(Task("score", "knn-pixels", 2), space)
    pixels = every(space).flatten(1).numpy()[space.labelled]
    draws = [(3, 0), (3, 1), ("all", 0)]  # each image is tested once, so the labels of small budgets are drawn twice
    for (h, y), (budget, draw) in zip(learned, draws, strict=True):
        rows = space.splits[2].budget(space.y, budget, draw)
        assert np.array_equal(h, pixels[rows])
        assert np.array_equal(y, space.y[rows])


def test_what_belongs_together_is_on_one_side_of_every_inner_fold(space, monkeypatch, memories):
    np.save(space.folder / "groups.npy", np.arange(60) // 2)
    given = []
    for module in (heads, tasks):
        monkeypatch.setattr(module, "inner_folds", lambda y, groups, seed: given.append(groups) or [])
    execute(Task("score", "knn-pixels", 1), space)
    execute(Task("train", "supervised", 1, "all"), space)
    # A head's tuning and its task, on two draws of the small budget and on all labels; a network's task.
    draws = [(3, 0), (3, 0), (3, 1), (3, 1), ("all", 0), ("all", 0), ("all", 0)]
    assert len(given) == len(draws)
    rows = [space.splits[1].budget(space.y, budget, draw) for budget, draw in draws]
    assert all(np.array_equal(a, b // 2) for a, b in zip(given, rows, strict=True))


def test_other_images_in_a_test_set_change_no_prediction_but_their_own(space):
    replan(space, budgets=("all",))
    task, found = Task("score", "knn-pixels", 1), []  # whose distances depend on the scale of every pixel
    for changed in (False, True):
        if changed:
            stored = np.array(space.images.inputs.read(slice(None)))
            stored[space.labelled[space.splits[1].test[0]]] = 255
            np.save(space.folder / "inputs.npy", stored)
            del space.images
            (space.folder / task.path).unlink()
        execute(task, space)
        found.append(read_tensors(space.folder / task.path)["all"][0, 0])
    assert len(found[0]) == len(space.splits[1].test)
    assert torch.allclose(found[0][1:], found[1][1:], atol=1e-9)
    assert not torch.allclose(found[0][0], found[1][0], atol=1e-3)


def test_with_training_each_split_uses_the_encoder_that_never_saw_its_test_images(space):
    replan(space, saw="training")
    for split in (0, 1):
        execute(Task("encode", "autoencoder", split), space)
    first, second = (vectors(space, parse_approach("autoencoder+probe"), split) for split in (0, 1))
    assert not np.allclose(first, second)
    for split, own in enumerate((first, second)):
        made = read_tensors(space.folder / f"encode/autoencoder.{split}/done.safetensors")["h"].numpy()
        assert np.array_equal(own, made)
    (space.folder / "encode/autoencoder.0/done.safetensors").unlink()
    execute(Task("train", "autoencoder+finetune", 1, "3"), space)  # reads its own encoder and no other


def test_networks_of_different_splits_begin_and_draw_differently_and_a_seed_repeats_them(space):
    seeds = [network_recipe(space, 30, split).seed for split in range(-1, 4)]
    assert len(set(seeds)) == 5
    assert seeds == [network_recipe(space, 30, split).seed for split in range(-1, 4)]
    replan(space, seed=1)
    assert not set(seeds) & {network_recipe(space, 30, split).seed for split in range(-1, 4)}


@pytest.mark.parametrize("method", ["untrained", "autoencoder"])
def test_encoders_of_several_seeds_differ_and_the_first_is_that_of_one(space, monkeypatch, method):
    seeds, real = [], tasks.fit_encoder
    monkeypatch.setattr(
        tasks, "fit_encoder", lambda *a, recipe, **k: seeds.append(recipe.seed) or real(*a, recipe=recipe, **k)
    )
    execute(Task("encode", method), space)
    one = read_tensors(space.folder / Task("encode", method).path)
    several = Workspace(space.folder / "several", replace(space.plan, encoders=4))
    several.folder.mkdir()
    for name in ("inputs", "labels", "twins", "groups"):
        np.save(several.folder / f"{name}.npy", np.load(space.folder / f"{name}.npy"))
    work = [several.encode_task(method, None, number) for number in range(4)]
    for task in work:
        execute(task, several)
    made = [read_tensors(several.folder / task.path) for task in work]
    assert all(np.array_equal(made[0][k].numpy(), one[k].numpy()) for k in one)
    for a, b in [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]:
        assert not np.allclose(made[a]["h"].numpy(), made[b]["h"].numpy())
    if method != "untrained":
        assert seeds[0] == seeds[1] == space.plan.seed
        assert len(set(seeds)) == 4


def test_each_encoder_is_put_to_every_draw_of_a_splits_labels(space):
    # 60 labels, 9 a budget: each image is tested once, so labels are drawn twice, and all of them once.
    replan(space, encoders=4, approaches=("untrained+knn",))
    for number in range(4):
        execute(space.encode_task("untrained", None, number), space)
    execute(Task("score", "untrained+knn", 1), space)
    execute(Task("score", "knn-pixels", 1), space)
    several, pixels = (read_tensors(space.folder / Task("score", n, 1).path) for n in ("untrained+knn", "knn-pixels"))
    tested = len(space.splits[1].test)
    assert several["3"].shape == (4, 2, tested, 3)
    assert several["all"].shape == (4, 1, tested, 3)
    assert (pixels["3"].shape, pixels["all"].shape) == ((1, 2, tested, 3), (1, 1, tested, 3))
    for number, draw in np.ndindex(4, 2):
        h = tasks.vectors(space, parse_approach("untrained+knn"), 1, encoder=number, rows=space.labelled)
        rows = space.splits[1].budget(space.y, 3, draw)
        head = Head("knn", seed=0, metric="balanced_accuracy").fit(h[rows], space.y[rows], space.groups[rows])
        by_hand = head.predict_proba(h[space.splits[1].test])
        assert np.allclose(several["3"][number, draw].numpy(), by_hand)
    replan(space, encoders=1)
    (space.folder / Task("score", "untrained+knn", 1).path).unlink()
    execute(Task("score", "untrained+knn", 1), space)
    alone = read_tensors(space.folder / Task("score", "untrained+knn", 1).path)
    assert all(np.array_equal(alone[b][0].numpy(), several[b][0].numpy()) for b in alone)


def test_networks_of_several_encoders_begin_from_their_own(space, monkeypatch):
    replan(space, encoders=4, encoder="mlp")
    for number in range(4):
        execute(space.encode_task("untrained", None, number), space)
    begun, real = [], tasks.fit_network

    def spy(space, encoder, train, split, number):
        begun.append((number, next(encoder.parameters()).detach().numpy().copy()))
        return real(space, encoder, train, split, number)

    monkeypatch.setattr(tasks, "fit_network", spy)
    execute(Task("train", "supervised", 0, "3"), space)
    made = read_tensors(space.folder / Task("train", "supervised", 0, "3").path)["3"].numpy()
    assert made.shape == (4, 1, len(space.splits[0].test), 3)
    assert [number for number, _ in begun] == [0, 0, 1, 1, 2, 2, 3, 3]
    weights = [w for _, w in begun]
    assert all(np.array_equal(a, b) for a, b in zip(weights[::2], weights[1::2], strict=True))
    assert len({w.tobytes() for w in weights}) == 4
    assert len({p.tobytes() for p in made}) == 4


def test_a_score_waits_for_all_its_encoders_and_pixels_for_none(space):
    replan(space, encoders=4)
    assert needs(space, Task("score", "simclr+probe", 2)) == [space.encode_task("simclr", 2, e) for e in range(4)]
    assert len({task.path for task in needs(space, Task("score", "simclr+probe", 2))}) == 4
    assert needs(space, Task("score", "svm-pixels", 2)) == []
    assert needs(space, Task("encode", "simclr", None, encoder=3)) == []
