"""A study of the digits that ship with scikit-learn: three approaches, two budgets, one sentence that answers."""

from pathlib import Path

import headstart

result = headstart.run_study(
    "digits",
    approaches=["majority", "linear-pixels", "autoencoder+probe"],
    protocol=headstart.Protocol(budgets="5,all", folds=4, repeats=1),
    run=headstart.Run(Path("runs/example-01"), resume=True),
)
print(result)

score = result.record.score
assert score("majority", "all").mean < 0.15, "ten balanced classes: chance is 0.1"
assert score("linear-pixels", "all").mean > 0.9, "digits are nearly linear"
assert score("linear-pixels", "5").mean < score("linear-pixels", "all").mean, "more labels help"
assert (result.folder / "report.html").exists()
