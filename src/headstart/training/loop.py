"""The one loop: every encoder of every method is trained here, and nowhere else."""

import logging
import math
import time
from contextlib import nullcontext

import numpy as np
import torch
from torch import nn

from headstart.errors import UserError
from headstart.objectives.objective import Objective, Terms
from headstart.training.checkpoint import Stand, load_checkpoint, save_checkpoint
from headstart.training.clock import duration
from headstart.training.freezing import Freezing, check_rates, rate_factor
from headstart.training.log import Log, Row
from headstart.training.memory import kept_memory
from headstart.training.muon import Muon
from headstart.training.processes import Processes
from headstart.training.recipe import Recipe, ResolvedRecipe, steps_an_epoch
from headstart.training.run import Run
from headstart.training.training_set import TrainingSet

CHECKPOINT_SECONDS = 20.0
WORTH_SAYING = 60.0  # seconds of work that are announced
_log = logging.getLogger(__name__)


def train(objective: Objective, data: TrainingSet, *, recipe: Recipe, run: Run | None = None) -> list[Row]:
    """Train an objective in place, and leave it in inference mode.

    Args:
        objective: What to minimise; its encoder is what will be kept.
        data: What to learn from.
        recipe: How long and how fast, and what stays as it is; what it leaves open follows by ``Recipe.resolve``.
        run: Where, for how long, and who looks on; default: on the CPU, to the schedule's end, nothing written.

    Returns:
        The log: one row a step.

    Raises:
        UserError: accumulation that would change the result; another recipe's checkpoint; a loss that is not finite;
            parts or beginnings that the objective does not have, or nothing left to train.
    """
    run = run or Run()
    device = run.device or "cpu"
    recipe = recipe.resolve(type(objective), len(data), device=device)
    freezing = Freezing(objective, recipe.frozen)
    check_rates(objective, recipe.rates or {})
    refuse_accumulation(objective, recipe, freezing)
    with (
        freezing.held(),
        kept_memory(),
        torch.random.fork_rng(devices=[torch.device(device)] if device.startswith("cuda") else []),
    ):
        loop = _Loop(objective, data, recipe, run, freezing)
        loop.restore()
        loop.go()
    return loop.log.rows


def refuse_accumulation(objective: Objective, recipe: Recipe, freezing: Freezing) -> None:
    """Raise where parts of a batch would not add up to the batch: contrast between rows, and batch-norm."""
    norms = any(isinstance(m, nn.modules.batchnorm._BatchNorm) for _, m in freezing.free_modules())
    if recipe.accumulate > 1 and (objective.coupled or norms or objective.penalised):
        reason = (
            "contrasts the images of a batch" if objective.coupled else "has batch-norm" if norms else "is penalised"
        )
        raise UserError(
            f"--accumulate {recipe.accumulate} would change the result, as the network {reason}: "
            "use a smaller --batch-size"
        )


class _Loop:
    """One training's state: what a checkpoint holds, and the data it steps over."""

    def __init__(
        self, objective: Objective, data: TrainingSet, recipe: ResolvedRecipe, run: Run, freezing: Freezing
    ) -> None:
        self.recipe, self.run, self.freezing, self.processes = recipe, run, freezing, Processes()
        self.device = run.device or "cpu"
        self.like = torch.zeros((), dtype=torch.float64 if recipe.precision == "float64" else torch.float32)
        self.like = self.like.to(self.device)
        self.objective = objective.to(self.like).to(memory_format=torch.channels_last)
        self.processes.connect(self.objective, freezing)
        self.data = data.on(self.device)
        if data.trunk is not None:
            self.data = self.data.replace(trunk=data.trunk.to(self.like).eval())
        self.parameters = [p for p in objective.parameters() if p.requires_grad]
        self.optimiser = _optimiser(objective, recipe)
        self.averaged = [p.detach().clone() for p in self.parameters] if recipe.ema else []
        self.step, self.spent, self.fresh = 0, 0.0, 0
        self.an_epoch = steps_an_epoch(len(data), recipe.batch_size)
        self.dealt: tuple[int, list[np.ndarray]] = (-1, [])
        self.total = recipe.epochs * self.an_epoch
        self.log = Log(None)
        self.writes = run.place is not None and self.processes.first
        if run.place and self.writes:
            run.place.mkdir(parents=True, exist_ok=True)

    def restore(self) -> None:
        """Go back to the last checkpoint, if there is one and the run is to resume."""
        path = self.run.place / "checkpoint.safetensors" if self.run.place else None
        if not self.run.resume or path is None or not path.is_file():
            return
        stand = load_checkpoint(path, self.objective, self.optimiser, self.averaged, recipe=self.recipe)
        self.step, self.total, self.spent = stand.step, stand.total, stand.seconds

    def go(self) -> None:
        """Step until the schedule's end."""
        folder, watch = self.run.place, self.run.watch
        self.log = Log(folder / "log.csv" if folder and self.writes else None, keep_until=self.step)
        if watch and not self.step:
            watch(self.objective, [])
        started, saved, waiting = time.monotonic() - self.spent, time.monotonic(), []
        while self.step < self.total:
            self.freezing.train()
            waiting.append((self.step + 1, time.monotonic() - started, self._one_step()))
            self._foresee(time.monotonic() - started)
            ended = self.step == self.total
            if ended or self.step % self.an_epoch == 0:
                self._flush(waiting)
                if watch:
                    watch(self.objective, self.log.rows)
            if self.run.progress:
                self.run.progress(self.step / self.total)
            if self.writes and (ended or time.monotonic() - saved > CHECKPOINT_SECONDS):
                self._flush(waiting)
                self._save(time.monotonic() - started)
                saved = time.monotonic()
        self._finish()

    def _one_step(self) -> Terms:
        epoch, place = divmod(self.step, self.an_epoch)
        rate = _rate(self.step, self.total, self.recipe)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["factor"]
        _seed((self.recipe.seed * 1_000_003 + self.step) % 2**63, self.device)
        rows = self._order(epoch, place)
        terms: Terms = {}
        for part in np.array_split(rows, self.recipe.accumulate):
            share = len(part) / len(rows)
            batch = self.data.batch(
                self.processes.share(part), n_views=self.objective.n_views, seed=self.recipe.seed, epoch=epoch,
                like=self.like,
            )  # fmt: skip
            with self._autocast():
                found = self.objective(batch)
            loss = torch.stack(list(found.values())).sum() * share
            loss.backward()
            terms = {k: terms.get(k, 0) + v.detach() * share for k, v in found.items()}
        self.processes.add_gradients(self.parameters)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.step, self.fresh = self.step + 1, self.fresh + 1
        self._average()
        self.objective.after_step(self.step / self.total)
        return terms

    def _order(self, epoch: int, place: int) -> np.ndarray:
        if self.dealt[0] != epoch:
            seed, size = self.recipe.seed, self.recipe.batch_size
            self.dealt = epoch, self.data.epoch_batches(seed=seed, epoch=epoch, batch_size=size)
        return self.dealt[1][place]

    def _autocast(self) -> torch.autocast | nullcontext[None]:
        if self.recipe.precision != "bf16":
            return nullcontext()
        return torch.autocast(self.like.device.type, dtype=torch.bfloat16)

    def _average(self) -> None:
        if self.averaged:
            with torch.no_grad():
                for mean, p in zip(self.averaged, self.parameters, strict=True):
                    mean.lerp_(p, 1 - self.recipe.ema)

    def _foresee(self, spent: float) -> None:
        """After a few steps, cut the schedule to the wall time that is left, once, and say how long it will take."""
        if self.fresh == 1:
            self.second_step = spent
        elif self.fresh == min(8, self.total):
            a_step = (spent - self.second_step) / (self.fresh - 1)
            if self.run.seconds is not None:
                wanted = self.step + int((self.run.seconds - spent) / a_step)
                self.total = max(self.step, min(self.total, int(self.processes.agreed(wanted))))
            left = (self.total - self.step) * a_step
            if left > WORTH_SAYING and self.processes.first:
                _log.info("%d steps are left, about %s on this machine", self.total - self.step, duration(left))

    def _flush(self, waiting: list[tuple[int, float, Terms]]) -> None:
        rows = []
        for step, spent, terms in waiting:
            values = {k: float(v) for k, v in terms.items()}
            loss = sum(values.values())
            if not math.isfinite(loss):
                raise UserError(
                    f"the loss is {loss} at step {step}: try a smaller --learning-rate, or --precision float32"
                )
            rows.append(
                {"step": step, "epoch": (step - 1) // self.an_epoch, "seconds": round(spent, 3), "loss": loss, **values}
            )
        self.log.add(rows)
        waiting.clear()

    def _save(self, spent: float) -> None:
        assert self.run.place is not None
        stand = Stand(self.recipe, self.step, self.total, spent)
        path = self.run.place / "checkpoint.safetensors"
        save_checkpoint(path, self.objective, self.optimiser, self.averaged, stand)

    def _finish(self) -> None:
        with torch.no_grad():
            for p, mean in zip(self.parameters, self.averaged, strict=False):
                p.copy_(mean)
        self.objective.eval()


def _seed(seed: int, device: str) -> None:
    """As ``torch.manual_seed`` does, of the device in use only: for the others it would note where it was called."""
    torch.default_generator.manual_seed(seed)
    if device.startswith("cuda"):
        torch.cuda.manual_seed(seed)


def _optimiser(objective: Objective, recipe: ResolvedRecipe) -> torch.optim.Optimizer:
    """The recipe's optimiser, at the recipe's rates or the objective's own; biases and norms are not decayed."""
    rates = objective.rates if recipe.rates is None else recipe.rates
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, p in objective.named_parameters():
        if p.requires_grad:
            decay = recipe.weight_decay if p.ndim > 1 else 0.0
            groups.setdefault((decay, rate_factor(name, rates)), []).append(p)
    settings = [{"params": ps, "weight_decay": decay, "factor": factor} for (decay, factor), ps in groups.items()]
    if recipe.optimiser == "sgd":
        return torch.optim.SGD(settings, lr=recipe.learning_rate, momentum=recipe.momentum)
    if recipe.optimiser == "muon":
        return Muon(settings, lr=recipe.learning_rate, momentum=recipe.momentum)
    return torch.optim.AdamW(settings, lr=recipe.learning_rate, fused=True)


def _rate(step: int, total: int, recipe: ResolvedRecipe) -> float:
    """Linear warm-up, then constant or half a cosine to zero (Loshchilov and Hutter, arXiv 1608.03983, equation 5)."""
    warm = max(1, round(recipe.warmup_fraction * total))
    if step < warm:
        return recipe.learning_rate * (step + 1) / warm
    if recipe.schedule == "constant":
        return recipe.learning_rate
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm)))
