"""Run every recipe in quick form, one after another, and say which took too long or missed what it foretold."""

import os
import sys
import traceback
from pathlib import Path

import headstart
from headstart.recipes.catalogue import topics

ONE, ALL = 180, 900  # seconds, on two quiet cores


def run_recipes(folder: Path) -> list[str]:
    """What went wrong, a line each. Recipes that are finished in the folder are not run again, their time counts."""
    wrong: list[str] = []
    total = 0.0
    for name in topics():
        try:
            result = headstart.run_recipe(name, quick=True, out=folder / name, resume=True)
        except Exception as error:
            traceback.print_exc()
            wrong.append(f"{name} failed: {type(error).__name__}: {error}")
            continue
        seconds = result.record.seconds
        total += seconds
        print(f"{result}\n{name} took {seconds:.0f} s\n", flush=True)
        wrong += [f"{name} took {seconds:.0f} s, wanted at most {ONE}"] if seconds > ONE else []
        wrong += [f"{name}: {metric} missed its range" for metric in result.missed]
    print(f"all took {total:.0f} s")
    return wrong + ([f"all took {total:.0f} s, wanted at most {ALL}"] if total > ALL else [])


def main(folder: str = "runs/recipes") -> int:
    """The exit code: 0 where nothing went wrong, 1 otherwise."""
    if not os.environ.get("HEADSTART_DATA"):
        print("HEADSTART_DATA is not set: it names the folder of real data, which the recipes need", file=sys.stderr)
        return 1
    wrong = run_recipes(Path(folder))
    print(*(wrong or ["every recipe landed in its ranges, in time"]), sep="\n")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
