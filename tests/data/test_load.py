"""One way in: names, paths and mistakes in them."""

import subprocess
import sys

import numpy as np
import pytest

import headstart
from headstart.data.load import load
from headstart.errors import UserError


def test_load_is_a_public_name():
    assert headstart.load is load


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("digts", "there is no file or folder 'digts': did you mean 'digits'"),
        ("/no/such/place", "there is no file or folder '/no/such/place': give a path, or one of digits, cells"),
        ("fashon-mnist", "did you mean 'fashion-mnist'"),
    ],
)
def test_what_does_not_exist_is_refused_with_the_nearest_name(given, words):
    with pytest.raises(UserError, match=words):
        load(given)


@pytest.mark.parametrize(
    ("name", "words"), [("x.csv", "labels.csv"), ("x.mat", "not known to hold images"), ("x", "not known")]
)
def test_a_file_of_another_kind_is_refused(tmp_path, name, words):
    (tmp_path / name).write_text("x")
    with pytest.raises(UserError, match=words):
        load(tmp_path / name)


def test_names_are_found_in_any_spelling_and_a_path_can_still_be_meant(tmp_path, monkeypatch):
    (tmp_path / "digits").mkdir()
    monkeypatch.chdir(tmp_path)
    assert load("Digits").source == "digits"
    with pytest.raises(UserError, match="empty"):
        load("./digits")


def test_a_data_set_passes_through():
    digits = load("digits")
    assert load(digits) is digits


def test_notes_are_logged_once_as_a_data_set_is_loaded(caplog):
    arrays = {"images": np.zeros((2, 4, 4), np.uint8), "comment": np.zeros(1)}
    found = load(arrays)
    assert load(found) is found
    assert [record.getMessage() for record in caplog.records] == ["arrays of other names were ignored: comment"]
    assert caplog.records[0].name.startswith("headstart")


def test_scaling_by_image_is_remembered():
    images = np.zeros((2, 4, 4), np.uint8)
    assert not load(images).per_image
    assert load(images, intensity="image").per_image


def test_another_seed_draws_other_shapes():
    assert load("shapes").content_hash == load("shapes", seed=0).content_hash != load("shapes", seed=1).content_hash


def test_cells_are_drawn_and_say_so():
    cells = load("cells")
    assert (len(cells.unlabelled), len(cells.labelled)) == (3892, 400)
    assert any("draw" in note for note in cells.notes)


def test_loading_takes_no_torch():
    code = "import sys, headstart; headstart.load('digits'); print({'torch', 'tifffile'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"
