"""Small digits in the place of every known data set."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from headstart.data import standard
from headstart.data.dataset import Dataset
from headstart.data.pixels import Pixels
from headstart.recipes import work
from headstart.recipes.given import Given


@pytest.fixture
def toy_digits(monkeypatch) -> Dataset:
    """scikit-learn's digits with a test set, which stand for MNIST and Fashion-MNIST alike."""
    data = standard.digits()
    toy = replace(data, splits=np.where(np.arange(len(data)) % 4 == 0, "test", "train"))
    load = work.load

    def loaded(source: Any, **more: Any) -> Dataset:
        return toy if source in ("mnist", "fashion-mnist") else load(source, **more)

    monkeypatch.setattr(work, "load", loaded)
    return toy


@pytest.fixture(scope="session")
def digits() -> Given:
    """600 training and 400 test digits of 8 × 8 pixels."""
    rows, y = load_digits(return_X_y=True)
    images = np.uint8(rows.reshape(-1, 8, 8, 1) * 15.9375)
    pixels = Pixels.fit(images)
    x = torch.from_numpy(pixels(images))
    return Given(x[:600], y[:600], x[600:1000], y[600:1000], tuple("0123456789"), pixels)
