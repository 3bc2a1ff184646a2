"""One map for all of the geometry, against torchvision's operations one by one."""

import pytest
import torch
from torchvision.transforms import functional as tv
from torchvision.transforms.functional import InterpolationMode

from headstart.views.affine import affine, move

BILINEAR = InterpolationMode.BILINEAR
NEUTRAL = {
    "side_x": 1,
    "side_y": 1,
    "centre_x": 0,
    "centre_y": 0,
    "rotation": 0,
    "shear": 0,
    "shift_x": 0,
    "shift_y": 0,
}


def moved(x, **given):
    theta = affine(
        **{name: torch.full((len(x),), float(value)) for name, value in (NEUTRAL | given).items()},
        height_by_width=x.shape[2] / x.shape[3],
    )
    return move(x, theta)


def smooth(h: int = 24, w: int = 24, c: int = 3) -> torch.Tensor:
    coarse = torch.rand(2, c, 6, 6, generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.interpolate(coarse, (h, w), mode="bicubic").clamp(0, 1)


def inner(x, margin: int = 7):
    return x[..., margin:-margin, margin:-margin]


@pytest.mark.parametrize("shape", [(24, 24), (17, 31)])
def test_the_neutral_map_changes_nothing(shape):
    x = smooth(*shape)
    assert torch.allclose(moved(x), x, atol=1e-5)


def test_a_negative_side_is_a_flip():
    x = smooth(17, 31)
    assert torch.allclose(moved(x, side_x=-1), x.flip(3), atol=1e-5)
    assert torch.allclose(moved(x, side_y=-1), x.flip(2), atol=1e-5)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_quarter_turn_is_counter_clockwise_and_exact(quarters):
    x = smooth()
    assert torch.allclose(moved(x, rotation=90 * quarters), torch.rot90(x, quarters, (2, 3)), atol=1e-5)


def test_a_shift_moves_what_is_seen_right_and_down():
    x = smooth(20, 10)
    assert torch.allclose(moved(x, shift_x=0.2, shift_y=0.1)[..., 2:, 2:], x[..., :-2, :-2], atol=1e-5)


@pytest.mark.parametrize("shape", [(24, 24), (24, 36)])
@pytest.mark.parametrize("angle", [-77, -12, 30, 180])
def test_rotation_is_torchvisions_inside(shape, angle):
    x = smooth(*shape)
    expected = tv.rotate(x, angle, interpolation=BILINEAR)
    assert torch.allclose(inner(moved(x, rotation=angle)), inner(expected), atol=1e-4)


@pytest.mark.parametrize("shear", [-15, 10])
def test_shear_is_torchvisions_inside(shear):
    x = smooth()
    expected = tv.affine(x, angle=0, translate=[0, 0], scale=1, shear=[shear, 0], interpolation=BILINEAR)
    assert torch.allclose(inner(moved(x, shear=shear)), inner(expected), atol=1e-4)


def test_rotation_with_magnification_is_torchvisions_inside():
    x = smooth()
    expected = tv.affine(x, angle=-25, translate=[0, 0], scale=1.25, shear=[0, 0], interpolation=BILINEAR)
    assert torch.allclose(inner(moved(x, rotation=25, side_x=0.8, side_y=0.8)), inner(expected), atol=1e-4)


def test_a_crop_is_torchvisions_resized_crop():
    x = smooth(20, 40)
    expected = tv.resized_crop(x, 5, 20, 10, 20, [20, 40], antialias=False)  # half of each side, at the right
    seen = moved(x, side_x=0.5, side_y=0.5, centre_x=0.5, centre_y=0.0)
    assert torch.allclose(seen[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1], atol=1e-5)


def test_beyond_the_image_its_border_is_drawn_on():
    x = smooth()
    assert torch.allclose(moved(x, shift_x=0.5)[..., :12], x[..., :1].expand(-1, -1, -1, 12), atol=1e-5)
