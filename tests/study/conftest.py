"""Studies of toys, made cheap: short recipes, the work done in this process, and no report drawn."""

import numpy as np
import pytest

from headstart.commands.study import study as study_command
from headstart.objectives.catalogue import method_class, methods
from headstart.study import pool

APPROACHES = "majority,knn-pixels,untrained+probe,autoencoder+probe,simclr+finetune"


def toys(seed=0):
    """60 labelled images of three classes, a bright square in three places, and 40 unlabelled; three are duplicates."""
    rng = np.random.default_rng(seed)
    labels = np.arange(60) % 3
    images = rng.integers(0, 200, (100, 16, 16), dtype=np.uint8)
    for i, k in enumerate(np.arange(100) % 3):
        images[i, 5 * k : 5 * k + 5, 5:10] += 40
    images[60] = images[0]  # an unlabelled copy of a labelled image
    images[3] = images[9]  # labelled twins
    images[70] = images[71]
    return {"labelled": images[:60], "labels": labels, "unlabelled": images[60:]}


@pytest.fixture(scope="session")
def source():
    """The toys."""
    return toys()


@pytest.fixture(scope="session")
def study(tmp_path_factory):
    """Run a study of the toys; called with its name and the options that differ."""
    home = tmp_path_factory.mktemp("studies")

    def run(name, source=None, **options):
        asked = {"approaches": APPROACHES, "budgets": "3,all", "folds": 4, "repeats": 1, "out": home / name, **options}
        with pytest.MonkeyPatch.context() as patch:
            for method in map(method_class, methods()):
                patch.setattr(
                    method, "schedule", method.schedule._replace(samples_seen=100, min_epochs=1, max_epochs=3)
                )
            patch.setattr(pool, "INLINE_SECONDS", float("inf"))
            patch.setattr("headstart.report.run.write_report", lambda _, path: path.write_text("a page"))
            return study_command(toys() if source is None else source, **asked)

    return run


@pytest.fixture(scope="session")
def finished(study):
    """The study of the toys."""
    return study("finished")
