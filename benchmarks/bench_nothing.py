"""Does a study of labels that mean nothing answer "nothing"? Twenty seeds of drawn cells, their labels shuffled.

Run: ``python benchmarks/bench_nothing.py [--seeds 20] [--approaches …]``; prints a line a seed and a summary as JSON.
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
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--approaches", default=None)
    chosen = parser.parse_args()
    nothing, detected = 0, 0
    for seed in range(chosen.seeds):
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "study"
            study = headstart.run_study(shuffled(seed), approaches=chosen.approaches, repeats=1, seed=seed, out=out)
        said = study.answer.startswith(("Nothing", "Pretraining adds nothing"))
        nothing += said
        detected += any(c["p_holm"] < 0.05 and c["difference"] > 0 for c in study["comparisons"])
        print(seed, said, study.answer, flush=True)
    print(json.dumps({"seeds": chosen.seeds, "nothing": nothing, "any_comparison_detected": detected}))


if __name__ == "__main__":
    main()
