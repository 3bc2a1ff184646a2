"""The assignment at toy size: what validates chooses and nothing else does, and the report holds what was compared."""

import json

import numpy as np
import pytest

from headstart.errors import UserError
from headstart.recipes import cells_study
from headstart.recipes.cells_study import Candidate, _autoencoder, _classifier, _pca, read
from headstart.recipes.run import run_recipe
from headstart.recipes.work import Work
from headstart.reuse.heads import GRIDS


def write_cells(root, labels=None):
    """48 labelled and 64 unlabelled cells of 16 pixels, of three kinds: no septum, half of one, a whole one."""
    rng = np.random.default_rng(0)
    kinds = np.arange(112) % 3
    images = rng.integers(0, 60, (112, 16, 16), dtype=np.uint8)
    images[:, 3:13, 4:12] += 120
    for image, kind in zip(images, kinds, strict=True):
        image[7:9, 4 : 4 + 4 * kind] = 250
    (root / "cells").mkdir(parents=True, exist_ok=True)
    given = kinds[:48] if labels is None else labels
    np.savez(root / "cells/data.npz", labelled=images[:48], labels=given, unlabelled=images[48:])
    return kinds[:48]


@pytest.fixture
def small(monkeypatch):
    """Few epochs, narrow candidates, and probes of one penalty."""
    monkeypatch.setitem(GRIDS, "probe", [{"c": 0.1}])
    monkeypatch.setattr(cells_study, "AUTOENCODERS", (Candidate("wide", "autoencoder", 8), Candidate("dense", "mlp")))
    monkeypatch.setattr(cells_study, "CLASSIFIERS", cells_study.CLASSIFIERS[:2])
    monkeypatch.setattr(cells_study, "QUICK_SHARE", {"autoencoder": 0.01, "simclr": 0.01})
    monkeypatch.setattr(cells_study, "QUICK_REPEATS", 1)
    usual = cells_study.Recipe
    monkeypatch.setattr(cells_study, "Recipe", lambda **given: usual(**{**given, "epochs": 4}))


@pytest.mark.slow
def test_the_report_compares_every_approach_on_the_same_splits(small, tmp_path):
    write_cells(tmp_path)
    result = run_recipe("cells-study", quick=True, data_root=str(tmp_path), out=tmp_path / "out")
    found = result.metrics
    assert found["codes_minus_classifier"] == pytest.approx(found["codes_accuracy"] - found["classifier_accuracy"])
    assert found["simclr_minus_classifier"] == pytest.approx(found["simclr_accuracy"] - found["classifier_accuracy"])
    assert found["pixels_accuracy"] > 0.9, "a septum shows in the pixels"
    assert "With 36 labels" in result.record.says
    page = (tmp_path / "out/report.html").read_text("utf-8")
    assert "48 labelled cells (16 of class 0, 16 of class 1, 16 of class 2) and 64 without a label" in page
    assert "These cells validated, so they chose" in page
    assert page.count("(chosen)") == 1
    assert json.loads((tmp_path / "out/results.json").read_text())["data_hash"]
    assert {"cells.png", "search.png", "learning.png", "reconstructions.png", "scores.png"} <= {
        p.name for p in (tmp_path / "out/pictures").iterdir()
    }


def test_labels_have_no_say_in_an_autoencoder(small, tmp_path):
    kinds = write_cells(tmp_path / "a")
    write_cells(tmp_path / "b", np.random.default_rng(1).permutation(kinds))
    candidate = Candidate("wide", "autoencoder", 4)
    parts = []
    for name in "ab":
        work = Work(tmp_path / f"work-{name}", True, 0, str(tmp_path / name))
        parts.append(_autoencoder(work, read(work), candidate, 0.0, 1.0))
    assert (parts[0]["errors"] == parts[1]["errors"]).all()
    assert (parts[0]["h"] == parts[1]["h"]).all()


def test_labels_of_test_cells_have_no_say_in_a_classifier(small, tmp_path):
    write_cells(tmp_path)
    found = []
    for name in ("right", "wrong"):
        work = Work(tmp_path / name, True, 0, str(tmp_path))
        cells = read(work)
        if name == "wrong":
            cells.y = cells.y.copy()
            cells.y[cells.splits[0].test] = (cells.y[cells.splits[0].test] + 1) % 3
        found.append(_classifier(work, cells, 0))
    assert (found[0]["held"] == found[1]["held"]).all()
    assert (found[0]["probabilities"] == found[1]["probabilities"]).all()


def test_pca_with_every_number_there_is_gives_the_image_back():
    x = np.random.default_rng(0).random((40, 1, 4, 4)).astype(np.float32)
    assert np.allclose(_pca(x, x[:5], 16), x[:5], atol=1e-5)
    errors = [np.square(_pca(x, x[:5], k) - x[:5]).mean() for k in (1, 4, 8)]
    assert errors == sorted(errors, reverse=True)


def test_without_the_cells_one_line_says_what_is_wanted_and_no_trace_is_left(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(UserError, match=r"no .*data.npz.*--data-root or HEADSTART_DATA") as error:
        run_recipe("cells-study", quick=True, data_root=str(tmp_path / "empty"), out=tmp_path / "out")
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []
