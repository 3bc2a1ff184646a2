"""What tasks see: no encoder a hidden image or its copy, no selection a test label."""

import numpy as np
import pytest

from headstart.data.duplicates import duplicate_groups
from headstart.data.load import load
from headstart.representation.groups import bound_groups
from headstart.representation.splits import make_splits
from headstart.study import tasks
from headstart.study.tasks import execute, read_encoder
from headstart.study.workspace import Task, Workspace
from headstart.training.checkpoint import read_tensors

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (100, 16, 16), dtype=np.uint8)
IMAGES[60] = IMAGES[0]  # an unlabelled copy of a labelled image
IMAGES[3] = IMAGES[9]  # labelled copies
DATA = load({"labelled": IMAGES[:60], "labels": np.arange(60) % 3, "unlabelled": IMAGES[60:]})


@pytest.fixture
def space(tmp_path):
    """A workspace of these images; ``saw`` and labels may be changed afterwards."""
    twins = duplicate_groups(DATA.images)
    y = DATA.labels[DATA.labelled]
    groups = bound_groups(None, twins[DATA.labelled])
    splits = make_splits(y, folds=4, repeats=1, seed=0, groups=groups)
    plain = [{k: getattr(s, k).tolist() for k in ("train", "test", "order")} for s in splits]
    x = (DATA.images.transpose(0, 3, 1, 2) / 255).astype(np.float32)
    for name, value in {"x": x, "labels": DATA.labels, "twins": twins, "groups": groups}.items():
        np.save(tmp_path / f"{name}.npy", value)
    plan = {
        "seed": 0, "metric": "balanced_accuracy", "saw": "unlabelled", "device": "cpu", "encoder": None,
        "views": "digits", "budgets": [3, "all"], "splits": plain, "share": 0.02, "repeats": 1, "approaches": [],
    }  # fmt: skip
    return Workspace(tmp_path, plan)


def shown(space, monkeypatch, split):
    """The rows that an encoder was trained on."""
    seen, real = [], tasks.fit_encoder

    def spy(method, x, *rest, **more):
        seen.append({image.tobytes() for image in x.numpy()})
        return real(method, x, *rest, **more)

    monkeypatch.setattr(tasks, "fit_encoder", spy)
    execute(Task("encode", "autoencoder", split), space)
    return seen[0], [image.tobytes() for image in space.x.numpy()]


def test_with_unlabelled_no_labelled_image_nor_its_copy_trains_an_encoder(space, monkeypatch):
    seen, every = shown(space, monkeypatch, None)
    assert not seen & {every[i] for i in space.labelled}
    assert seen == {every[i] for i in range(1, 40)}  # unlabelled rows come first, and the first of them is a copy


@pytest.mark.parametrize("split", [0, 3])
def test_with_training_no_test_image_nor_its_copy_trains_an_encoder(space, monkeypatch, split):
    space.plan["saw"] = "training"
    seen, every = shown(space, monkeypatch, split)
    assert not seen & {every[i] for i in space.labelled[space.splits[split].test]}
    assert seen >= {every[i] for i in space.labelled[space.splits[split].train]}
    assert len(seen) > 80


def test_with_all_every_image_trains_the_encoder(space, monkeypatch):
    space.plan["saw"] = "all"
    seen, every = shown(space, monkeypatch, None)
    assert seen == set(every)


def test_with_training_no_unlabelled_image_of_a_tested_group_trains_an_encoder(space, monkeypatch):
    space.plan["saw"] = "training"
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
    space.plan["saw"] = saw
    spec = untrained(space, "untrained", 2)
    tested = space.labelled[space.splits[2].test]
    rows = {
        "unlabelled": np.arange(1, 40),  # row 0 is a labelled image's copy
        "training": np.flatnonzero(~np.isin(space.twins, space.twins[tested])),
        "all": np.arange(100),
    }
    pixels = space.x.numpy()[rows[saw]].astype(np.float64)
    assert spec.mean == pytest.approx([pixels.mean()], rel=1e-9)
    assert spec.std == pytest.approx([pixels.std(ddof=1)], rel=1e-9)


def test_other_test_images_change_an_untrained_encoder_that_saw_training_folds_by_nothing(space):
    space.plan["saw"] = "training"
    before = untrained(space, "untrained", 1)
    x = np.load(space.folder / "x.npy")
    x[space.labelled[space.splits[1].test]] = 1.0
    np.save(space.folder / "x.npy", x)
    other = Workspace(space.folder, space.plan)
    (space.folder / space.encode_task("untrained", 1).path).unlink()
    assert untrained(other, "untrained", 1) == before
    assert untrained(other, "untrained", 0) != before, "these images are in the training fold of another split"


@pytest.mark.parametrize(("name", "encoder"), [("untrained", "patches"), ("untrained:mlp", "mlp")])
def test_an_untrained_encoder_has_the_architecture_of_the_study_or_of_its_name(space, name, encoder):
    space.plan["approaches"] = ["untrained+probe", "cpc+probe"]
    assert untrained(space, name, None).name == encoder


def test_with_one_label_a_class_there_is_no_selection(space):
    space.plan["budgets"] = [1, 3]
    space.plan["encoder"] = "mlp"
    for task in (Task("score", "knn-pixels", 0), Task("encode", "untrained"), Task("train", "supervised", 0, "1")):
        execute(task, space)
    for task in (Task("score", "knn-pixels", 0), Task("train", "supervised", 0, "1")):
        _, facts = read_tensors(space.folder / task.path)
        assert np.isnan(facts["selection"]["1"])
    _, facts = read_tensors(space.folder / Task("score", "knn-pixels", 0).path)
    assert 0 <= facts["selection"]["3"] <= 1


def test_copies_lie_on_the_same_side_of_every_split(space):
    assert all((3 in s.test) == (9 in s.test) for s in space.splits)


def flipped(space, split):
    """The same workspace with other labels on one split's test images."""
    labels = space.labels.copy()
    rows = space.labelled[space.splits[split].test]
    labels[rows] = (labels[rows] + 1) % 3
    other = Workspace(space.folder / "flipped", {**space.plan})
    other.folder.mkdir()
    for name in ("x", "twins", "groups"):
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
        found.append(read_tensors(place.folder / work[-1].path))
    (a, facts), (b, others) = found
    assert facts["selection"] == others["selection"]
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
