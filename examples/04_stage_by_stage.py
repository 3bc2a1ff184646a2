"""The stages one by one: pretrain an encoder without labels, embed, put a head on it, classify new images."""

import shutil
from pathlib import Path

from PIL import Image

import headstart
from headstart.reuse.predict import predict
from headstart.reuse.probe import probe

folder = Path("runs/example-04")
shutil.rmtree(folder, ignore_errors=True)
digits = headstart.load("digits")
known = headstart.load((digits.images[:1500], digits.labels[:1500]))

headstart.pretrain(known, method="autoencoder", epochs=5, out=folder / "encoder")
h = headstart.embed(folder / "encoder", known)
print(f"{len(h)} images became vectors of width {h.shape[1]}")

score = probe(folder / "encoder", known, folds=4, repeats=1, out=folder / "classifier")
print(f"balanced accuracy {score['balanced_accuracy']:.2f} [{score['low']:.2f}, {score['high']:.2f}]; chance is 0.10")

new = {f"{i}.png": str(digits.labels[i]) for i in range(1500, 1600)}
for name in new:
    Image.fromarray(digits.images[int(name.removesuffix(".png")), :, :, 0]).save(folder / name)
rows = predict(folder / "classifier", *(str(folder / name) for name in new), out=folder / "new.csv")
right = sum(new[Path(row.id).name] == row.class_name for row in rows)
print(f"{right} of {len(new)} new images right; the least certain one is {rows[0].id}")

assert h.shape == (1500, h.shape[1])
assert score["balanced_accuracy"] > 0.8
assert right > 70
