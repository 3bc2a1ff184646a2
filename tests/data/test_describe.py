"""The description of a source says what a reader must know before trusting a result."""

import numpy as np

from headstart.data.describe import describe
from headstart.data.load import load

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 8, 9), np.uint8)


def test_it_counts_images_classes_groups_and_splits():
    text = describe({
        "images": IMAGES, "labels": ["b", "a", "a", "", "a", "b"], "groups": [1, 1, 2, 2, -1, 3],
        "splits": ["train", "train", "", "", "test", "test"],
    })  # fmt: skip
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines[1] == f"images 6 of 9×8 pixels, 1 channel, uint8, {IMAGES.min()} to {IMAGES.max()}"
    assert lines[2] == "labelled 5; unlabelled 1"
    assert lines[3:5] == ["classes a: 3", "b: 2"]
    assert lines[5:8] == ["groups 3", "splits not given 2, test 2, train 2", "duplicates none"]


def test_it_finds_duplicates_across_labels():
    images = IMAGES.copy()
    images[1] = images[5] = images[0]
    images[3] = images[2]
    text = describe((images, [0, 1, 1, -1, 0, 0]))
    assert "2 images found 5 times in all; 1 both with and without label; 1 with different labels" in text


def test_one_image_with_and_without_a_label_is_no_conflict():
    images = IMAGES.copy()
    images[1] = images[0]
    text = describe((images, [1, -1, 0, 0, 0, 0]))
    assert "1 both with and without label" in text
    assert "different labels" not in text


def test_it_repeats_every_note_and_the_content_hash():
    found = load({"images": IMAGES, "weather": [1]})
    assert found.notes[0] in describe(found)
    assert found.content_hash in describe(found)
