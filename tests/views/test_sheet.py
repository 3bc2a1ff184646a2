"""Contact sheets show the image first, then its views."""

import numpy as np
import torch

from headstart.views.presets import PRESETS
from headstart.views.sheet import contact_sheet


def test_a_sheet_opens_with_the_image_and_repeats_with_its_seed():
    x = torch.rand(3, 3, 16, 12)
    sheet = contact_sheet(PRESETS["natural"], x, columns=4, seed=1)
    assert sheet.shape == (3, 5, 16, 12, 3)
    assert np.array_equal(sheet[:, 0], x.permute(0, 2, 3, 1).numpy())
    assert np.array_equal(sheet, contact_sheet(PRESETS["natural"], x, columns=4, seed=1))
    assert all(np.abs(sheet[:, i] - sheet[:, j]).max() > 0.05 for i in range(5) for j in range(i))
