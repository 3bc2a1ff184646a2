"""Frozen vectors: an encoder in inference mode, run once, its weights and buffers provably untouched."""

import hashlib

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from headstart.encoders.encoder import Encoder

CHUNK = 64


def fingerprint(module: nn.Module) -> str:
    """SHA-256 of every parameter and buffer: equal before and after means that nothing was trained."""
    digest = hashlib.sha256()
    for name, value in module.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def represent(
    encoder: Encoder, x: Float[Tensor, "n c h w"], *, symmetric: bool = False, device: str = "cpu"
) -> Float[np.ndarray, "n d"]:
    """h of every image, float32, deterministic. Chunks of 64 images keep the activations in the processor's cache.

    symmetric: the mean h of the image's eight rotations and reflections, which is the same for each of them.

    Raises:
        RuntimeError: the encoder's weights or normalisation buffers changed on the way.
    """
    before = fingerprint(encoder)
    encoder.to(device).eval()
    dtype = next((p.dtype for p in encoder.parameters()), torch.float32)
    h = np.zeros((len(x), encoder.dim), np.float32)
    with torch.inference_mode():
        for start in range(0, len(x), CHUNK):
            images = x[start : start + CHUNK].to(device, dtype)
            seen = _eight(images) if symmetric else [images]
            each = [encoder(image.to(memory_format=torch.channels_last)).float() for image in seen]
            h[start : start + CHUNK] = (torch.stack(each).mean(0) if symmetric else each[0]).cpu().numpy()
    if fingerprint(encoder) != before:
        raise RuntimeError("the frozen encoder changed while it was run")
    return h


def _eight(x: Float[Tensor, "n c h h"]) -> list[Float[Tensor, "n c h h"]]:
    turned = [torch.rot90(x, k, (2, 3)) for k in range(4)]
    return [*turned, *(t.flip(3) for t in turned)]
