"""Frozen vectors: an encoder in inference mode, run once, its weights and buffers provably untouched."""

import hashlib
from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from headstart.encoders.encoder import Encoder
from headstart.training.training_set import TrainingSet

CHUNK = 64


def fingerprint(module: nn.Module) -> str:
    """SHA-256 of every parameter and buffer: equal before and after means that nothing was trained."""
    digest = hashlib.sha256()
    for name, value in module.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def represent(
    encoder: Encoder, x: Float[Tensor, "n ..."] | TrainingSet, *, symmetric: bool = False, device: str = "cpu"
) -> Float[np.ndarray, "n d"]:
    """h of every image, float32, deterministic; of images as an encoder takes them, or of a set that prepares them.

    symmetric: the mean h of the image's eight rotations and reflections, which is the same for each of them.

    Raises:
        RuntimeError: the encoder's weights or normalisation buffers changed on the way.
    """
    h = np.zeros((len(x), encoder.dim), np.float32)
    start = 0
    for part in represent_parts(encoder, x, symmetric=symmetric, device=device):
        h[start : start + len(part)] = part
        start += len(part)
    return h


def represent_parts(
    encoder: Encoder, x: Float[Tensor, "n ..."] | TrainingSet, *, symmetric: bool = False, device: str = "cpu"
) -> Iterator[Float[np.ndarray, "m d"]]:
    """``represent`` by parts of 64 images, which keep the activations in the processor's cache."""
    data = TrainingSet.of(x) if isinstance(x, Tensor) else x
    before = fingerprint(encoder)
    encoder.to(device).eval()
    dtype = next((p.dtype for p in encoder.parameters()), torch.float32)
    for start in range(0, len(data), CHUNK):
        with torch.inference_mode():
            images = data.rows(slice(start, start + CHUNK)).to(device, dtype)
            seen = _eight(images) if symmetric else [images]
            each = [encoder(_in_memory_order(image)).float() for image in seen]
            part = (torch.stack(each).mean(0) if symmetric else each[0]).cpu().numpy()
        yield part
    if fingerprint(encoder) != before:
        raise RuntimeError("the frozen encoder changed while it was run")


def _in_memory_order(x: Tensor) -> Tensor:
    return x.to(memory_format=torch.channels_last) if x.ndim == 4 else x


def _eight(x: Float[Tensor, "n c h h"]) -> list[Float[Tensor, "n c h h"]]:
    turned = [torch.rot90(x, k, (2, 3)) for k in range(4)]
    return [*turned, *(t.flip(3) for t in turned)]
