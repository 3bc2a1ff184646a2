"""Are fused batched views at least 15 times as fast as lightly's SimCLRTransform, on one thread, in one run?

Two SimCLR views an image with the same ranges, blur included in both: lightly's from PIL images, ToTensor and
normalisation included; ours from a uint8 array, the cast to float included. The CPU time of the one thread is compared,
of alternating rounds: medians, and the fastest rounds, which what else runs on the machine disturbs least.
`python benchmarks/bench_views.py [--seconds 10]` prints JSON and then a line a comparison.
"""

import argparse
import json
import platform
import time
import warnings
from dataclasses import replace
from itertools import count
from statistics import median

import numpy as np
import torch
from PIL import Image

from headstart.views import affine, colour, random, sums
from headstart.views.views import Views

BATCH = 256
LIGHTLY = Views(  # the defaults of lightly's SimCLRTransform 1.5, its blur's sigmas in pixels included
    crop=(0.08, 1.0),
    aspect=(3 / 4, 4 / 3),
    flip_horizontal=0.5,
    brightness=(0.2, 1.8),
    contrast=(0.2, 1.8),
    saturation=(0.2, 1.8),
    hue=(-0.2, 0.2),
    jitter=0.8,
    grey=0.2,
    blur=(0.1, 2.0),
    blur_probability=0.5,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="time for each of the four comparisons")
    seconds = parser.parse_args().seconds
    torch.set_num_threads(1)
    runs = [compare(size, p, seconds) for size in (32, 40) for p in (0.5, 1.0)]
    shares = {size: share_of_time(size) for size in (32, 40)}
    print(
        json.dumps({"runs": runs, "share_of_time": shares, "torch": torch.__version__, "machine": platform.machine()})
    )
    for run in runs:
        what = f"{run['size']} pixels, blur with probability {run['blur_probability']}"
        print(f"{what}: {run['ratio']:.1f} times as fast (fastest rounds {run['ratio_of_fastest']:.1f})")


def compare(size: int, blur_probability: float, seconds: float) -> dict[str, float]:
    """Microseconds an image (two views) of both; the ratio of their medians, and of their fastest rounds."""
    images = np.random.default_rng(0).integers(0, 256, (BATCH, size, size, 3), dtype=np.uint8)
    theirs, ours = lightly_views(images, blur_probability), our_views(images, blur_probability)
    theirs(), ours(), ours()
    slow, fast, start = [], [], time.perf_counter()
    while time.perf_counter() - start < seconds or len(slow) < 5:
        slow.append(clock(theirs) / BATCH * 1e6)
        fast.extend(clock(ours) / BATCH * 1e6 for _ in range(10))
    return {
        "size": size,
        "blur_probability": blur_probability,
        "lightly_us": round(median(slow), 2),
        "headstart_us": round(median(fast), 2),
        "ratio": round(median(slow) / median(fast), 2),
        "ratio_of_fastest": round(min(slow) / min(fast), 2),
        "rounds": len(slow),
    }


def clock(action) -> float:
    """Seconds of this thread's CPU time."""
    start = time.thread_time()
    action()
    return time.thread_time() - start


def lightly_views(images: np.ndarray, blur_probability: float):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lightly.transforms import SimCLRTransform
    transform = SimCLRTransform(input_size=images.shape[1], gaussian_blur=blur_probability)
    pictures = [Image.fromarray(image) for image in images]
    return lambda: [transform(picture) for picture in pictures]


def our_views(images: np.ndarray, blur_probability: float):
    views = replace(LIGHTLY, blur_probability=blur_probability)
    whole, index, epochs = torch.from_numpy(images).permute(0, 3, 1, 2), torch.arange(len(images)), count()
    held = []  # as a training loop does, the last views are kept until the next are drawn

    def run() -> None:
        epoch = next(epochs)
        drawn = [views(whole, random.image_keys(index, seed=0, epoch=epoch, stream=view)) for view in (0, 1)]
        held[:] = drawn

    return run


def share_of_time(size: int) -> dict[str, float]:
    """Microseconds an image of each part of one view, measured alone on 32 images."""
    n = 32
    x, ones = torch.rand(n, 3, size, size), torch.ones(n)
    window, blur = sums.sample(0.8 * ones, 0.1 * ones, size), sums.around(sums.gaussian(ones, 6), size)
    keys = random.image_keys(torch.arange(BATCH), seed=0, epoch=0)
    few = keys[:n]
    theta = torch.eye(2, 3).repeat(n, 1, 1) + 0.1 * torch.randn(n, 2, 3)
    parts = {
        "draws": (lambda: LIGHTLY.draw(keys, (size, size), torch.float32), BATCH),
        "crop_and_blur": (lambda: sums.add_up(x, [window, blur], [window, blur]), n),
        "turn_unused_here": (lambda: affine.move(x, theta), n),
        "recolour": (lambda: colour.recolour(x, ones, ones, colour.chroma(ones, ones)), n),
        "clamp": (lambda: x.clamp(0, 1), n),
        "noise_unused_here": (lambda: random.normal(few, 3, size, size), n),
    }
    return {name: round(min(clock(f) for _ in range(200)) / images * 1e6, 2) for name, (f, images) in parts.items()}


if __name__ == "__main__":
    main()
