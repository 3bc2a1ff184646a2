"""A recipe, run: what it is about to show, its numbers beside the ranges they should land in, and a page to look at."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill, wrap
from typing import TYPE_CHECKING, Any

from headstart.errors import UserError
from headstart.recipes.catalogue import Recipe, find_recipe, topics

if TYPE_CHECKING:
    from headstart.recipes.work import Found, Ranges, Work
    from headstart.report.elements import Html

WIDTH = 79


@dataclass(frozen=True)
class RecipeResult:
    """A finished recipe: its folder, what it said, and the content of results.json. ``str()`` is what is printed."""

    folder: Path
    says: str
    results: dict[str, Any]

    @property
    def metrics(self) -> dict[str, float]:
        """The numbers by name."""
        return self.results["metrics"]

    @property
    def missed(self) -> list[str]:
        """Metrics that did not land in the range that was stated before."""
        return [name for name in self.results["expected"] if not _landed(self.results, name)]

    def __str__(self) -> str:
        rows = [("", "found", "expected"), *_rows(self.results)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c}".rstrip() for a, b, c in rows]
        report = f"{self.folder / 'report.html'}, pictures in {self.folder / 'pictures'}"
        return "\n".join([fill(self.says, WIDTH), "", *lines, "", _verdict(self), report])


@dataclass(frozen=True)
class RecipeList:
    """Every recipe: its name, the lecture's topic and the idea."""

    recipes: dict[str, tuple[str, str]]

    def __str__(self) -> str:
        lines: list[str] = []
        for name, (topic, idea) in self.recipes.items():
            lines += [f"{name}  ({topic})", *wrap(idea, WIDTH, initial_indent="    ", subsequent_indent="    ")]
        return "\n".join([*lines, "", "`headstart recipe NAME --quick` shows one within three minutes."])


def run_recipe(
    name: str = "",
    *,
    quick: bool = False,
    seed: int = 0,
    networks: int | None = None,
    faithful: bool = False,
    letters: Path | None = None,
    backbone: str | None = None,
    data_root: str | None = None,
    out: Path | None = None,
    resume: bool = False,
) -> RecipeResult | RecipeList:
    """Run a classical experiment and show what it shows; without a name, list them.

    Args:
        name: A recipe's name.
        quick: The same effect at smaller size, within three minutes on two cores.
        seed: Seed of networks, views and draws.
        networks: training-trajectories: how many networks with, and how many without pretraining.
        faithful: fashion-to-mnist: frozen dropouts stay random, as in Keras; nothing can be cached then.
        letters: digits-to-letters: a folder or file of your own letters, read as `headstart data` reads it.
        backbone: cifar-features: timm:NAME@FILE, timm:NAME@hub or a bundle's folder; default: our own.
        data_root: Folder of downloaded data sets; default: the variable HEADSTART_DATA.
        out: Folder for the result; default: runs/NAME, or runs/NAME-quick.
        resume: Continue an interrupted run, or start a new one.

    Returns:
        The result: ``metrics``, ``missed``, ``results`` (the content of results.json), ``folder``; or the list.

    Raises:
        UserError: for anything that the caller can mend, in one line.
    """
    if not name:
        return RecipeList(topics())
    recipe = find_recipe(name)
    given = {"networks": networks, "faithful": faithful, "letters": letters, "backbone": backbone}
    options = recipe.options(given)
    if networks is not None and networks < 2:
        raise UserError(f"--networks {networks}: wanted 2 or more")

    from headstart.recipes.work import Work
    from headstart.training.recipe import check_seed
    from headstart.training.workplace import claim, discard, publish

    check_seed(seed)
    folder = Path(out) if out else Path("runs") / (f"{name}-quick" if quick else name)
    asked = {"recipe": name, "seed": seed, "quick": quick, "options": {k: str(v) for k, v in options.items()}}
    working = claim(folder, marker="results.json", resume=resume)
    if working is None:
        return _same(folder, asked)
    _keep_request(working, asked)
    foretold = recipe.foretold(quick=quick, options=options)
    print(_announced(recipe, quick, foretold), flush=True)
    with _progress(name) as progress:
        work = Work(working, quick, seed, data_root, progress)
        found = _found(recipe, work, options)
        results = _results(asked, work, found, foretold if found.expected is None else found.expected)
    _write(working, recipe, found, results)
    discard(working / "request.json")
    publish(working, folder, without="parts")
    return RecipeResult(folder, found.says, results)


def _found(recipe: Recipe, work: "Work", options: dict[str, Any]) -> "Found":
    """What the recipe found; where a user's mistake ended it before there was anything to resume, no trace is left."""
    from headstart.training.workplace import discard

    try:
        return recipe.run(work, **options)
    except UserError:
        if not (work.folder / "parts").exists():
            discard(work.folder)
        raise


def _results(asked: dict[str, Any], work: "Work", found: "Found", expected: "Ranges") -> dict[str, Any]:
    return {
        **asked, "data_hash": work.data_hash, "seconds": round(work.seconds, 1),
        "metrics": {key: float(value) for key, value in found.metrics.items()},
        "expected": {key: list(ends) for key, ends in expected.items()},
        "says": found.says,
    }  # fmt: skip


def _landed(results: dict[str, Any], name: str) -> bool:
    low, high = results["expected"][name]
    return low <= results["metrics"][name] <= high


def _rows(results: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Name, value, and the range with what became of it."""
    for name, value in results["metrics"].items():
        ends = results["expected"].get(name)
        expected = "" if ends is None else told(ends)
        yield name, _number(value), expected + ("" if ends is None or _landed(results, name) else ", missed")


def told(ends: Sequence[float]) -> str:
    """A range in words: "0.500 to 1"."""
    return f"{_number(ends[0])} to {_number(ends[1])}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 or float(value).is_integer() else f"{value:.3f}"


def _verdict(result: RecipeResult) -> str:
    expected = len(result.results["expected"])
    if not expected:
        return "With these options nothing was foretold."
    if not result.missed:
        return f"All {expected} numbers that were foretold landed in their range."
    return f"{len(result.missed)} of {expected} numbers missed their range: {', '.join(result.missed)}."


def _announced(recipe: Recipe, quick: bool, foretold: "Ranges") -> str:
    story = "\n\n".join(fill(" ".join(part.split()), WIDTH) for part in recipe.story.split("\n\n"))
    ranges = [f"  {name}: {told(ends)}" for name, ends in foretold.items()]
    head = f"{recipe.name}{', quick form' if quick else ''} ({recipe.topic})"
    return "\n".join(
        [head, "", fill(recipe.idea, WIDTH), "", story, "", *(["What to expect:", *ranges, ""] if ranges else [])]
    )


@contextmanager
def _progress(name: str) -> Iterator[Any]:
    from headstart.training.clock import progress_bar

    with progress_bar(name) as show:
        yield show


def _keep_request(working: Path, asked: dict[str, Any]) -> None:
    """Remember what was asked for, and refuse to go on with something else."""
    path = working / "request.json"
    if path.is_file() and (before := json.loads(path.read_text("utf-8"))) != asked:
        changed = sorted(key for key in asked if before.get(key) != asked[key])
        raise UserError(
            f"{working} was begun with another {', '.join(changed)}: repeat the first command, or choose another --out"
        )
    waiting = path.with_name(path.name + ".new")
    waiting.write_text(json.dumps(asked), "utf-8")
    os.replace(waiting, path)


def _same(folder: Path, asked: dict[str, Any]) -> RecipeResult:
    """The finished result, where it is what was asked for."""
    results = json.loads((folder / "results.json").read_text("utf-8"))
    changed = sorted(key for key in asked if results.get(key) != asked[key])
    if changed:
        raise UserError(f"{folder} holds a result with another {', '.join(changed)}: choose another --out")
    return RecipeResult(folder, results["says"], results)


def _write(working: Path, recipe: Recipe, found: "Found", results: dict[str, Any]) -> None:
    """The page, and then results.json, whose presence says that all is there."""
    from headstart.report.elements import join
    from headstart.report.page import document, write_page

    headline = _headline(recipe, results)
    write_page(document(f"{recipe.name} – headstart recipe", headline, join(*found.sections)), working / "report.html")
    (working / "results.json").write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _headline(recipe: Recipe, results: dict[str, Any]) -> "Html":
    """What it said first, what was to be shown, and the numbers beside their ranges."""
    from headstart.report import words
    from headstart.report.elements import join, prose, table, tag

    form = "quick form" if results["quick"] else "full form"
    rows = [[name, tag("td", value, class_="number"), told] for name, value, told in _rows(results)]
    facts = f"Seed {results['seed']}, {words.duration(results['seconds'])}, data {results['data_hash'][:12]}."
    return join(
        tag("p", f"{recipe.topic}: {recipe.name}, {form}", class_="kicker"),
        tag("h1", results["says"]),
        prose(recipe.idea),
        *(prose(" ".join(part.split())) for part in recipe.story.split("\n\n")),
        table(["", "found", "expected before it ran"], rows, "What was found, beside what was expected"),
        tag("p", facts, class_="note"),
    )
