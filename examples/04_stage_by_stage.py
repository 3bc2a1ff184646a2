"""The stages one by one: pretrain an encoder without labels, embed, put a head on it, classify new images."""

import shutil
from pathlib import Path

import headstart

folder = Path("runs/example-04")
shutil.rmtree(folder, ignore_errors=True)
digits = headstart.load("digits")
known = headstart.load((digits.images[:1500], digits.labels[:1500]))

recipe, run = headstart.Recipe(epochs=5), headstart.Run(folder / "encoder")
bundle = headstart.pretrain(known, method="autoencoder", recipe=recipe, run=run)
h = bundle.embed(known)
print(f"{len(h)} images became vectors of width {h.shape[1]}")

probe = headstart.Probe(bundle)
score = probe.cross_validate(known, folds=4, repeats=1)
print(f"balanced accuracy {score.mean:.2f} [{score.low:.2f}, {score.high:.2f}]; chance is 0.10")
probe.fit(known).save(folder / "classifier")  # for `headstart predict`

new, labels = digits.images[1500:1600], digits.labels[1500:1600]
confidence = probe.predict_proba(new).max(1)
right = int((probe.predict(new) == labels).sum())
print(f"{right} of {len(new)} new images right; the least certain one is number {confidence.argmin()}")

assert h.shape == (1500, h.shape[1])
assert score.mean > 0.8
assert right > 70
