"""Draw dividing cocci as a fluorescence microscope shows them, with the truth about every image known.

The drawing follows *Staphylococcus aureus* with a stained membrane: a bright wall, and a septum that closes like an
iris on the plane of division. Everything here is made up by a program; no photograph of a cell is used.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.special import expit

from headstart.data._drawing import Rows, blur, check_request, column, draw_rows, pixel_grid, smooth_noise
from headstart.data.dataset import Dataset, Numbered
from headstart.data.labels import MISSING
from headstart.errors import UserError

CLASS_NAMES = ("no septum", "septum forming", "septum complete")
SHARES = (0.45, 0.30, 0.25)
NOTE = "These images are drawn by a program; they are not photographs of cells."

_MARGIN = 6  # pixels drawn around the image, so that the Fourier transform wraps nothing into it


def make_cells(
    n_unlabelled: int = 3892,
    n_labelled: int = 400,
    *,
    size: int = 40,
    seed: int = 0,
    noise: float = 1.0,
    segmented: bool = True,
) -> Dataset:
    """Draw greyscale images of dividing cocci in three stages. They are drawings, not photographs of cells.

    Rows are the unlabelled images, then the labelled ones, all from one distribution; (n, size, size, 1) uint8.
    Image "unlabelled/12" follows from the seed, the options and 12, so fewer images are the beginning of more, and
    every seed gives fresh ones. Lengths scale with size; at 40 pixels a cell is about 25 across.

    noise: multiplies unevenness, texture, shot noise and read noise; 0 draws clean cells.
    segmented: black out what lies beyond the cell, as a segmentation does; else the background and neighbours show.

    ``labels`` is -1 for the unlabelled. ``factors`` knows every image: stage (its class), fraction (share of the
    septum grown, 0 to 1), angle (of the long axis, across which the septum grows; radians from x towards y, in
    [0, 2π)), x, y, radius, thickness, blur (pixels), elongation (long over short axis), peak (grey value of the
    brightest parts, before clipping at 255), background (relative to the wall), neighbours (0 to 2).

    Raises UserError for a negative count, seed or noise, for no image at all, and for a size below 16.
    """
    check_request(size=size, seed=seed, n_unlabelled=n_unlabelled, n_labelled=n_labelled)
    if not 0 <= noise < np.inf:
        raise UserError(f"noise={noise}: wanted 0 (clean) or more; 1 is the usual amount")
    draw = partial(_draw_block, size=size, noise=noise, segmented=segmented)
    sheets = [draw_rows(draw, n, key=(seed, part)) for part, n in enumerate((n_unlabelled, n_labelled))]
    factors = {name: np.concatenate([known[name] for _, known in sheets]) for name in sheets[0][1]}
    is_labelled = np.arange(n_unlabelled + n_labelled) >= n_unlabelled
    return Dataset(
        inputs=np.concatenate([images for images, _ in sheets]),
        labels=np.where(is_labelled, factors["stage"], MISSING),
        ids=Numbered({"unlabelled": n_unlabelled, "labelled": n_labelled}),
        class_names=CLASS_NAMES,
        source="cells (drawn)",
        factors=factors,
        notes=(NOTE,),
    )


def _draw_block(rng: np.random.Generator, n: int, *, size: int, noise: float, segmented: bool) -> Rows:
    """n images and their factors: a scene, through a lens, on a camera, cut out by a segmentation."""
    per_cell, per_pixel = rng.spawn(2)  # apart, so that the same cells are drawn at every size and noise
    factors = _draw_factors(per_cell, n, size)
    unit = size / 40
    texture = noise * smooth_noise(per_pixel, n, size + 2 * _MARGIN, width=1.6 * unit)
    cells = _place(per_cell, factors, size, noise)
    light, beside = _light(per_cell, cells, noise, texture)
    keep = _cut_out(per_cell, cells, noise, texture, beside)

    seen = blur(light + cells.known["background"], factors["blur"]).clip(0)
    bright = column(np.quantile(np.where(keep, seen, 0), 0.985, axis=(1, 2)))
    images = _camera(per_pixel, seen / bright, noise, unit) * cells.known["peak"]
    images = np.where(keep, images, 0) if segmented else images
    inner = slice(_MARGIN, _MARGIN + size)
    return np.rint(images[:, inner, inner, None]).clip(0, 255).astype(np.uint8), factors


def _draw_factors(rng: np.random.Generator, n: int, size: int) -> dict[str, np.ndarray]:
    unit, centre = size / 40, (size - 1) / 2
    stage = rng.choice(3, n, p=SHARES).astype(np.int64)
    fraction = np.choose(stage, [np.zeros(n), 0.05 + 0.8 * rng.beta(1.3, 1.3, n), np.ones(n)])
    return {
        "stage": stage,
        "fraction": fraction,
        "angle": rng.uniform(0, 2 * np.pi, n),
        "x": centre + rng.normal(0, 0.6, n) * unit,
        "y": centre + rng.normal(0, 0.6, n) * unit,
        "radius": rng.normal(12.3 + 0.5 * fraction, 0.8).clip(9.5, 14.5) * unit,
        "elongation": (1.05 + 0.06 * fraction + np.abs(rng.normal(0, 0.08, n))).clip(1, 1.35),
        "thickness": rng.uniform(1.1, 1.6, n) * unit,
        "blur": (0.4 + rng.gamma(2, 0.2, n)).clip(0, 2.5) * unit,
        "peak": rng.normal(220, 25, n).clip(140, 300),
        "background": rng.uniform(0.02, 0.12, n),
        "neighbours": rng.binomial(2, 0.35, n),
    }


@dataclass(frozen=True)
class _Cells:
    """n cells in their own frames, lengths in pixels; arrays are (n, h, w), known values (n, 1, 1)."""

    known: dict[str, np.ndarray]
    x: np.ndarray  # from the cell's centre
    y: np.ndarray
    along: np.ndarray  # from the plane of division
    across: np.ndarray  # from the middle of the septum, on the plane
    turn: np.ndarray  # angle around the cell, from its long axis
    half: np.ndarray  # short semi-axis: half the septum's length
    depth: np.ndarray  # beyond the wall; negative inside the cell
    unit: float


def _place(rng: np.random.Generator, factors: dict[str, np.ndarray], size: int, noise: float) -> _Cells:
    known = {name: column(values) for name, values in factors.items()}
    x, y = pixel_grid(size, _MARGIN)
    x, y = x - known["x"], y - known["y"]
    cosine, sine = np.cos(known["angle"]), np.sin(known["angle"])
    along, across = x * cosine + y * sine, y * cosine - x * sine
    turn, half = np.arctan2(across, along), known["radius"] / np.sqrt(known["elongation"])
    ellipse = half * known["elongation"] / np.hypot(np.cos(turn), known["elongation"] * np.sin(turn))
    waist = 1 - 0.06 * known["fraction"] * np.exp(-((4 * along / half) ** 2))
    outline = ellipse * waist * (1 + noise * _waves(rng, turn, range(2, 5), 0.012))
    return _Cells(known, x, y, along, across, turn, half, np.hypot(x, y) - outline, size / 40)


def _light(
    rng: np.random.Generator, cells: _Cells, noise: float, texture: np.ndarray
) -> tuple[np.ndarray, list[np.ndarray]]:
    """What the cells and their neighbours shine, the wall being about 1; and the distance to each neighbour."""
    thickness, n = cells.known["thickness"], len(cells.half)
    inside = expit(-cells.depth / (0.4 * cells.unit))
    wall = _profile(cells.depth, thickness) * np.exp(noise * _waves(rng, cells.turn, range(1, 6), 0.25))
    haze, strength = column(rng.uniform(0.1, 0.3, n)), column(rng.uniform(1.0, 2.4, n))
    light = (wall + (haze + strength * _septum(rng, cells)) * inside) * np.exp(0.22 * texture)
    beside = [np.where(cells.known["neighbours"] > nth, _beside(rng, cells), np.inf) for nth in range(2)]
    for distance in beside:
        light += column(rng.uniform(0.4, 1.2, n)) * _profile(distance, thickness)
    return light, beside


def _septum(rng: np.random.Generator, cells: _Cells) -> np.ndarray:
    """An iris seen from the side: two bars grow from the wall to the middle, the part out of focus a veil between."""
    grown, half, edge = cells.known["fraction"], cells.half, 0.6 * cells.unit
    skew, bend = column(rng.uniform(-0.35, 0.35, len(half))), column(rng.uniform(-0.08, 0.08, len(half)))
    hole = half * (1 - grown) * (1 + skew * grown * np.sign(cells.across)) - 3 * edge * grown
    bars = expit((np.abs(cells.across) - hole) / edge)
    from_wall = (half - np.abs(cells.across)).clip(0)
    width = cells.known["thickness"] * (1 + 0.6 * (1 - grown) * np.exp(-from_wall / (2.5 * cells.unit)))
    plane = _profile(cells.along - bend * (half - cells.across**2 / half), width)
    return plane * (bars + 0.3 * grown * (1 - bars)) * (grown > 0)


def _beside(rng: np.random.Generator, cells: _Cells) -> np.ndarray:
    """Distance in pixels to the wall of a round cell that touches the middle one; negative inside it."""
    n, own = len(cells.half), cells.known["radius"]
    radius, turn = own * column(rng.uniform(0.85, 1.15, n)), column(rng.uniform(0, 2 * np.pi, n))
    away = own * column(rng.uniform(0.95, 1.15, n)) + radius
    return np.hypot(cells.x - away * np.cos(turn), cells.y - away * np.sin(turn)) - radius


def _cut_out(
    rng: np.random.Generator, cells: _Cells, noise: float, texture: np.ndarray, beside: list[np.ndarray]
) -> np.ndarray:
    """Which pixels a segmentation keeps: a ragged rim, some of the neighbours, in one cell of twelve a part lost."""
    n, unit = len(cells.half), cells.unit
    rim = 1.6 + noise * _waves(rng, cells.turn, range(3, 7), 0.25) + 0.5 * texture
    keep = cells.depth < rim * unit
    for distance in beside:
        keep &= cells.depth < distance + column(rng.uniform(0, 4, n)) * unit
    turn, at = column(rng.uniform(0, 2 * np.pi, n)), column(rng.uniform(0.45, 0.95, n))
    beyond = cells.x * np.cos(turn) + cells.y * np.sin(turn) > at * cells.half
    return keep & ~(beyond & (column(rng.random(n)) < noise / 12))


def _waves(rng: np.random.Generator, turn: np.ndarray, orders: range, strength: float) -> np.ndarray:
    """A smooth random function of the angle around the cell."""
    phase = rng.uniform(0, 2 * np.pi, (len(orders), len(turn)))
    height = rng.normal(0, strength / np.sqrt(len(orders)), (len(orders), len(turn)))
    return sum((column(height[i]) * np.cos(k * turn + column(phase[i])) for i, k in enumerate(orders)), start=0 * turn)


def _profile(distance: np.ndarray, width: np.ndarray) -> np.ndarray:
    return np.exp(-((distance / width) ** 2) / 2)


def _camera(rng: np.random.Generator, images: np.ndarray, noise: float, unit: float) -> np.ndarray:
    """Shot and read noise (2 electrons) of a camera, then the smoothing of a resampling; values keep their scale."""
    photons = column(rng.uniform(60, 400, len(images)))
    counts = rng.poisson(images * photons) + 2 * rng.standard_normal(images.shape, np.float32)
    noisy = images + noise * (counts / photons - images).astype(np.float32)
    return blur(noisy, np.full(len(images), 0.6 * unit))
