"""A recipe, run: what it is about to show, its numbers beside the ranges they should land in, and a page to look at."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from textwrap import fill, wrap
from typing import TYPE_CHECKING, Any

from headstart.codec import from_json, to_json
from headstart.errors import UserError
from headstart.recipes.catalogue import Recipe, find_recipe, topics

if TYPE_CHECKING:
    from headstart.recipes.work import Found, Ranges, Work
    from headstart.report.elements import Html

WIDTH = 79


@dataclass(frozen=True)
class RecipeRequest:
    """What was asked for; options are those that were given, as texts."""

    recipe: str
    seed: int
    quick: bool
    options: Mapping[str, str]

    def differing(self, other: "RecipeRequest") -> list[str]:
        """Names of the fields in which two requests differ."""
        names = (field.name for field in fields(RecipeRequest))
        return sorted(name for name in names if getattr(self, name) != getattr(other, name))


@dataclass(frozen=True)
class RecipeRecord(RecipeRequest):
    """The content of results.json: what was asked for, the numbers found, and the ranges that were expected of them."""

    data_hash: str
    seconds: float
    metrics: Mapping[str, float]
    expected: Mapping[str, tuple[float, float]]
    says: str

    @property
    def out_of_range(self) -> list[str]:
        """Metrics that are not in the range that was stated before."""
        return [name for name in self.expected if not self.in_range(name)]

    def in_range(self, name: str) -> bool:
        """Whether a metric is in the range that was stated before."""
        low, high = self.expected[name]
        return low <= self.metrics[name] <= high


@dataclass(frozen=True)
class RecipeResult:
    """A finished recipe: its folder and what it found. ``str()`` is what is printed."""

    folder: Path
    record: RecipeRecord

    @classmethod
    def read(cls, folder: Path) -> "RecipeResult":
        """The recipe finished in a folder.

        Raises:
            UserError: its results.json is of another version.
        """
        plain = json.loads((folder / "results.json").read_text("utf-8"))
        return cls(folder, from_json(RecipeRecord, plain, "results.json"))

    @property
    def metrics(self) -> Mapping[str, float]:
        """The numbers by name."""
        return self.record.metrics

    @property
    def missed(self) -> list[str]:
        """Metrics that did not land in the range that was stated before."""
        return self.record.out_of_range

    def __str__(self) -> str:
        rows = [("", "found", "expected"), *_rows(self.record)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c}".rstrip() for a, b, c in rows]
        report = f"{self.folder / 'report.html'}, pictures in {self.folder / 'pictures'}"
        return "\n".join([fill(self.record.says, WIDTH), "", *lines, "", _verdict(self.record), report])


@dataclass(frozen=True)
class RecipeList:
    """Every recipe: its name, the lecture's topic and the idea."""

    recipes: dict[str, tuple[str, str]]

    def __str__(self) -> str:
        lines: list[str] = []
        for name, (topic, idea) in self.recipes.items():
            lines += [f"{name}  ({topic})", *wrap(idea, WIDTH, initial_indent="    ", subsequent_indent="    ")]
        return "\n".join([*lines, "", "`headstart recipe NAME --quick` shows one within three minutes."])


def list_recipes() -> RecipeList:
    """Every recipe there is."""
    return RecipeList(topics())


def run_recipe(
    name: str,
    *,
    quick: bool = False,
    seed: int = 0,
    data_root: str | None = None,
    out: Path | None = None,
    resume: bool = False,
    **options: Any,
) -> RecipeResult:
    """Run a classical experiment and show what it shows.

    Args:
        name: A recipe's name (``list_recipes``).
        quick: The same effect at smaller size, within three minutes on two cores.
        seed: Seed of networks, views and draws.
        data_root: Folder of downloaded data sets; default: the variable HEADSTART_DATA.
        out: Folder for the result; default: runs/NAME, or runs/NAME-quick.
        resume: Continue an interrupted run, or start a new one.
        options: The recipe's own, such as ``faithful=True`` of fashion-to-mnist (docs/recipes.md).

    Returns:
        The result: ``metrics``, ``missed``, ``record`` (the content of results.json), ``folder``.

    Raises:
        UserError: for anything that the caller can mend, in one line.
    """
    recipe = find_recipe(name)
    given = recipe.options(options)
    if given.get("networks", 2) < 2:
        raise UserError(f"--networks {given['networks']}: wanted 2 or more")

    from headstart.recipes.work import Work
    from headstart.training.recipe import check_seed
    from headstart.training.workplace import claim, discard, publish

    check_seed(seed)
    folder = Path(out) if out else Path("runs") / (f"{name}-quick" if quick else name)
    request = RecipeRequest(name, seed, quick, {k: str(v) for k, v in given.items()})
    working = claim(folder, marker="results.json", resume=resume)
    if working is None:
        return _same(folder, request)
    _keep_request(working, request)
    foretold = recipe.foretold(quick=quick, options=given)
    print(_announced(recipe, quick, foretold), flush=True)
    with _progress(name) as progress:
        work = Work(working, quick, seed, data_root, progress)
        found = _found(recipe, work, given)
        expected = foretold if found.expected is None else found.expected
        record = RecipeRecord(
            **vars(request), data_hash=work.data_hash, seconds=round(work.seconds, 1),
            metrics={key: float(value) for key, value in found.metrics.items()},
            expected={key: (float(low), float(high)) for key, (low, high) in expected.items()}, says=found.says,
        )  # fmt: skip
    _write(working, recipe, found, record)
    discard(working / "request.json")
    publish(working, folder, without="parts")
    return RecipeResult(folder, record)


def _found(recipe: Recipe, work: "Work", options: dict[str, Any]) -> "Found":
    """What the recipe found; where a user's mistake ended it before there was anything to resume, no trace is left."""
    from headstart.training.workplace import discard

    try:
        return recipe.run(work, **options)
    except UserError:
        if not (work.folder / "parts").exists():
            discard(work.folder)
        raise


def _rows(record: RecipeRecord) -> Iterator[tuple[str, str, str]]:
    """Name, value, and the range with what became of it."""
    for name, value in record.metrics.items():
        ends = record.expected.get(name)
        expected = "" if ends is None else told(ends)
        yield name, _number(value), expected + ("" if ends is None or record.in_range(name) else ", missed")


def told(ends: Sequence[float]) -> str:
    """A range in words: "0.500 to 1"."""
    return f"{_number(ends[0])} to {_number(ends[1])}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 or float(value).is_integer() else f"{value:.3f}"


def _verdict(record: RecipeRecord) -> str:
    expected, missed = len(record.expected), record.out_of_range
    if not expected:
        return "With these options nothing was foretold."
    if not missed:
        return f"All {expected} numbers that were foretold landed in their range."
    return f"{len(missed)} of {expected} numbers missed their range: {', '.join(missed)}."


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


def _keep_request(working: Path, request: RecipeRequest) -> None:
    """Remember what was asked for, and refuse to go on with something else."""
    path = working / "request.json"
    if path.is_file():
        changed = from_json(RecipeRequest, json.loads(path.read_text("utf-8")), path.name).differing(request)
        if changed:
            raise UserError(
                f"{working} was begun with another {', '.join(changed)}: repeat the first command, or choose another "
                "--out"
            )
    waiting = path.with_name(path.name + ".new")
    waiting.write_text(json.dumps(to_json(request)), "utf-8")
    os.replace(waiting, path)


def _same(folder: Path, request: RecipeRequest) -> RecipeResult:
    """The finished result, where it is what was asked for."""
    result = RecipeResult.read(folder)
    changed = result.record.differing(request)
    if changed:
        raise UserError(f"{folder} holds a result with another {', '.join(changed)}: choose another --out")
    return result


def _write(working: Path, recipe: Recipe, found: "Found", record: RecipeRecord) -> None:
    """The page, and then results.json, whose presence says that all is there."""
    from headstart.report.elements import join
    from headstart.report.page import document, write_page

    headline = _headline(recipe, record)
    write_page(document(f"{recipe.name} – headstart recipe", headline, join(*found.sections)), working / "report.html")
    text = json.dumps(to_json(record), indent=2, ensure_ascii=False) + "\n"
    (working / "results.json").write_text(text, "utf-8")


def _headline(recipe: Recipe, record: RecipeRecord) -> "Html":
    """What it said first, what was to be shown, and the numbers beside their ranges."""
    from headstart.report import words
    from headstart.report.elements import join, prose, table, tag

    form = "quick form" if record.quick else "full form"
    rows = [[name, tag("td", value, class_="number"), told] for name, value, told in _rows(record)]
    facts = f"Seed {record.seed}, {words.duration(record.seconds)}, data {record.data_hash[:12]}."
    return join(
        tag("p", f"{recipe.topic}: {recipe.name}, {form}", class_="kicker"),
        tag("h1", record.says),
        prose(recipe.idea),
        *(prose(" ".join(part.split())) for part in recipe.story.split("\n\n")),
        table(["", "found", "expected before it ran"], rows, "What was found, beside what was expected"),
        tag("p", facts, class_="note"),
    )
