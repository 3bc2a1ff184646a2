"""Pretrain: learn an encoder from images without labels."""

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
    weight_decay: float | None = None,
    optimiser: Literal["adamw", "muon"] | None = None,
    options: str | None = None,
    image_size: int | None = None,
    precision: Literal["float32", "float64", "bf16"] = "float32",
    accumulate: int = 1,
    ema: float = 0.0,
    penalty: str | None = None,
    seed: int = 0,
    time_budget: str | None = None,
    device: str = "auto",
    data_root: str | None = None,
    keep: Literal["last", "best"] = "last",
    track: Literal["csv", "tensorboard"] = "csv",
    resume: bool = False,
) -> "Bundle":
    """Train an encoder on a source's images and save it as a bundle, with log.csv and health.csv.

    Started by torchrun or SLURM, all processes train the one encoder, and the first of them writes it.

    Args:
        source: What to learn from: a name (digits, cells, mnist, …), an .npz file, a folder, a Parquet file.
        method: simclr, moco, vicreg, … (`headstart methods` lists them), greedy or greedy:METHOD, or module:Class of
            your own.
        out: Folder of the bundle; default: runs/SOURCE-METHOD.
        encoder: small, lecture, lecture_flat, mlp, dense, resnet18, patches, transformer, timm:NAME[@hub|@FILE]
            (docs/backbones.md); default: the method's own.
        views: digits, objects, natural, microscopy or identity; default by the rule in docs/views.md.
        saw: Learn from the unlabelled inputs only, or from all inputs.
        epochs: Passes over the images; default by the rule in docs/protocol.md.
        batch_size: Images a step; default by the rule in docs/protocol.md.
        learning_rate: Peak of the cosine schedule; default by the rule in docs/protocol.md.
        weight_decay: The optimiser's; default by the rule in docs/protocol.md.
        optimiser: adamw, or muon, which learns in fewer steps; default by the rule in docs/protocol.md.
        options: The method's own numbers that differ from its page in docs, such as temperature=0.1,width=64.
        image_size: Side in pixels that images are brought to; default: their own, at most 64.
        precision: Numbers to compute in.
        accumulate: Split each batch in so many parts, where the result stays the same.
        ema: Decay of an exponential moving average of the weights, which is then what is saved; 0 is none.
        penalty: NAME:LAYER:WEIGHT joined by commas, sparsity, decorrelation or contraction of a layer, such as
            sparsity:encoder:0.01 (docs/training.md).
        seed: Seed of views and weights.
        time_budget: Wall time such as 90s or 10m; the schedule is shortened to fit.
        device: auto, cpu or cuda.
        data_root: Folder of downloaded data sets; default: the variable HEADSTART_DATA.
        keep: The encoder after the last step, or the one that found most images' other views (docs/training.md).
        track: Besides log.csv, write TensorBoard's event files to OUT/tensorboard.
        resume: Continue an interrupted run, or start a new one.
    """
    from headstart.data.load import load
    from headstart.objectives.catalogue import parse_options
    from headstart.representation.pretrain import pretrain
    from headstart.training.clock import parse_seconds
    from headstart.training.method import Method
    from headstart.training.penalties import parse_penalties
    from headstart.training.recipe import Recipe
    from headstart.training.run import Run

    chosen = Method(method, **parse_options(options))
    for layer, function, weight in parse_penalties(penalty):
        chosen = chosen.penalised(layer, function, weight)
    recipe = Recipe(
        epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, weight_decay=weight_decay,
        precision=precision, accumulate=accumulate, ema=ema, seed=seed, optimiser=optimiser, keep=keep,
    )  # fmt: skip
    seconds = parse_seconds(time_budget)
    dataset = load(source, data_root=data_root)
    folder = out or Path("runs") / f"{Path(dataset.source).stem}-{chosen.name.replace(':', '-')}"
    run = Run(folder, resume, seconds, device, track=track)
    return pretrain(
        dataset, method=chosen, recipe=recipe, run=run, encoder=encoder, views=views, saw=saw, image_size=image_size
    )
