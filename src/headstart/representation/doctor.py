"""The doctor: is a run any good? Verdicts without labels, each with a code, a sentence and a page in docs/doctor."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from headstart.codec import from_json
from headstart.errors import UserError
from headstart.evaluation.statistics import Comparison
from headstart.training.log import Row, read_log
from headstart.training.workplace import partial

ILL = 3  # exit code of a verdict against a run
COLLAPSED_SPREAD = 0.1  # of 1
COLLAPSED_RANK = 0.15  # of the rank that the untrained network's z had
LEARNED = 1.2  # times as many other views found as by pixels, or by light and colour
FLAT, HOT = 0.99, 1.0  # of log n, and the temperature from which that is its fault
WEAK = 0.9  # share of images whose views pixels match
LIGHT = 0.35  # share of the images whose views brightness, contrast and colour alone match
RISING = 0.5  # share of the other views found that was found in the second half only
DEAD, COPIES = 0.5, 0.05


@dataclass(frozen=True)
class Verdict:
    """What is wrong with a run, or may be. ``against``: it should not be used as it is."""

    code: str
    sentence: str
    against: bool = True

    def __str__(self) -> str:
        return f"{self.code} {self.sentence} (docs/doctor/{self.code}.md)"


@dataclass(frozen=True)
class Look:
    """A row of ``health.csv``, as ``health.Monitor`` measures it; None where there is nothing to measure it by.

    step, done: where the run stood, as a step and as a share of its schedule. copies: share of images that are copies.
    pixels, light: share of the other views found by pixels, and by brightness, contrast and colour alone.
    """

    step: int
    done: float
    top1: float
    spread: float
    rank: float
    rank_z: float
    alignment: float
    uniformity: float
    dead: float
    copies: float
    pixels: float | None = None
    light: float | None = None
    temperature: float | None = None
    flatness: float | None = None
    knn: float | None = None
    knn_pixels: float | None = None

    @classmethod
    def of(cls, row: Row) -> "Look":
        """The row as a look.

        Raises:
            UserError: it has other columns.
        """
        return from_json(cls, row, "health.csv")


def diagnose(rows: list[Row], *, finished: bool = True) -> list[Verdict]:
    """What the looks at a run say, the gravest first; nothing for a healthy run.

    Raises:
        UserError: nobody looked at this run yet.
    """
    if not rows:
        raise UserError("nobody has looked at this run yet: wait for its first epoch")
    looks = [Look.of(row) for row in rows]
    last = looks[-1]
    checks = _CHECKS if finished else tuple(check for check in _CHECKS if check not in (_rising, _nothing, _labels))
    if not finished and not last.step:
        checks = (_copies,)  # an untrained projector is nearly one point
    found = [verdict for check in checks if (verdict := check(looks, last))]
    if not finished:
        found.append(
            Verdict("D003", f"The run is not finished: {last.done:.0%} of its schedule is done.", against=False)
        )
    return found


def _collapse(looks: list[Look], last: Look) -> Verdict | None:
    if last.spread < COLLAPSED_SPREAD:
        return Verdict("D001", f"Collapse: all images are nearly one point (spread {last.spread:.2f} of 1).")
    if last.rank_z < COLLAPSED_RANK * looks[0].rank_z:
        fell = f"from {looks[0].rank_z:.0f} directions before training {last.rank_z:.1f} are left"
        return Verdict("D001", f"Collapse: {fell}.")
    return None


def _nothing(looks: list[Look], last: Look) -> Verdict | None:
    trivial = max(last.pixels or 0.0, last.light or 0.0)
    if (
        last.pixels is None
        or last.top1 > min(LEARNED * trivial, (1 + trivial) / 2)
        or any(ill(looks, last) for ill in (_collapse, _shortcut, _weak_views, _rising))
    ):
        return None
    found = f"the encoder finds {last.top1:.0%} of the other views, pixels or colours alone {trivial:.0%}"
    return Verdict("D008", f"Nothing learned: {found}.")


def _shortcut(looks: list[Look], last: Look) -> Verdict | None:
    if (last.light or 0.0) < LIGHT or _weak_views(looks, last):
        return None
    share = f"{last.light:.0%} of the images find their other view"
    return Verdict("D002", f"Shortcut: by brightness, contrast and colour alone {share}; nothing else need be learned.")


def _rising(looks: list[Look], last: Look) -> Verdict | None:
    if last.pixels is None or last.top1 == 0:
        return None
    if len(looks) < 3:
        return Verdict("D003", "Not yet converged: too short to tell how it goes on; train longer.")
    before = [look for look in looks if look.step <= last.step / 2] or looks[:1]
    gained = 1 - before[-1].top1 / last.top1
    if gained <= RISING:
        return None
    return Verdict("D003", f"Not yet converged: {gained:.0%} of what is found came in the second half; train longer.")


def _weak_views(looks: list[Look], last: Look) -> Verdict | None:
    if (last.pixels or 0.0) < WEAK:
        return None
    return Verdict("D004", f"Views too weak: pixels alone find {last.pixels:.0%} of the other views.")


def _flat(looks: list[Look], last: Look) -> Verdict | None:
    if last.flatness is None or last.temperature is None or last.flatness < FLAT or last.temperature < HOT:
        return None
    why = f"under {last.temperature:g} no image stands out among the others ({last.flatness:.1%} flat)"
    return Verdict("D005", f"Temperature too high: {why}.")


def _dead(looks: list[Look], last: Look) -> Verdict | None:
    if last.dead < DEAD:
        return None
    return Verdict("D006", f"Dead units: {last.dead:.0%} of the representation say the same of every image.")


def _copies(looks: list[Look], last: Look) -> Verdict | None:
    if last.copies < COPIES:
        return None
    return Verdict("D007", f"Duplicates: {last.copies:.0%} of the images are copies of others.", against=False)


def _labels(looks: list[Look], last: Look) -> Verdict | None:
    untrained = looks[0].knn
    if last.knn is None or last.knn_pixels is None or untrained is None or last.knn > max(last.knn_pixels, untrained):
        return None
    others = f"{last.knn_pixels:.2f} by pixels, {untrained:.2f} before training"
    return Verdict("D009", f"No help for these labels: neighbours agree in {last.knn:.2f}, {others}.", against=False)


_CHECKS: tuple[Callable[[list[Look], Look], Verdict | None], ...] = (
    _flat, _collapse, _shortcut, _rising, _weak_views, _dead, _copies, _nothing, _labels,
)  # fmt: skip


@dataclass(frozen=True)
class Diagnosis:
    """Each run that was looked at, its last look and its verdicts. ``str()`` is what the command line prints."""

    runs: dict[str, tuple[Look, list[Verdict]]]

    @property
    def exit_code(self) -> int:
        """3 where a verdict is against a run, else 0."""
        return ILL if any(v.against for _, verdicts in self.runs.values() for v in verdicts) else 0

    def __str__(self) -> str:
        return "\n\n".join(_told(name, *found) for name, found in self.runs.items())


def _told(name: str, last: Look, verdicts: list[Verdict]) -> str:
    lines = [f"{name}: {'; '.join(dict.fromkeys(v.sentence.partition(':')[0] for v in verdicts)) or healthy(last)}"]
    lines += [f"  {verdict}" for verdict in verdicts]
    measured = [(what, getattr(last, name), wanted) for name, (what, wanted) in _MEASURES.items()]
    lines += [f"  {what:<44} {value:7.3f}   {wanted}" for what, value, wanted in measured if value is not None]
    return "\n".join(lines)


def healthy(last: Look) -> str:
    """What may be said where no verdict is: of methods that compare no views, less can be told."""
    return "healthy" if last.pixels is not None else "healthy, as far as spread, rank and units tell"


_MEASURES = {
    "top1": ("finds an image's other view", "1 is always"),
    "spread": ("spread of the features", f"0 is collapse (below {COLLAPSED_SPREAD}), 1 all directions"),
    "rank": ("effective rank of h", "how many directions the representation uses"),
    "rank_z": ("effective rank of z", f"below {COLLAPSED_RANK} of the untrained network's is collapse"),
    "alignment": ("distance of two views, squared", "0 to 4"),
    "uniformity": ("uniformity", "0 is collapse, −4 at best"),
    "dead": ("share of dead units", f"{DEAD} is too many"),
    "flatness": ("flatness of the softmax", f"{FLAT} is too flat"),
    "pixels": ("other views that pixels find", f"{WEAK} is too many"),
    "light": ("other views that brightness and colour find", f"{LIGHT} is a shortcut"),
    "knn": ("10 nearest neighbours, accuracy", "labels are only looked at here"),
    "knn_pixels": ("the same by pixels", "what the representation has to beat"),
    "copies": ("share of images that are copies", f"{COPIES} is said"),
}


def doctor(run: Path) -> Diagnosis:
    """Judge a pretraining's folder, finished or not, or those of a study.

    Args:
        run: The folder that `headstart pretrain` or `headstart study` wrote, or its .partial folder.

    Returns:
        The verdicts; ``exit_code`` is 3 where one is against a run.

    Raises:
        UserError: there is no such run.
    """
    folder = Path(run).absolute()
    logs = _logs(folder)
    if not logs and partial(folder).exists():
        folder = partial(folder)
        logs = _logs(folder)
    if not folder.is_dir():
        raise UserError(f"{run} is no folder: give the one of a `headstart pretrain` or `headstart study`")
    found = {path: rows for path in logs if (rows := read_log(path))}
    if logs and not found:
        raise UserError(f"nobody has looked at {run} yet: wait for its first epoch")
    if not found:
        raise UserError(f"{run} has no health.csv: no pretraining lies there, or one of an earlier version")
    runs, unhelpful = {}, _unhelpful(folder / "results.json")
    for path, rows in found.items():
        unfinished = folder.name.endswith(".partial") and not (path.parent / "done.safetensors").is_file()
        name = folder.name if path.parent == folder else path.parent.name
        runs[name] = Look.of(rows[-1]), [*diagnose(rows, finished=not unfinished), *unhelpful.get(name, [])]
    return Diagnosis(runs)


def _unhelpful(path: Path) -> dict[str, list[Verdict]]:
    """Of a finished study: the methods whose gain over the best baseline, at all labels, chance may explain."""
    compared = json.loads(path.read_text("utf-8")).get("comparisons", []) if path.is_file() else []
    rows = [from_json(Comparison, plain, path.name) for plain in compared]
    best: dict[str, Comparison] = {}
    for one in (c for c in rows if c.budget == rows[-1].budget):
        method = one.a.partition("+")[0]
        if method not in best or one.difference > best[method].difference:
            best[method] = one
    said = "No help shown for these labels: {0.a} has {0.points} against {0.b}."
    return {method: [Verdict("D009", said.format(c), against=False)] for method, c in best.items() if not c.is_gain}


def _logs(folder: Path) -> list[Path]:
    """Of a pretraining, of a study, and of a study that is not finished."""
    places = ("health.csv", "runs/*/health.csv", "encode/*/health.csv")
    return [path for place in places for path in sorted(folder.glob(place))]
