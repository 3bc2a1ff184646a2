"""Does a study of labels that mean nothing answer "nothing"? Twenty seeds of drawn cells, their labels shuffled.

Run: ``python benchmarks/bench_nothing.py OUT.jsonl [--seeds 20]``: a minute a seed on two idle cores; prints a line a
seed and a summary as JSON, and goes on where it was stopped.
"""

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

import headstart


def shuffled(seed: int):
    """Drawn cells at 16 pixels, 150 unlabelled and 100 labelled, the labels in a random order."""
    cells = headstart.make_cells(150, 100, size=16, seed=1000 + seed)
    labels = cells.labels.copy()
    labels[cells.labelled] = np.random.default_rng(seed).permutation(labels[cells.labelled])
    return replace(cells, labels=labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "out",
        nargs="?",
        default=Path("runs/bench-nothing.jsonl"),
        type=Path,
        help="a line a seed; seeds that it holds are not run again",
    )
    parser.add_argument("--seeds", type=int, default=20)
    chosen = parser.parse_args()
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    rows = [json.loads(line) for line in chosen.out.open()] if chosen.out.exists() else []
    for seed in sorted(set(range(chosen.seeds)) - {row["seed"] for row in rows}):
        with tempfile.TemporaryDirectory() as folder:
            study = headstart.run_study(
                shuffled(seed),
                protocol=headstart.Protocol(repeats=1, seed=seed),
                run=headstart.Run(Path(folder) / "study"),
            )
        said = study.answer.startswith(("Nothing", "Pretraining adds nothing"))
        detected = any(row.is_gain for row in study.record.comparisons)
        rows.append({"seed": seed, "nothing": said, "detected": detected, "answer": study.answer})
        with chosen.out.open("a") as file:
            file.write(json.dumps(rows[-1]) + "\n")
        print(seed, said, study.answer, flush=True)
    print(json.dumps({"seeds": len(rows)} | {k: sum(row[k] for row in rows) for k in ("nothing", "detected")}))


if __name__ == "__main__":
    main()
