"""Pretraining as one call: images in, a bundle on disk out."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from headstart.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from headstart.data.dataset import Dataset
    from headstart.data.pixels import Pixels
    from headstart.representation.bundle import Bundle
    from headstart.training.fit import Method
    from headstart.training.log import Row
    from headstart.views.views import Views


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
        method: simclr, moco, vicreg, … (`headstart methods` lists them), greedy or greedy:METHOD.
        out: Folder of the bundle; default: runs/SOURCE-METHOD.
        encoder: small, lecture, mlp, resnet18, patches, transformer, timm:NAME[@hub|@FILE] (docs/backbones.md);
            default: the method's own.
        views: digits, objects, natural or microscopy; default by the rule in docs/views.md.
        saw: Learn from the unlabelled inputs only, or from all inputs.
        epochs: Passes over the images; default by the rule in docs/protocol.md.
        batch_size: Images a step; default by the rule in docs/protocol.md.
        learning_rate: Peak of the cosine schedule; default by the rule in docs/protocol.md.
        weight_decay: AdamW's; default by the rule in docs/protocol.md.
        options: The method's own numbers that differ from its page in docs, such as temperature=0.1,width=64.
        image_size: Side in pixels that images are brought to; default: their own, at most 64.
        precision: Numbers to compute in.
        accumulate: Split each batch in so many parts, where the result stays the same.
        ema: Decay of an exponential moving average of the weights, which is then what is saved; 0 is none.
        penalty: NAME:LAYER:WEIGHT, sparsity, decorrelation or contraction of a layer, such as sparsity:encoder:0.01.
        seed: Seed of views and weights.
        time_budget: Wall time such as 90s or 10m; the schedule is shortened to fit.
        device: auto, cpu or cuda.
        data_root: Folder of downloaded data sets; default: the variable HEADSTART_DATA.
        keep: The encoder after the last step, or the one that found most images' other views (docs/doctor/README.md).
        track: Besides log.csv, write TensorBoard's event files to OUT/tensorboard.
        resume: Continue an interrupted run, or start a new one.

    Returns:
        The bundle, as ``load_bundle(out)`` would give it.
    """
    from headstart.data.load import load
    from headstart.encoders.device import find_device
    from headstart.objectives.catalogue import hyperparameters, method_class
    from headstart.representation.bundle import Bundle, load_bundle
    from headstart.representation.health import Monitor
    from headstart.training.clock import parse_seconds, progress_bar
    from headstart.training.fit import Method, encoder_spec, fit_encoder
    from headstart.training.penalties import parse_penalty
    from headstart.training.processes import join_launched
    from headstart.training.track import TensorBoard
    from headstart.training.workplace import discard, partial
    from headstart.views.presets import resolve

    chosen, seconds = Method.parse(method), parse_seconds(time_budget)
    penalties = [] if penalty is None else [parse_penalty(penalty)]
    own = hyperparameters(chosen.learner, options)
    if keep == "best" and (ema or method_class(chosen.learner).n_views < 2):
        raise UserError("--keep best wants a method that compares two views, and no --ema")
    processes, target = join_launched(find_device(device))
    dataset = load(source, data_root=data_root)
    folder = Path(out) if out else Path("runs") / f"{Path(dataset.source).stem}-{method.replace(':', '-')}"
    data = gather(dataset, chosen, saw=saw, image_size=image_size)
    views_name, drawn, _ = resolve(views, dataset)
    recipe = chosen.recipe(len(data.x), seed=seed).but(
        epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, weight_decay=weight_decay,
        precision=precision, accumulate=accumulate, ema=ema,
    )  # fmt: skip
    spec = encoder_spec(encoder or chosen.default_encoder(), data.x, drawn)
    asked = {"method": method, "options": own, "penalty": penalty, "keep": keep, "saw": saw, "views": views_name}
    working = _begin(folder, asked, resume=resume) if processes.first else partial(folder)
    processes.wait()
    if working is None or (folder / "card.json").is_file():
        return _finished(folder, resume=resume)
    monitor = Monitor(
        data.x, y=data.y, views=drawn, epochs=recipe.epochs, folder=working if processes.first else None, resume=resume,
        best=working / "best.safetensors" if keep == "best" and processes.first else None,
    )  # fmt: skip
    tracked = track == "tensorboard" and processes.first
    watch = TensorBoard(working / "tensorboard").beside(monitor) if tracked else monitor
    try:
        with progress_bar(f"{method} on {dataset.source}") as show:
            fitted = fit_encoder(
                chosen, data.x, data.y, spec=spec, recipe=recipe, views=drawn, classes=len(dataset.class_names),
                index=data.index, device=target, folder=working / "run", resume=resume, seconds=seconds,
                progress=lambda done: show(done, monitor.now), watch=watch, penalties=penalties, **own,
            )  # fmt: skip
    except UserError:
        if processes.first and not any(working.rglob("checkpoint.safetensors")):
            discard(working)  # nothing was begun that resuming could continue
        raise
    kept = monitor.finish(fitted.encoder, len(fitted.rows), fitted.objective)
    recorded = {"name": method, "recipe": recipe.card(), "hyperparameters": own, "penalty": penalty}
    recorded |= {"views": views_name, "steps": len(fitted.rows), "kept": kept}
    learned = {"source": dataset.source, "hash": dataset.content_hash, "n": len(data.x)}
    if processes.first:
        _show_views(working / "views.png", drawn, data.x, seed)
        facts = {"method": recorded, "data": learned, "saw": saw}
        _publish(Bundle(fitted.encoder.float(), spec, data.pixels, facts), fitted.rows, working, folder)
    processes.wait()
    return load_bundle(folder)


def _show_views(path: Path, views: "Views", x: "Tensor", seed: int) -> None:
    from headstart.views.sheet import contact_sheet, write_sheet

    write_sheet(path, contact_sheet(views, x[:: -(-len(x) // 8)], seed=seed))


def _finished(folder: Path, *, resume: bool) -> "Bundle":
    from headstart.representation.bundle import load_bundle

    if not resume:
        raise UserError(f"{folder} holds a finished bundle: choose another --out")
    return load_bundle(folder)


def _begin(folder: Path, asked: dict[str, Any], *, resume: bool) -> Path | None:
    """The working folder, with a note of what was asked for; None where the bundle is finished.

    Raises:
        UserError: the run to resume was begun with something else.
    """
    from headstart.training.workplace import claim

    working = claim(folder, marker="card.json", resume=resume)
    if working is None:
        return None
    path = working / "asked.json"
    begun = json.loads(path.read_text("utf-8")) if path.is_file() else asked
    if differing := [name for name in asked if begun.get(name) != asked[name]]:
        name = differing[0]
        raise UserError(
            f"the run to resume was begun with {name} {begun.get(name)}, not {asked[name]}: ask for the same"
        )
    path.write_text(json.dumps(asked), "utf-8")
    return working


def _publish(bundle: "Bundle", rows: "list[Row]", working: Path, folder: Path) -> None:
    from headstart.training.log import Log
    from headstart.training.workplace import publish

    Log(working / "log.csv").add(rows)
    bundle.save(working)
    (working / "asked.json").unlink()
    publish(working, folder, without="run")


@dataclass(frozen=True)
class TrainingData:
    """What an encoder learns from: images (n, c, h, w) in [0, 1], labels, and each one's place in its data set."""

    x: "Tensor"
    y: "Tensor"
    index: "np.ndarray"
    pixels: "Pixels"


def gather(
    dataset: "Dataset", method: "Method", *, saw: Literal["unlabelled", "all"], image_size: int | None
) -> TrainingData:
    """The images that a method may see, as the encoder will see them.

    Raises:
        UserError: there are no such images.
    """
    import numpy as np
    import torch

    from headstart.data.pixels import Pixels
    from headstart.objectives.catalogue import method_class

    index = dataset.unlabelled if saw == "unlabelled" else np.arange(len(dataset))
    if method_class(method.learner).supervised:
        index = dataset.labelled
    if not len(index):
        kind = "labelled" if method_class(method.learner).supervised else saw
        raise UserError(
            f"{dataset.source} has no {kind} images for {method.name} to learn from: try --saw all, or another method"
        )
    pixels = Pixels.fit(dataset.images[index], image_size=image_size, per_image=dataset.per_image)
    x, y = torch.from_numpy(pixels(dataset.images[index])), torch.from_numpy(dataset.labels[index])
    return TrainingData(x, y, index, pixels)
