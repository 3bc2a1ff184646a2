"""The stages one by one: pretrain an encoder without labels, embed, put a head on it, classify new images."""

import shutil
from pathlib import Path

from PIL import Image

import headstart
from headstart.reuse.predict import predict
from headstart.reuse.probe import probe

folder = Path("runs/example-04")
shutil.rmtree(folder, ignore_errors=True)
shapes = headstart.make_shapes(600, labelled=200, size=16, seed=0)

headstart.pretrain(shapes, method="simclr", epochs=10, out=folder / "encoder")
h = headstart.embed(folder / "encoder", shapes)
print(f"{len(h)} images became vectors of width {h.shape[1]}")

score = probe(folder / "encoder", shapes, folds=4, repeats=1)
print(f"balanced accuracy {score['balanced_accuracy']:.2f} [{score['low']:.2f}, {score['high']:.2f}]; chance is 0.25")

new = headstart.make_shapes(40, size=16, seed=1)
for i, image in enumerate(new.images):
    Image.fromarray(image).save(folder / f"{i}.png")
rows = predict(folder / "encoder", *(str(folder / f"{i}.png") for i in range(len(new))), out=folder / "new.csv")
truth = {f"{i}.png": new.class_names[label] for i, label in enumerate(new.labels)}
right = sum(truth[Path(row["id"]).name] == row["class_name"] for row in rows)
print(f"{right} of {len(new)} new images right; the least certain one is {rows[0]['id']}")

assert h.shape == (600, h.shape[1])
assert score["balanced_accuracy"] > 0.4
assert right > len(new) * 0.4
