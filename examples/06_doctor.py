"""Is a run any good? Two runs on digits as the doctor sees them: one with a penalty, one with views too weak."""

import shutil
from pathlib import Path

import headstart
from headstart.training.penalties import decorrelation

folder = Path("runs/example-06")
shutil.rmtree(folder, ignore_errors=True)

# A penalty on any layer is one line: here different numbers of h shall not say the same.
method = headstart.Method("simclr").penalised("encoder", decorrelation, 1.0)
recipe = headstart.Recipe(epochs=10)
headstart.pretrain("digits", method=method, recipe=recipe, run=headstart.Run(folder / "good"))
headstart.pretrain("digits", recipe=recipe, views="identity", run=headstart.Run(folder / "weak"))

good, weak = headstart.doctor(folder / "good"), headstart.doctor(folder / "weak")
print(good, weak, sep="\n\n")

assert (good.exit_code, weak.exit_code) == (0, 3)
