"""Pretraining as one call: images in, a bundle on disk out."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from headstart.representation.bundle import Bundle


def pretrain(
    source: Any,
    *,
    method: str = "simclr",
    out: Path | None = None,
    encoder: str | None = None,
    views: str | None = None,
    saw: Literal["unlabelled", "all"] = "all",
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    image_size: int | None = None,
    precision: Literal["float32", "float64", "bf16"] = "float32",
    accumulate: int = 1,
    ema: float = 0.0,
    seed: int = 0,
    time_budget: str | None = None,
    device: str = "auto",
    data_root: str | None = None,
    resume: bool = False,
) -> "Bundle":
    """Train an encoder on a source's images and save it as a bundle, with its log.csv.

    Args:
        source: What to learn from: a name (digits, cells, mnist, …), an .npz file, a folder, a Parquet file.
        method: simclr, autoencoder, denoising, supervised, greedy or greedy:METHOD; see `headstart methods`.
        out: Folder of the bundle; default: runs/SOURCE-METHOD.
        encoder: small, lecture, mlp, resnet18 or timm:NAME; default: what the method asks for.
        views: digits, natural or microscopy; default by the rule in docs/views.md.
        saw: Learn from the unlabelled inputs only, or from all inputs.
        epochs: Passes over the images; default by the rule in docs/protocol.md.
        batch_size: Images a step; default by the rule in docs/protocol.md.
        learning_rate: Peak of the cosine schedule; default by the rule in docs/protocol.md.
        image_size: Side in pixels that images are brought to; default: their own, at most 64.
        precision: Numbers to compute in.
        accumulate: Split each batch in so many parts, where the result stays the same.
        ema: Decay of an exponential moving average of the weights, which is then what is saved; 0 is none.
        seed: Seed of views and weights.
        time_budget: Wall time such as 90s or 10m; the schedule is shortened to fit.
        device: auto, cpu or cuda.
        data_root: Folder of downloaded data sets; default: the variable HEADSTART_DATA.
        resume: Continue an interrupted run, or start a new one.

    Returns:
        The bundle, as ``load_bundle(out)`` would give it.
    """
    raise NotImplementedError
