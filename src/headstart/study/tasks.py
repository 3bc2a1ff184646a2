"""The work of a study, one task at a time: each reads the workspace and writes one file, and may be repeated."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch

from headstart.encoders.build import EncoderSpec
from headstart.encoders.encoder import Encoder
from headstart.evaluation.splits import Split, label_draws
from headstart.evaluation.statistics import score
from headstart.objectives.objective import Objective
from headstart.representation.frozen import represent
from headstart.representation.health import Monitor
from headstart.reuse.heads import Head, LinearHead, inner_folds
from headstart.reuse.transfer import Transfer
from headstart.study.approaches import Approach, is_untrained, parse_approach
from headstart.study.workspace import REFIT, Task, Workspace
from headstart.training.checkpoint import read_facts, read_tensors, write_tensors
from headstart.training.fit import Fitted, fit_encoder, untrained_encoder
from headstart.training.log import Log
from headstart.training.method import Method
from headstart.training.recipe import Recipe, ResolvedRecipe
from headstart.training.run import Run
from headstart.training.threads import threads
from headstart.training.workplace import discard

SHOWN = 12


@dataclass(frozen=True)
class EncodeFacts:
    """Of an encoder that was made: its spec, its recipe (None for an untrained one), steps and wall time."""

    spec: EncoderSpec
    recipe: ResolvedRecipe | None
    steps: int
    seconds: float = 0.0


@dataclass(frozen=True)
class ScoreFacts:
    """Of predictions, by budget: the selection score, None where nothing can be held out, and how many labels."""

    selection: Mapping[str, float | None]
    n_labels: Mapping[str, int]
    seconds: float = 0.0


def execute(task: Task, space: Workspace, *, seconds: float | None = None) -> None:
    """Do a task and write its result, atomically. ``seconds``: wall time that an encoder's training may take."""
    path = space.folder / task.path
    if path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with threads(task.threads):
        if task.kind == "encode":
            tensors, facts = _encode(task, space, seconds)
        else:
            tensors, facts = (_score if task.kind == "score" else _train)(task, space)
    write_tensors(path, tensors, replace(facts, seconds=time.monotonic() - started))
    discard(path.parent / "run")


def _encode(task: Task, space: Workspace, seconds: float | None) -> tuple[dict[str, torch.Tensor], EncodeFacts]:
    """Train an encoder, or none, and embed every image once; both are standardised by the inputs that it may see."""
    folder, plan = (space.folder / task.path).parent, space.plan
    data = space.seen(space.inputs(task.split))
    spec = space.spec(space.encoder_name(task.name), data)
    if is_untrained(task.name):
        fitted, recipe = Fitted(untrained_encoder(spec, seed=space.seed(task.encoder)), []), None
    else:
        recipe = method_recipe(space, task.name, len(data)).replace(seed=space.seed(task.encoder))
        shown = task.split in (None, 0, REFIT) and not task.encoder  # of several encoders, one is enough to look at
        monitor = Monitor(data, views=space.views, epochs=recipe.epochs, folder=folder, resume=True) if shown else None
        run = Run(folder / "run", resume=True, seconds=seconds, device=plan.device, watch=monitor)
        fitted = fit_encoder(Method(task.name), data, spec=spec, recipe=recipe, run=run)
        if monitor:
            monitor.finish(fitted.encoder, len(fitted.rows), fitted.objective)
    Log(folder / "log.csv").add(fitted.rows)
    encoder = fitted.encoder.float()
    h = represent(encoder, space.images, symmetric=spec.symmetric, device=plan.device)
    tensors = {f"encoder.{k}": v for k, v in encoder.state_dict().items()} | {"h": torch.from_numpy(h)}
    if fitted.objective is not None and (made := _reconstructions(fitted.objective, space)) is not None:
        tensors["reconstructions"] = made
    return tensors, EncodeFacts(spec, recipe, len(fitted.rows))


def _reconstructions(objective: Objective, space: Workspace) -> torch.Tensor | None:
    """The first images as the objective makes them, for those that make images."""
    with torch.inference_mode():
        parameter = next(objective.parameters())
        made = objective.float().reconstruction(space.images.rows(slice(0, SHOWN)).to(parameter.device))
    return None if made is None else made.cpu()


def method_recipe(space: Workspace, method: str, n: int) -> ResolvedRecipe:
    """The default recipe for n images, shortened by the plan's share."""
    recipe = Recipe(seed=space.plan.seed).resolve(method, n, runs=space.runs, device=space.plan.device)
    return recipe.replace(epochs=max(1, round(recipe.epochs * space.plan.share)))


def network_recipe(space: Workspace, n: int, split: int, encoder: int = 0) -> ResolvedRecipe:
    """The one recipe by which every network is trained on n labels."""
    recipe = Recipe(seed=(space.seed(encoder) + 1000 * (split + 1)) % 2**32).resolve("supervised", n)
    return recipe.replace(epochs=max(1, round(recipe.epochs * space.plan.share)))


def read_encoder(space: Workspace, task: Task) -> tuple[Encoder, EncoderSpec]:
    """The encoder that an encode task made."""
    path = space.folder / task.path
    tensors, spec = read_tensors(path), read_facts(path, EncodeFacts).spec
    encoder = untrained_encoder(spec, seed=0)
    encoder.load_state_dict({k.removeprefix("encoder."): v for k, v in tensors.items() if k.startswith("encoder.")})
    return encoder.eval(), spec


def vectors(
    space: Workspace, approach: Approach, split: int | None, *, encoder: int = 0, rows: np.ndarray | slice = slice(None)
) -> np.ndarray:
    """(m, d) of these images, as an approach sees them on a split, by one of its encoders."""
    if approach.method == "pixels":
        return space.images.rows(rows).flatten(1).numpy()
    path = space.folder / space.encode_task(approach.method, split, encoder).path
    return read_tensors(path)["h"].numpy()[rows]


def _score(task: Task, space: Workspace) -> tuple[dict[str, torch.Tensor], ScoreFacts]:
    """Fit and tune an approach's head at every budget of one split, on every draw of labels and every encoder.

    Probabilities are (encoders, draws, n_test, k). There is no selection where nothing can be held out.
    """
    approach, split = parse_approach(task.name), space.splits[task.split or 0]
    every = [
        vectors(space, approach, task.split, encoder=e, rows=space.labelled)
        for e in range(space.encoders(approach.method))
    ]
    tensors, selections, n_labels = {}, {}, {}
    for budget in space.budgets:
        draws = range(label_draws(space.splits, space.y, budget))
        made = [[_head(space, approach, h, split, split.budget(space.y, budget, d)) for d in draws] for h in every]
        tensors[str(budget)] = torch.from_numpy(np.array([[probabilities for probabilities, _ in one] for one in made]))
        selections[str(budget)] = float(np.mean([selection for one in made for _, selection in one]))
        n_labels[str(budget)] = len(split.budget(space.y, budget))
    return tensors, ScoreFacts(selections, n_labels)


def _head(
    space: Workspace, approach: Approach, h: np.ndarray, split: Split, train: np.ndarray
) -> tuple[np.ndarray, float]:
    """Probabilities of a split's test images, and the selection score, by a head fitted on these rows."""
    groups = None if space.groups is None else space.groups[train]
    head = Head(approach.head, seed=space.plan.seed, metric=space.plan.metric).fit(h[train], space.y[train], groups)
    held_out = inner_folds(space.y[train], groups, space.plan.seed)
    return head.predict_proba(h[split.test]), head.selection_ if held_out else math.nan


def _train(task: Task, space: Workspace) -> tuple[dict[str, torch.Tensor], ScoreFacts]:
    """Train a network of each encoder on one split's labels, and another on four fifths of them for its selection."""
    approach, number = parse_approach(task.name), task.split or 0
    budget = "all" if task.budget == "all" else int(task.budget or 0)
    train = space.splits[number].budget(space.y, budget)
    made = [_networks(space, approach, number, train, e) for e in range(space.encoders(approach.method))]
    selection = float(np.mean([selection for _, selection in made]))
    facts = ScoreFacts({str(budget): selection}, {str(budget): len(train)})
    return {str(budget): torch.from_numpy(np.array([[probabilities] for probabilities, _ in made]))}, facts


def _networks(
    space: Workspace, approach: Approach, number: int, train: np.ndarray, encoder: int
) -> tuple[np.ndarray, float]:
    """Probabilities of a split's test images, and the selection score, by networks trained from one encoder."""
    begun, _ = read_encoder(space, space.encode_task(approach.method, number, encoder))
    groups = None if space.groups is None else space.groups[train]
    folds = inner_folds(space.y[train], groups, space.plan.seed)
    selection = math.nan
    if folds:
        kept, held = (train[f] for f in folds[0])
        probabilities = _network(space, fit_network(space, begun, kept, number, encoder), held)
        selection = score(space.plan.metric, space.y[held], probabilities.argmax(1), np.unique(space.y))
    return _network(space, fit_network(space, begun, train, number, encoder), space.splits[number].test), selection


def _network(space: Workspace, fitted: Transfer, rows: np.ndarray) -> np.ndarray:
    x = space.images.rows(space.labelled[rows])
    h = represent(fitted.encoder_, x, symmetric=space.views.symmetric, device=space.plan.device)
    return LinearHead.of(fitted.head_).predict_proba(h)


def fit_network(space: Workspace, begun: Encoder, train: np.ndarray, split: int = REFIT, encoder: int = 0) -> Transfer:
    """Fine-tune a copy of an encoder, of that number, on labelled rows."""
    rows = space.labelled[train]
    recipe = network_recipe(space, len(rows), split, encoder)
    network = Transfer(begun, frozen=(), recipe=recipe, views=space.views, device=space.plan.device)
    return network.fit(space.images.rows(rows), space.y[train], index=rows)
