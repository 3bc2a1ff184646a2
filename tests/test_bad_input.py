"""Bad input is refused in one line that says what was given, wanted and to do; nothing half-written stays behind."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from headstart import cli
from headstart.data.dataset import Dataset
from headstart.data.load import load
from headstart.data.pixels import Pixels
from headstart.encoders.build import EncoderSpec
from headstart.representation.bundle import Bundle, load_bundle
from headstart.training.fit import untrained_encoder

RNG = np.random.default_rng(0)
LABELS = np.arange(60) % 3
LABELLED = RNG.integers(0, 256, (60, 16, 16), dtype=np.uint8)
UNLABELLED = RNG.integers(0, 256, (20, 16, 16), dtype=np.uint8)
ARRAYS = {"labelled": LABELLED, "labels": LABELS, "unlabelled": UNLABELLED}
CHEAP = ["--approaches", "majority,knn-pixels", "--budgets", "3,all", "--folds", "4", "--repeats", "1"]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> Path:
    """Every test works in its own folder, in which data.npz is good."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("headstart.report.page.write_report", lambda _, path: path.write_text("a page"))
    save()
    return tmp_path


def save(**changes) -> None:
    """Write data.npz; None leaves an array out."""
    np.savez("data.npz", **{k: v for k, v in {**ARRAYS, **changes}.items() if v is not None})


def bundle(folder="encoder", size=16, channels=1) -> str:
    """An untrained encoder's bundle without a head."""
    spec = EncoderSpec("small", channels, (size, size), (0.5,) * channels, (0.25,) * channels)
    pixels = Pixels((size, size), channels, (0.0,) * channels, (255.0,) * channels)
    Bundle(untrained_encoder(spec, seed=0), spec, pixels).save(Path(folder))
    return folder


def pictures(folder: str, n: int = 24) -> Path:
    for i in range(n):
        file = Path(folder) / ("round", "split")[i % 2] / f"{i:02}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(LABELLED[i]).save(file)
    return Path(folder)


def everything() -> dict[Path, bytes]:
    return {f: f.read_bytes() for f in Path().rglob("*") if f.is_file()}


def refusal(capsys, *words: str) -> str:
    """The one line that a command ends with, having left every file as it was and made none."""
    before, folders = everything(), sorted(p for p in Path().rglob("*") if p.is_dir())
    assert cli.main(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1, said.err
    assert said.err.startswith("headstart: ")
    assert everything() == before
    assert sorted(p for p in Path().rglob("*") if p.is_dir()) == folders
    return said.err


def study(capsys, *words: str, source: str = "data.npz") -> str:
    return refusal(capsys, "study", source, *words, "--out", "out")


def done(capsys, *words: str) -> str:
    code = cli.main(words)
    said = capsys.readouterr()
    assert code == 0, said.err
    return said.out


# A source that cannot be studied: what is wrong with data.npz, and what the line must say.
SOURCES = {
    "labels of another length": ({"labels": LABELS[:50]}, ["(50,)", "60 images", "one value an image"]),
    "no labels for the labelled": ({"labels": None}, ["no 'labels'", "give one label for each"]),
    "no images": ({"labelled": None, "unlabelled": None}, ["holds labels", "'images'"]),
    "pickled objects": ({"labels": np.array([{}] * 60, object)}, ["pickled", "plain number arrays"]),
    "one class only": ({"labels": LABELS * 0}, ["one class only", "wants two"]),
    "a class with one image": ({"labels": np.r_[[2], LABELS[1:] % 2]}, ["class '2' has 1 image", "label more"]),
    "no label at all": ({"labels": LABELS * 0 - 1}, ["no labels", "wants some"]),
    "NaN pixels": ({"labelled": np.full((60, 16, 16), np.nan), "unlabelled": None}, ["NaN", "repair or remove"]),
    "images too small": (
        {"labelled": LABELLED[:, :4, :4], "unlabelled": UNLABELLED[:, :4, :4]},
        ["4×4", "at least 8×8", "--image-size"],
    ),
    "vectors": ({"labelled": LABELLED.reshape(60, -1), "unlabelled": None}, ["vectors", "(60, 256)", "height, width"]),
}  # fmt: skip


@pytest.mark.parametrize("case", SOURCES)
def test_a_study_refuses(capsys, case):
    changes, expected = SOURCES[case]
    save(**changes)
    said = study(capsys, *CHEAP)
    assert all(words in said for words in expected), said


@pytest.mark.parametrize("case", ["pickled objects", "NaN pixels", "images too small", "vectors", "no images"])
def test_pretraining_refuses(capsys, case):
    changes, expected = SOURCES[case]
    save(**changes)
    said = refusal(capsys, "pretrain", "data.npz", "--out", "out", "--epochs", "1")
    assert all(words in said for words in expected), said


# Options that do not fit, and what the line must say.
OPTIONS = {
    "an unknown approach": (["--approaches", "majority,simclr+prob"], ["'simclr+prob'", "did you mean 'simclr+probe'"]),
    "nothing to compare with": (["--approaches", "simclr+probe"], ["nothing to compare with", "add a baseline"]),
    "an unknown encoder": ([*CHEAP, "--encoder", "resnet81"], ["'resnet81'", "did you mean 'resnet18'"]),
    "unknown views": ([*CHEAP, "--views", "microscope"], ["'microscope'", "did you mean 'microscopy'"]),
    "an unknown metric": ([*CHEAP, "--metric", "acuracy"], ["'acuracy'", "did you mean 'accuracy'"]),
    "a budget that does not fit": ([*CHEAP, "--budgets", "3,99"], ["budget of 99", "at most 15"]),
    "a budget that is no number": ([*CHEAP, "--budgets", "some"], ["'some'", "5,10,all"]),
    "three folds": ([*CHEAP, "--folds", "3"], ["3 folds", "at least 4"]),
    "fewer repeats than none": ([*CHEAP, "--repeats", "-1"], ["repeats", "at least"]),
    "no repeats": ([*CHEAP, "--repeats", "0"], ["0 repeats", "at least"]),
    "no folds": ([*CHEAP, "--folds", "0"], ["0 folds", "at least 4"]),
    "no folds and repeats by default": (["--approaches", "majority", "--folds", "0"], ["0 folds", "at least 4"]),
    "a seed below zero": ([*CHEAP, "--seed", "-1"], ["seed=-1", "wanted 0 to"]),
    "a time that is none": ([*CHEAP, "--time-budget", "soon"], ["soon", "10m"]),
    "a device that is none": ([*CHEAP, "--device", "tpu"], ["tpu"]),
    "stages that a network lacks": (
        ["--approaches", "majority,greedy+probe", "--budgets", "all", "--encoder", "autoencoder"],
        ["greedy", "autoencoder", "choose small"],
    ),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_a_study_refuses_the_option(capsys, case):
    words, expected = OPTIONS[case]
    said = study(capsys, *words)
    assert all(words in said for words in expected), said


NUMBERS = {
    "--epochs": ["0", "-2"],
    "--batch-size": ["0", "-4", "1"],
    "--accumulate": ["0", "-1", "100000"],
    "--learning-rate": ["0", "-1", "nan", "inf"],
    "--ema": ["-0.1", "1", "nan"],
    "--seed": ["-1", str(2**32)],
    "--image-size": ["0"],
}


@pytest.mark.parametrize(("option", "value"), [(o, v) for o, values in NUMBERS.items() for v in values])
def test_pretraining_refuses_a_number_that_nothing_can_be_trained_with(capsys, option, value):
    said = refusal(capsys, "pretrain", "data.npz", "--out", "out", "--epochs", "1", option, value)
    assert option.strip("-") in said.replace("_", "-").replace("image size", "image-size")
    assert value.strip("-") in said


@pytest.mark.parametrize("out", [".", "/"])
@pytest.mark.parametrize("verb", ["study", "pretrain"])
def test_an_output_without_a_name_is_refused(capsys, verb, out):
    said = refusal(capsys, *WRITERS[verb], "--out", out)
    assert f"--out {out} has no name" in said
    assert "such as" in said


def test_a_class_outside_the_prescribed_training_and_test_sets_is_refused(capsys):
    marks = np.where(LABELS == 2, "", np.where(np.arange(60) % 2, "test", "train"))
    save(splits=marks)
    assert "class '2' has labels, none of them in" in study(capsys, *CHEAP)


def test_a_wrong_path_is_named_and_so_is_the_set_that_was_meant(capsys):
    assert "'no/such.npz': give a path" in study(capsys, source="no/such.npz")
    assert "did you mean 'digits'?" in study(capsys, source="digit")


def test_an_empty_folder_is_refused(capsys):
    Path("empty").mkdir()
    assert "empty" in study(capsys, source="empty")


def test_a_file_of_another_kind_is_refused(capsys):
    Path("data.txt").write_text("1,2,3")
    assert "not known to hold images" in study(capsys, source="data.txt")
    Path("cut.npz").write_bytes(Path("data.npz").read_bytes()[:500])
    assert "cannot be read" in study(capsys, source="cut.npz")
    np.savez_compressed("packed.npz", **ARRAYS)
    packed = bytearray(Path("packed.npz").read_bytes())
    packed[2000:2400] = b"\xff" * 400
    Path("packed.npz").write_bytes(packed)
    assert "cannot be read" in study(capsys, source="packed.npz")


def test_a_corrupt_image_among_good_ones_is_named_skipped_and_counted_and_the_work_goes_on(capsys):
    folder = pictures("photos")
    (folder / "round" / "broken.png").write_bytes(b"\x89PNG, or so it says")
    bundle()
    words = {
        "probe": ["probe", "encoder", "photos", "--folds", "4", "--repeats", "1", "--out", "headed"],
        "predict": ["predict", "headed", "photos/round/00.png", "photos/round/broken.png"],
        "embed": ["embed", "encoder", "photos"],
        "pretrain": ["pretrain", "photos", "--method", "autoencoder", "--epochs", "1", "--out", "learned"],
        "study": ["study", "photos", *CHEAP, "--out", "out"],
        "data": ["data", "photos"],
    }
    assert set(words) == set(cli.VERBS) - {"methods", "doctor", "recipe"}, "these take no folder of a user's images"
    for verb, given in words.items():
        assert cli.main(given) == 0
        said = capsys.readouterr()
        note = (said.out if verb == "data" else said.err).partition("1 of ")[2].splitlines()[0]
        assert note.startswith("2 files" if verb == "predict" else "25 files"), verb
        assert "skipped: " in note
        assert (said.out + said.err).count("round/broken.png") == 1, verb
    assert len(load("photos")) == json.loads(Path("out/results.json").read_text())["n_labelled"] == 24


def test_nothing_but_corrupt_images_is_refused(capsys):
    Path("photos/round").mkdir(parents=True)
    Path("photos/round/broken.png").write_bytes(b"\x89PNG")
    assert "broken.png" in study(capsys, source="photos")


def test_encoders_cannot_see_unlabelled_images_where_there_are_none(capsys):
    save(unlabelled=None)
    assert "--saw training" in study(capsys, *CHEAP, "--saw", "unlabelled")
    said = refusal(capsys, "pretrain", "data.npz", "--saw", "unlabelled", "--out", "out")
    assert "no unlabelled images" in said
    assert "--saw all" in said


def test_an_unknown_method_is_answered_by_the_nearest(capsys):
    said = refusal(capsys, "pretrain", "data.npz", "--method", "simclear", "--out", "out")
    assert "did you mean 'simclr'?" in said


def test_a_method_that_needs_labels_says_so(capsys):
    save(labelled=None, labels=None)
    said = refusal(capsys, "pretrain", "data.npz", "--method", "supervised", "--out", "out")
    assert "no labelled images" in said


def test_accumulation_that_would_change_the_result_is_refused(capsys):
    said = refusal(capsys, "pretrain", "data.npz", "--accumulate", "2", "--out", "out", "--epochs", "1")
    assert "--batch-size" in said


def test_one_image_is_too_few_to_learn_from(capsys):
    save(unlabelled=UNLABELLED[:1])
    words = ["--approaches", "majority,autoencoder+probe", "--budgets", "all", "--repeats", "1"]
    assert "at least 2" in study(capsys, *words)


def test_a_bundle_without_a_head_cannot_predict_and_says_how_it_could(capsys):
    said = refusal(capsys, "predict", bundle(), "data.npz", "--out", "p.csv")
    assert "no head" in said
    assert "headstart probe" in said


@pytest.mark.parametrize("given", ["data.npz", "nowhere"])
def test_what_is_no_bundle_is_refused(capsys, given):
    said = refusal(capsys, "embed", given, "data.npz", "--out", "z.parquet")
    assert "not a bundle" in said
    assert "headstart pretrain" in said


def alter_weights(folder: Path) -> None:
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (folder / "model.safetensors").write_bytes(data)


def truncate_weights(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:-100])


def lose_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def alter_card(folder: Path) -> None:
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**card, "saw": "nothing at all"}))


def empty_card(folder: Path) -> None:
    (folder / "card.json").write_text("[]")


def truncate_card(folder: Path) -> None:
    (folder / "card.json").write_text((folder / "card.json").read_text()[:100])


@pytest.mark.parametrize(
    "alter", [alter_weights, truncate_weights, lose_weights, alter_card, empty_card, truncate_card]
)
@pytest.mark.parametrize("verb", ["embed", "probe"])
def test_a_bundle_that_was_altered_is_refused(capsys, alter, verb):
    alter(Path(bundle()))
    said = refusal(capsys, verb, "encoder", "data.npz", "--out", "out")
    assert "altered" in said
    assert "make" in said


def test_images_of_another_kind_than_the_bundle_learned_from_are_refused(capsys):
    said = refusal(capsys, "embed", bundle(channels=3), "data.npz", "--out", "z.parquet")
    assert "the encoder takes 3" in said


def test_a_probe_refuses_what_a_study_refuses(capsys):
    for case in ("one class only", "a class with one image", "labels of another length"):
        save(**SOURCES[case][0])
        assert "class" in refusal(capsys, "probe", bundle(), "data.npz", "--out", "out") or case.startswith("labels")
    save()
    assert "did you mean 'probe'" in refusal(capsys, "probe", bundle(), "data.npz", "--head", "prob", "--out", "out")


WRITERS = {
    "study": ["study", "data.npz", *CHEAP],
    "pretrain": ["pretrain", "data.npz", "--epochs", "1", "--method", "autoencoder"],
    "embed": ["embed", "encoder", "data.npz"],
    "probe": ["probe", "encoder", "data.npz"],
    "predict": ["predict", "headed", "data.npz"],
}


@pytest.fixture
def bundles(here, capsys) -> None:
    bundle()
    done(capsys, "probe", "encoder", "data.npz", "--folds", "4", "--repeats", "1", "--out", "headed")


@pytest.mark.usefixtures("bundles")
@pytest.mark.parametrize("verb", WRITERS)
def test_an_unwritable_output_is_refused(capsys, verb):
    Path("file").write_text("not a folder")
    said = refusal(capsys, *WRITERS[verb], "--out", "file/out")
    assert "file" in said
    assert "choose another --out" in said


@pytest.mark.usefixtures("bundles")
@pytest.mark.parametrize("verb", WRITERS)
def test_an_occupied_output_is_left_as_it_is(capsys, verb):
    Path("out").mkdir()
    Path("out/thesis.txt").write_text("precious")
    said = refusal(capsys, *WRITERS[verb], "--out", "out")
    assert "out" in said


def test_a_finished_study_reprints_its_answer_and_no_other(capsys):
    words = ["study", "data.npz", *CHEAP, "--out", "out"]
    first = done(capsys, *words)
    before = everything()
    assert done(capsys, *words) == done(capsys, *words, "--resume") == first
    assert everything() == before
    said = refusal(capsys, *words, "--seed", "1")
    assert "another seed" in said
    assert "choose another --out" in said
    save(labels=LABELS[::-1])
    assert "another data_hash" in refusal(capsys, *words)


@pytest.mark.parametrize("verb", ["study", "pretrain"])
def test_an_unfinished_run_says_resume_and_resume_starts_a_new_one_too(capsys, verb):
    Path("out.partial").mkdir()
    words = [*WRITERS[verb], "--out", "out"]
    assert "--resume" in refusal(capsys, *words)
    done(capsys, *words, "--resume")
    assert not Path("out.partial").exists()
    done(capsys, *[*words[:-1], "new"], "--resume")
    assert Path("new").is_dir()


@pytest.mark.parametrize("resume", [[], ["--resume"]])
@pytest.mark.parametrize("verb", ["study", "pretrain"])
def test_what_no_run_began_is_never_taken_for_working_state(capsys, verb, resume):
    Path("out.partial").mkdir()
    Path("out.partial/thesis.txt").write_text("precious")
    words = [*WRITERS[verb], "--out", "out", *resume]
    for given in (words, [*words, "--seed", "-1"]):
        refusal(capsys, *given)
    said = refusal(capsys, *words)
    assert "out.partial is needed for working state and holds something else" in said
    assert "choose another --out" in said


def test_a_finished_bundle_is_not_trained_again(capsys):
    words = [*WRITERS["pretrain"], "--out", "out"]
    done(capsys, *words)
    assert "finished bundle" in refusal(capsys, *words)
    before = everything()
    done(capsys, *words, "--resume")
    assert everything() == before
    assert load_bundle("out").dim > 0
    assert isinstance(load("data.npz"), Dataset)
