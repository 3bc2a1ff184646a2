"""What every test gets: run-time checks of types and shapes, one thread, no display, and the real data where it is."""

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # workers share the cores; set before torch is imported
os.environ["MPLBACKEND"] = "agg"

import numpy as np
import pytest
from jaxtyping import install_import_hook
from PIL import Image

# An int is a float too, as type checkers have it.
install_import_hook("headstart", "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data, or the reason why the test cannot run."""
    given = os.environ.get("HEADSTART_DATA", "")
    if not given:
        pytest.skip("HEADSTART_DATA is not set: it names the folder of real data")
    folder = Path(given)
    if not folder.is_dir():
        pytest.skip(f"HEADSTART_DATA={given} is not a folder")
    return folder


@pytest.fixture
def desk(tmp_path, monkeypatch) -> Path:
    """The folder that the README assumes: data.npz, photos with a sub-folder a class, and new images: toys."""
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    images = rng.integers(0, 90, (160, 16, 16), dtype=np.uint8)
    images[:60][labels == 1, 4:12, 4:12] += 120
    np.savez(tmp_path / "data.npz", labelled=images[:60], labels=labels, unlabelled=images[60:])
    for i, label in enumerate(labels):
        _save(tmp_path / "photos" / ("round", "split")[label] / f"{i}.png", images[i])
    for i in range(60, 80):
        _save(tmp_path / "photos" / "unlabelled" / f"{i}.png", images[i])
        _save(tmp_path / "new" / f"{i}.png", images[i])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _save(file: Path, image: np.ndarray) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(file)


@pytest.fixture(scope="session")
def study_request():
    """What a study may have been asked for."""
    from headstart.study.records import Protocol, StudyRequest

    return StudyRequest(
        approaches=("majority", "simclr+probe"), named=True, protocol=Protocol(folds=4, repeats=1), time_budget=None,
        encoder=None, views=None, image_size=None, data_hash="3f5a" * 16,
    )  # fmt: skip


@pytest.fixture(scope="session")
def study_plan(study_request):
    """A plan of three classes and no splits."""
    from headstart.data.pixels import Pixels
    from headstart.study.records import Speed, StudyPlan

    return StudyPlan(
        request=study_request, source="toys", class_names=("0", "1", "2"), seed=0, metric="balanced_accuracy",
        saw="unlabelled", device="cpu", encoder=None, encoders=1, views="digits", folds=4, repeats=1, approaches=(),
        budgets=(3, "all"), share=1.0, speed=Speed({}, 0.0), left_out=(), splits=(),
        pixels=Pixels((16, 16), 1, (0.0,), (255.0,)),
    )  # fmt: skip
