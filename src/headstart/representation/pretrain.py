"""Pretraining as one call: images in, a bundle out."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np

from headstart.codec import to_json
from headstart.data.dataset import Dataset
from headstart.data.inputs import Subset
from headstart.data.load import load
from headstart.data.pixels import Pixels
from headstart.encoders.build import EncoderSpec
from headstart.encoders.device import find_device
from headstart.errors import UserError
from headstart.objectives.learner import Learner
from headstart.objectives.objective import Objective
from headstart.representation.bundle import Bundle, load_bundle
from headstart.representation.card import Card, LearnedFrom, MethodCard
from headstart.representation.health import Monitor
from headstart.training.clock import progress_bar
from headstart.training.fit import Fitted, encoder_spec, fit_encoder
from headstart.training.log import Log, Row
from headstart.training.method import Method
from headstart.training.penalties import Penalty
from headstart.training.processes import Processes, join_launched
from headstart.training.recipe import Recipe, ResolvedRecipe
from headstart.training.run import Run
from headstart.training.track import TensorBoard
from headstart.training.training_set import TrainingSet
from headstart.training.workplace import claim, discard, partial, publish
from headstart.views.presets import resolve
from headstart.views.sheet import contact_sheet, write_sheet
from headstart.views.views import Views


def pretrain(
    source: Any,
    *,
    method: str | type[Objective] | type[Learner] | Method = "simclr",
    recipe: Recipe | None = None,
    run: Run | None = None,
    encoder: str | None = None,
    views: str | None = None,
    saw: Literal["unlabelled", "all"] = "all",
    image_size: int | None = None,
) -> Bundle:
    """Train an encoder on a source's images, without their labels unless the method asks for them.

    Started by torchrun or SLURM, all processes train the one encoder, and the first of them writes it.

    Args:
        source: What to learn from: whatever ``load`` takes, or a data set.
        method: What the encoder has to get right.
        recipe: How long and how fast; what it leaves open follows from the method and the number of images.
        run: Its ``folder`` gets the bundle, with log.csv and health.csv, and keeps what resuming needs; without one
            nothing is written.
        encoder: Its name (docs/backbones.md); default: the method's own.
        views: digits, objects, natural, microscopy or identity; default by the rule in docs/views.md.
        saw: Learn from the unlabelled inputs only, or from all inputs.
        image_size: Side in pixels that images are brought to; default: their own, at most 64.

    Returns:
        The bundle, as ``load_bundle(run.folder)`` would give it.

    Raises:
        UserError: for anything that the caller can mend, in one line.
    """
    where = run or Run()
    processes, device = join_launched(find_device(where.device or "auto"))
    if where.place is None:
        if processes.world > 1:
            raise UserError("several processes train one encoder: give run=Run(folder=…), where they find it")
        with TemporaryDirectory() as place:
            inside = replace(where, folder=Path(place) / "bundle")
            made = pretrain(
                source, method=method, recipe=recipe, run=inside, encoder=encoder, views=views, saw=saw,
                image_size=image_size,
            )  # fmt: skip
        return replace(made, folder=None)
    chosen, asked = Method.of(method), recipe or Recipe()
    if asked.keep == "best" and (asked.ema or chosen.layerwise or chosen.objective.n_views < 2):
        raise UserError("--keep best wants a method that compares two views, not greedy, and no --ema")
    dataset = load(source)
    data, pixels = gather(dataset, chosen, saw=saw, image_size=image_size)
    views_name, drawn, _ = resolve(views, dataset)
    work = _Work(
        dataset, chosen, asked.resolve(chosen, len(data), device=device), data,
        _spec(chosen, encoder, data, symmetric=drawn.symmetric), pixels, drawn,
    )  # fmt: skip
    card = work.card(views_name, saw)
    begun = _asked(card, work.spec)
    working = _begin(where.place, begun, resume=where.resume) if processes.first else partial(where.place)
    processes.wait()
    if working is None or (where.place / "card.json").is_file():
        return _finished(where.place, begun, resume=where.resume)
    resume = where.resume and any(working.rglob("checkpoint.safetensors"))
    fitted, kept = _trained(work, working, replace(where, resume=resume, device=device), processes)
    if processes.first:
        assert card.method is not None
        done = replace(card.method, steps=len(fitted.rows), kept=kept)
        bundle = Bundle(fitted.encoder.float(), work.spec, pixels, replace(card, method=done))
        _publish(bundle, fitted.rows, working, where.place)
    processes.wait()
    return load_bundle(where.place)


@dataclass(frozen=True)
class _Work:
    """What is trained by what, on what."""

    dataset: Dataset
    method: Method
    recipe: ResolvedRecipe
    data: TrainingSet
    spec: EncoderSpec
    pixels: Pixels
    views: Views

    def card(self, views_name: str, saw: Literal["unlabelled", "all"]) -> Card:
        """What the bundle will say of how the encoder was made, before it is."""
        method = MethodCard(
            self.method.name, hyperparameters=self.method.plain, recipe=self.recipe, views=views_name,
            penalty=_written(self.method.penalties),
        )  # fmt: skip
        return Card(method, saw, LearnedFrom(self.dataset.source, self.dataset.content_hash, len(self.data)))


def _trained(work: _Work, working: Path, run: Run, processes: Processes) -> tuple[Fitted, int]:
    """The trained encoder, watched, and the step at which it stands."""
    data = _stored(work.data, working, processes).replace(views=work.views)
    shown = working if processes.first else None
    if shown:
        _show_views(shown / "views.png", work.views, data, work.recipe.seed)
    best = shown / "best.safetensors" if shown and work.recipe.keep == "best" else None
    monitor = Monitor(data, views=work.views, epochs=work.recipe.epochs, folder=shown, resume=run.resume, best=best)
    tracked = TensorBoard(working / "tensorboard") if run.track == "tensorboard" and processes.first else None
    title = f"{work.method.name} on {work.dataset.source}"
    with _discarded_unless_begun(working, processes.first), progress_bar(title) as show:

        def watch(objective: Objective, rows: list[Row]) -> None:
            monitor(objective, rows)
            if tracked:
                tracked.add(training=rows, health=monitor.rows)
            if run.watch:
                run.watch(objective, rows)

        def progress(done: float) -> None:
            show(done, monitor.now)
            if run.progress:
                run.progress(done)

        fitted = fit_encoder(
            work.method, data, spec=work.spec, recipe=work.recipe, classes=len(work.dataset.class_names),
            run=replace(run, folder=working / "run", progress=progress, watch=watch),
        )  # fmt: skip
    again = bool(work.recipe.ema)
    kept = monitor.finish(fitted.encoder, len(fitted.rows), fitted.objective, again=again)
    if tracked:
        tracked.add(training=fitted.rows, health=monitor.rows)
    return fitted, kept


def _spec(method: Method, encoder: str | None, data: TrainingSet, *, symmetric: bool) -> EncoderSpec:
    own = method.default_encoder()
    if not method.is_learner:
        return encoder_spec(encoder or own, data, symmetric=symmetric)
    if encoder is not None:
        raise UserError(f"{method.name} makes an encoder of its own: leave out --encoder")
    return encoder_spec(own, data, symmetric=symmetric, options=method.hyperparameters)


def _stored(data: TrainingSet, working: Path, processes: Processes) -> TrainingSet:
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
    try:
        yield
    except UserError:
        if first and not any(working.rglob("checkpoint.safetensors")):
            discard(working)
        raise


def _show_views(path: Path, views: Views, data: TrainingSet, seed: int) -> None:
    x = data.rows(np.arange(0, len(data), -(-len(data) // 8)))
    write_sheet(path, contact_sheet(views, x, seed=seed))


def _written(penalties: tuple[tuple[str, Penalty, float], ...]) -> str | None:
    """Penalties as a user writes them, for the card."""
    names = (f"{getattr(made, '__name__', 'penalty')}:{layer}:{weight:g}" for layer, made, weight in penalties)
    return ",".join(names) or None


def _asked(card: Card, spec: EncoderSpec) -> dict[str, Any]:
    """What a run must be asked for again to be resumed, each under the name that a user gives it."""
    method = card.method or MethodCard("")
    return {
        "method": method.name, **(to_json(method.recipe) or {}), **method.hyperparameters, "penalty": method.penalty,
        "views": method.views, "saw": card.saw, "encoder": spec.name, "image_size": list(spec.size),
        "images": card.data and card.data.hash,
    }  # fmt: skip


def _check(begun: dict[str, Any], asked: dict[str, Any], what: str) -> None:
    for name, now in asked.items():
        if begun.get(name) != now:
            raise UserError(
                f"{what} was begun with {name} {begun.get(name)}, not {now}: ask for the same, or choose another --out"
            )


def _finished(folder: Path, asked: dict[str, Any], *, resume: bool) -> Bundle:
    if not resume:
        raise UserError(f"{folder} holds a finished bundle: choose another --out")
    bundle = load_bundle(folder)
    _check(_asked(bundle.card, bundle.spec), asked, f"the finished bundle in {folder}")
    return bundle


def _begin(folder: Path, asked: dict[str, Any], *, resume: bool) -> Path | None:
    """The working folder, with a note of what was asked for; None where the bundle is finished.

    Raises:
        UserError: the run to resume was begun with something else.
    """
    working = claim(folder, marker="card.json", resume=resume)
    if working is None:
        return None
    path = working / "asked.json"
    _check(json.loads(path.read_text("utf-8")) if path.is_file() else asked, asked, "the run to resume")
    path.write_text(json.dumps(asked), "utf-8")
    return working


def _publish(bundle: Bundle, rows: list[Row], working: Path, folder: Path) -> None:
    Log(working / "log.csv").add(rows)
    bundle.save(working)
    (working / "asked.json").unlink()
    (working / "inputs.npy").unlink(missing_ok=True)
    (working / "best.safetensors").unlink(missing_ok=True)
    publish(working, folder, without="run")


def gather(
    dataset: Dataset, method: Method, *, saw: Literal["unlabelled", "all"], image_size: int | None
) -> tuple[TrainingSet, Pixels]:
    """The images that a method may see, and how they are prepared.

    Raises:
        UserError: there are no such images.
    """
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
