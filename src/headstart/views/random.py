"""Randomness that is a function of the image's key, so it does not depend on the batch, the device or the order.

Steele, Lea, Flood. Fast splittable pseudorandom number generators. OOPSLA 2014 (SplitMix64, Stafford's mixer 13).

    key      = mix(mix(mix(mix(seed) + epoch) + stream) + index)
    word(i)  = mix(key + i * golden)            # 64 bits a counter
    uniform  = the upper 24 bits of a word / 2^24
    normal   = Box-Muller on the two upper 24-bit halves of a word

Differs from the paper: nothing but the chain of keys. Arithmetic is int64 that wraps, the same on every device.
"""

from functools import lru_cache
from math import prod, tau

import torch
from jaxtyping import Float, Int64
from torch import Tensor

_GOLDEN = -7046029254386353131  # 0x9E3779B97F4A7C15, the golden ratio in 64 bits, as a signed number
_STREAM = -3372029247567499371  # 0xD1342543DE82EF95, odd and unrelated to the golden ratio
_BITS = 24  # what a float32 in [0, 1) holds exactly
_UNIT = 2.0**-_BITS


def image_keys(index: Int64[Tensor, " n"], *, seed: int, epoch: int, stream: int = 0) -> Int64[Tensor, " n"]:
    """One 64-bit key an image: equal arguments give equal keys, in any batch. ``stream`` tells views apart."""
    return _mix(index * _GOLDEN + _base(seed, epoch, stream))


def uniform(keys: Int64[Tensor, " n"], *shape: int, stream: int = 0) -> Float[Tensor, "n ..."]:
    """(n, *shape) float32 in [0, 1), bit for bit the same on every device."""
    return _unit(_words(keys, prod(shape), stream) >> 40).view(len(keys), *shape)


def normal(keys: Int64[Tensor, " n"], *shape: int, stream: int = 0) -> Float[Tensor, "n ..."]:
    """(n, *shape) float32 of mean 0 and variance 1, at most 5.8 from 0; devices differ in the last bits only."""
    count = prod(shape)
    words = _words(keys, (count + 1) // 2, stream)
    radius = _unit(words >> 40).add_(_UNIT).log_().mul_(-2).sqrt_()  # from (0, 1], so the logarithm is finite
    angle = _unit(words >> 16).mul_(tau)
    both = torch.cat((radius * angle.cos(), radius * angle.sin()), dim=1)
    return both[:, :count].reshape(len(keys), *shape)


@lru_cache(maxsize=64)
def _base(*parts: int) -> int:
    base = torch.zeros((), dtype=torch.int64)
    for part in parts:
        base = _mix(base + _signed(part) + _GOLDEN)
    return int(base)


def _words(keys: Int64[Tensor, " n"], count: int, stream: int) -> Int64[Tensor, "n {count}"]:
    counter = torch.arange(1, count + 1, device=keys.device) * _GOLDEN + _signed(stream * _STREAM)
    return _mix(keys[:, None] + counter)


def _mix(x: Int64[Tensor, "..."]) -> Int64[Tensor, "..."]:
    x = (x ^ _shift(x, 30)) * -4658895280553007687  # 0xBF58476D1CE4E5B9
    x = (x ^ _shift(x, 27)) * -7723592293110705685  # 0x94D049BB133111EB
    return x ^ _shift(x, 31)


def _shift(x: Int64[Tensor, "..."], bits: int) -> Int64[Tensor, "..."]:
    return (x >> bits).bitwise_and_((1 << (64 - bits)) - 1)  # torch's own shift copies the sign downwards


def _unit(words: Int64[Tensor, "n k"]) -> Float[Tensor, "n k"]:
    return words.bitwise_and_((1 << _BITS) - 1).to(torch.float32).mul_(_UNIT)


def _signed(number: int) -> int:
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)
