"""The one loop: every encoder of every method is trained here, and nowhere else."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from headstart.errors import UserError
from headstart.objectives.objective import Batch, Objective, Terms
from headstart.training.checkpoint import load_checkpoint, save_checkpoint
from headstart.training.freezing import Freezing, check_rates, rate_factor
from headstart.training.log import Log, Row
from headstart.training.memory import kept_memory
from headstart.training.muon import Muon
from headstart.training.processes import Processes
from headstart.training.recipe import Recipe, steps_an_epoch
from headstart.views.random import image_keys
from headstart.views.views import Views

CHECKPOINT_SECONDS = 20.0
Watch = Callable[[Objective, list[Row]], None]
Progress = Callable[[float], None]


def train(
    objective: Objective,
    x: Float[Tensor, "n c h w"],
    y: Int[Tensor, " n"] | None = None,
    *,
    recipe: Recipe,
    views: Views | None = None,
    prefix: nn.Module | None = None,
    index: np.ndarray | None = None,
    device: str = "cpu",
    folder: Path | None = None,
    resume: bool = False,
    seconds: float | None = None,
    progress: Progress | None = None,
    watch: Watch | None = None,
    frozen: Sequence[str] = (),
    rates: Mapping[str, float] | None = None,
) -> list[Row]:
    """Train an objective in place, and leave it in inference mode.

    Args:
        objective: What to minimise; its encoder is what will be kept.
        x: Images in [0, 1]. y: labels, -1 where missing.
        recipe: How long and how fast.
        views: The random views, for objectives that ask for some.
        prefix: A frozen map through which views and images pass first (layer-wise pretraining).
        index: Each image's place in its data set, by which randomness is keyed; default 0..n-1.
        device: Where to compute.
        folder: Where log.csv and the checkpoint go; none are written without it.
        resume: Go on from the folder's checkpoint, if there is one.
        seconds: Wall time; the schedule is shortened to fit, by the speed of the first steps.
        progress: Called with the share done, in [0, 1].
        watch: Called with the objective and the log so far, before the first step and after each epoch.
        frozen: Names of parts of the objective that stay as they are (``training.freezing``).
        rates: How a parameter's name begins -> factor of its learning rate; the longest beginning decides.
            Default: the objective's own.

    Returns:
        The log: one row a step.

    Raises:
        UserError: accumulation that would change the result; another recipe's checkpoint; a loss that is not finite;
            parts or beginnings that the objective does not have, or nothing left to train.
    """
    freezing = Freezing(objective, frozen)
    check_rates(objective, rates or {})
    refuse_accumulation(objective, recipe, freezing)
    with (
        freezing.held(),
        kept_memory(),
        torch.random.fork_rng(devices=[torch.device(device)] if device.startswith("cuda") else []),
    ):
        run = _Run(objective, x, y, recipe, views, prefix, index, device, folder, freezing, rates)
        if resume:
            run.restore()
        run.go(seconds, progress, watch)
    return run.log.rows


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


class _Run:
    """One training run's state: what a checkpoint holds, and the data it steps over."""

    def __init__(
        self, objective: Objective, x: Tensor, y: Tensor | None, recipe: Recipe, views: Views | None,
        prefix: nn.Module | None, index: np.ndarray | None, device: str, folder: Path | None,
        freezing: Freezing, rates: Mapping[str, float] | None,
    ) -> None:  # fmt: skip
        self.recipe, self.views, self.device, self.processes = recipe, views, device, Processes()
        self.dtype = torch.float64 if recipe.precision == "float64" else torch.float32
        self.objective = objective.to(device, self.dtype).to(memory_format=torch.channels_last)
        self.freezing = freezing
        self.processes.connect(self.objective, freezing)
        self.prefix = None if prefix is None else prefix.to(device, self.dtype).eval()
        self.x = x.to(device, self.dtype)
        self.y = torch.full((len(x),), -1, device=device) if y is None else y.to(device)
        self.index = torch.arange(len(x)) if index is None else torch.as_tensor(index, dtype=torch.int64)
        self.parameters = [p for p in objective.parameters() if p.requires_grad]
        self.optimiser = _optimiser(objective, recipe, objective.rates if rates is None else rates)
        self.settings = recipe.card() | ({} if rates is None else {"rates": dict(rates)})
        self.settings |= {"frozen": freezing.names} if freezing.names else {}
        self.averaged = [p.detach().clone() for p in self.parameters] if recipe.ema else []
        self.step, self.spent, self.fresh = 0, 0.0, 0
        self.an_epoch = steps_an_epoch(len(x), recipe.batch_size)
        self.dealt: tuple[int, list[np.ndarray]] = (-1, [])
        self.total = recipe.epochs * self.an_epoch
        self.folder, self.log = folder, Log(None)
        self.writes = folder is not None and self.processes.first
        if folder and self.writes:
            folder.mkdir(parents=True, exist_ok=True)

    def restore(self) -> None:
        """Go back to the last checkpoint, if there is one."""
        path = self.folder / "checkpoint.safetensors" if self.folder else None
        if path is None or not path.is_file():
            return
        facts = load_checkpoint(path, self.objective, self.optimiser, self.averaged, recipe=self.settings)
        self.step, self.total, self.spent = facts["step"], facts["total"], facts["seconds"]

    def go(self, seconds: float | None, progress: Progress | None, watch: Watch | None) -> None:
        """Step until the schedule's end."""
        self.log = Log(self.folder / "log.csv" if self.folder and self.writes else None, keep_until=self.step)
        if watch and not self.step:
            watch(self.objective, [])
        started, saved, waiting = time.monotonic() - self.spent, time.monotonic(), []
        while self.step < self.total:
            self.freezing.train()
            waiting.append((self.step + 1, time.monotonic() - started, self._one_step()))
            if seconds is not None:
                self._shorten(seconds, time.monotonic() - started)
            ended = self.step == self.total
            if ended or self.step % self.an_epoch == 0:
                self._flush(waiting)
                if watch:
                    watch(self.objective, self.log.rows)
            if progress:
                progress(self.step / self.total)
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
        rows = torch.from_numpy(self._order(epoch, place))
        terms: Terms = {}
        for part in rows.tensor_split(self.recipe.accumulate):
            share = len(part) / len(rows)
            with self._autocast():
                found = self.objective(self._batch(self.processes.share(part), epoch))
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
            order = np.random.default_rng([self.recipe.seed, epoch]).permutation(len(self.x))
            self.dealt = epoch, np.array_split(order, self.an_epoch)
        return self.dealt[1][place]

    def _batch(self, rows: Tensor, epoch: int) -> Batch:
        index = self.index[rows].to(self.device)
        rows = rows.to(self.device)
        x = self.x[rows]
        n_views = self.objective.n_views
        first, *drawn = (image_keys(index, seed=self.recipe.seed, epoch=epoch, stream=s) for s in range(n_views + 1))
        with torch.no_grad():
            clean = self._through(x)
            seen = (clean,) * n_views
            if self.views is not None and drawn:  # all in one call, as small batches take less time than to ask
                seen = self._through(self.views(x.repeat(n_views, 1, 1, 1), torch.cat(drawn))).chunk(n_views)
        return Batch(seen, clean, self.y[rows], torch.zeros_like(index), index, first)

    def _through(self, x: Tensor) -> Tensor:
        if x.shape[2:] != (1, 1):  # a pixel has no neighbours, so that any order of memory will do
            x = x.to(memory_format=torch.channels_last)
        return x if self.prefix is None else self.prefix(x)

    def _autocast(self) -> torch.autocast | nullcontext[None]:
        if self.recipe.precision != "bf16":
            return nullcontext()
        return torch.autocast(torch.device(self.device).type, dtype=torch.bfloat16)

    def _average(self) -> None:
        if self.averaged:
            with torch.no_grad():
                for mean, p in zip(self.averaged, self.parameters, strict=True):
                    mean.lerp_(p, 1 - self.recipe.ema)

    def _shorten(self, seconds: float, spent: float) -> None:
        """After a few steps, cut the schedule to what the remaining wall time allows, once."""
        if self.fresh == 1:
            self.second_step = spent
        elif self.fresh == min(8, self.total):
            a_step = (spent - self.second_step) / (self.fresh - 1)
            wanted = self.step + int((seconds - spent) / a_step)
            self.total = max(self.step, min(self.total, int(self.processes.agreed(wanted))))

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
        assert self.folder is not None
        facts = {"recipe": self.settings, "step": self.step, "total": self.total, "seconds": spent}
        save_checkpoint(self.folder / "checkpoint.safetensors", self.objective, self.optimiser, self.averaged, facts)

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


def _optimiser(objective: Objective, recipe: Recipe, rates: Mapping[str, float]) -> torch.optim.Optimizer:
    """The recipe's optimiser at these rates; biases and norms are not decayed."""
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


def _rate(step: int, total: int, recipe: Recipe) -> float:
    """Linear warm-up, then constant or half a cosine to zero (Loshchilov and Hutter, arXiv 1608.03983, equation 5)."""
    warm = max(1, round(recipe.rising * total))
    if step < warm:
        return recipe.learning_rate * (step + 1) / warm
    if recipe.schedule == "constant":
        return recipe.learning_rate
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm)))
