"""Pretraining as one call: images in, a bundle on disk out."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from headstart.errors import UserError

if TYPE_CHECKING:
    from headstart.data.dataset import Dataset
    from headstart.data.pixels import Pixels
    from headstart.encoders.build import EncoderSpec
    from headstart.representation.bundle import Bundle
    from headstart.training.log import Row
    from headstart.training.method import Method
    from headstart.training.processes import Processes
    from headstart.training.training_set import TrainingSet
    from headstart.views.views import Views


def pretrain(
    source: Any,
    *,
    method: Any = "simclr",
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
    penalty: str | Sequence[tuple[str, Callable[..., Any], float]] | None = None,
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
            your own; from Python also a Method or a class.
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
            sparsity:encoder:0.01; from Python also layer, function and weight of each (docs/training.md).
        seed: Seed of views and weights.
        time_budget: Wall time such as 90s or 10m; the schedule is shortened to fit.
        device: auto, cpu or cuda.
        data_root: Folder of downloaded data sets; default: the variable HEADSTART_DATA.
        keep: The encoder after the last step, or the one that found most images' other views (docs/training.md).
        track: Besides log.csv, write TensorBoard's event files to OUT/tensorboard.
        resume: Continue an interrupted run, or start a new one.

    Returns:
        The bundle, as ``load_bundle(out)`` would give it.
    """
    from headstart.codec import to_json
    from headstart.data.load import load
    from headstart.encoders.device import find_device
    from headstart.objectives.catalogue import parse_options
    from headstart.representation.bundle import Bundle, load_bundle
    from headstart.representation.health import Monitor
    from headstart.training.clock import parse_seconds, progress_bar
    from headstart.training.fit import fit_encoder
    from headstart.training.method import Method
    from headstart.training.penalties import parse_penalties
    from headstart.training.processes import join_launched
    from headstart.training.recipe import Recipe
    from headstart.training.run import Run
    from headstart.training.track import TensorBoard
    from headstart.training.workplace import partial
    from headstart.views.presets import resolve

    chosen, seconds = Method.of(method).replace(**parse_options(options)), parse_seconds(time_budget)
    penalties = parse_penalties(penalty) if isinstance(penalty, str) else list(penalty or ())
    if keep == "best" and (ema or chosen.layerwise or chosen.objective.n_views < 2):
        raise UserError("--keep best wants a method that compares two views, not greedy, and no --ema")
    processes, target = join_launched(find_device(device))
    dataset = load(source, data_root=data_root)
    folder = Path(out) if out else Path("runs") / f"{Path(dataset.source).stem}-{chosen.name.replace(':', '-')}"
    data, pixels = gather(dataset, chosen, saw=saw, image_size=image_size)
    views_name, drawn, _ = resolve(views, dataset)
    recipe = Recipe(
        epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, weight_decay=weight_decay,
        precision=precision, accumulate=accumulate, ema=ema, seed=seed, optimiser=optimiser,
    ).resolve(chosen, len(data), device=target)  # fmt: skip
    spec = _spec(chosen, encoder, data, symmetric=drawn.symmetric)
    own = dict(chosen.hyperparameters)
    recorded = {
        "name": chosen.name,
        "recipe": to_json(recipe),
        "hyperparameters": own,
        "views": views_name,
        "keep": keep,
    }
    recorded["penalty"] = _written(penalties)
    learned_from = {"source": dataset.source, "hash": dataset.content_hash, "n": len(data)}
    facts = {"method": recorded, "saw": saw, "data": learned_from}
    asked = _asked({**facts, "encoder": spec.card()})
    working = _begin(folder, asked, resume=resume) if processes.first else partial(folder)
    processes.wait()
    if working is None or (folder / "card.json").is_file():
        return _finished(folder, asked, resume=resume)
    resume = resume and any(working.rglob("checkpoint.safetensors"))
    data = _stored(data, working, processes).replace(views=drawn)
    shown = working if processes.first else None
    if shown:
        _show_views(shown / "views.png", drawn, data, seed)
    best = shown / "best.safetensors" if shown and keep == "best" else None
    monitor = Monitor(data, views=drawn, epochs=recipe.epochs, folder=shown, resume=resume, best=best)
    with _discarded_unless_begun(working, processes.first), progress_bar(f"{chosen.name} on {dataset.source}") as show:
        tracked = TensorBoard(working / "tensorboard") if track == "tensorboard" and processes.first else None
        watch = tracked.beside(monitor) if tracked else monitor
        run = Run(working / "run", resume, seconds, target, lambda done: show(done, monitor.now), watch)
        classes = len(dataset.class_names)
        fitted = fit_encoder(chosen, data, spec=spec, recipe=recipe, run=run, classes=classes, penalties=penalties)
    recorded["kept"] = monitor.finish(fitted.encoder, len(fitted.rows), fitted.objective, again=bool(ema))
    recorded["steps"] = len(fitted.rows)
    if tracked:
        tracked.add(training=fitted.rows, health=monitor.rows)
    if processes.first:
        _publish(Bundle(fitted.encoder.float(), spec, pixels, facts), fitted.rows, working, folder)
    processes.wait()
    return load_bundle(folder)


def _spec(method: "Method", encoder: str | None, data: "TrainingSet", *, symmetric: bool) -> "EncoderSpec":
    from headstart.training.fit import encoder_spec

    own = method.default_encoder()
    if not method.is_learner:
        return encoder_spec(encoder or own, data, symmetric=symmetric)
    if encoder is not None:
        raise UserError(f"{method.name} makes an encoder of its own: leave out --encoder")
    return encoder_spec(own, data, symmetric=symmetric, options=method.hyperparameters)


def _stored(data: "TrainingSet", working: Path, processes: "Processes") -> "TrainingSet":
    """The images in their encoder's size; where that wants a file, the first process writes what all of them map."""
    if not processes.first:
        processes.wait()
    data = data.sized(working / "inputs.npy")
    if processes.first:
        processes.wait()
    return data


@contextmanager
def _discarded_unless_begun(working: Path, first: bool) -> Iterator[None]:
    """Remove the working folder when a user's mistake ends the run before there is anything to resume."""
    from headstart.training.workplace import discard

    try:
        yield
    except UserError:
        if first and not any(working.rglob("checkpoint.safetensors")):
            discard(working)
        raise


def _show_views(path: Path, views: "Views", data: "TrainingSet", seed: int) -> None:
    import numpy as np

    from headstart.views.sheet import contact_sheet, write_sheet

    x = data.rows(np.arange(0, len(data), -(-len(data) // 8)))
    write_sheet(path, contact_sheet(views, x, seed=seed))


def _written(penalties: Sequence[tuple[str, Callable[..., Any], float]]) -> str | None:
    """Penalties as a user writes them, for the card."""
    names = (f"{getattr(made, '__name__', 'penalty')}:{layer}:{weight:g}" for layer, made, weight in penalties)
    return ",".join(names) or None


def _asked(card: dict[str, Any]) -> dict[str, Any]:
    """What a run must be asked for again to be resumed, each under the name that a user gives it."""
    method, encoder = card.get("method", {}), card["encoder"]
    return {
        "method": method.get("name"), **method.get("recipe", {}), **method.get("hyperparameters", {}),
        **{name: method.get(name) for name in ("penalty", "keep", "views")}, "saw": card.get("saw"),
        "encoder": encoder["name"], "image_size": list(encoder["size"]), "images": card.get("data", {}).get("hash"),
    }  # fmt: skip


def _check(begun: dict[str, Any], asked: dict[str, Any], what: str) -> None:
    for name, now in asked.items():
        if begun.get(name) != now:
            raise UserError(
                f"{what} was begun with {name} {begun.get(name)}, not {now}: ask for the same, or choose another --out"
            )


def _finished(folder: Path, asked: dict[str, Any], *, resume: bool) -> "Bundle":
    from headstart.representation.bundle import load_bundle

    if not resume:
        raise UserError(f"{folder} holds a finished bundle: choose another --out")
    bundle = load_bundle(folder)
    _check(_asked({**bundle.facts, "encoder": bundle.spec.card()}), asked, f"the finished bundle in {folder}")
    return bundle


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
    _check(json.loads(path.read_text("utf-8")) if path.is_file() else asked, asked, "the run to resume")
    path.write_text(json.dumps(asked), "utf-8")
    return working


def _publish(bundle: "Bundle", rows: "list[Row]", working: Path, folder: Path) -> None:
    from headstart.training.log import Log
    from headstart.training.workplace import publish

    Log(working / "log.csv").add(rows)
    bundle.save(working)
    (working / "asked.json").unlink()
    (working / "inputs.npy").unlink(missing_ok=True)
    (working / "best.safetensors").unlink(missing_ok=True)
    publish(working, folder, without="run")


def gather(
    dataset: "Dataset", method: "Method", *, saw: Literal["unlabelled", "all"], image_size: int | None
) -> "tuple[TrainingSet, Pixels]":
    """The images that a method may see, and how they are prepared.

    Raises:
        UserError: there are no such images.
    """
    import numpy as np

    from headstart.data.inputs import Subset
    from headstart.data.pixels import Pixels
    from headstart.training.training_set import TrainingSet

    index = dataset.unlabelled if saw == "unlabelled" else np.arange(len(dataset))
    if method.objective.supervised:
        index = dataset.labelled
    if not len(index):
        kind = "labelled" if method.objective.supervised else saw
        raise UserError(
            f"{dataset.source} has no {kind} images for {method.name} to learn from: try --saw all, or another method"
        )
    whole = len(index) == len(dataset)
    seen = dataset.inputs if whole else Subset(dataset.inputs, index)
    pixels = Pixels.fit(seen, image_size=image_size, per_image=dataset.per_image)
    labels = dataset.labels if whole else dataset.labels[index]
    return TrainingSet.prepared_by(pixels, seen, labels, index=None if whole else index), pixels
