"""Is a run any good? Two runs on digits as the doctor sees them: one with a penalty, one with views too weak."""

import shutil
from pathlib import Path

import headstart

folder = Path("runs/example-06")
shutil.rmtree(folder, ignore_errors=True)

# A penalty on any layer is one word: here different numbers of h shall not say the same.
headstart.pretrain("digits", method="simclr", epochs=10, penalty="decorrelation:encoder:1", out=folder / "good")
headstart.pretrain("digits", method="simclr", epochs=10, views="identity", out=folder / "weak")

good, weak = headstart.doctor(folder / "good"), headstart.doctor(folder / "weak")
print(good, weak, sep="\n\n")

assert (good.exit_code, weak.exit_code) == (0, 3)
