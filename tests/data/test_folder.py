"""Folders of images in every layout that is met in practice."""

import numpy as np
import pytest
from PIL import Image

from headstart.data.load import load
from headstart.errors import UserError

RNG = np.random.default_rng(0)


def draw(path, size=(8, 8), mode="L", text=None):
    """Write an image file, of random pixels or of bytes that are none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if text is not None:
        path.write_bytes(text)
    else:
        shape = size[::-1] if mode == "L" else (*size[::-1], len(mode))
        Image.fromarray(RNG.integers(0, 256, shape, np.uint8)).save(path)


def folder(root, *names, **options):
    for name in names:
        draw(root / name, **options)
    return root


def known(found):
    """Id -> class name or None."""
    return {i: found.class_names[y] if y >= 0 else None for i, y in zip(found.ids, found.labels, strict=True)}


@pytest.mark.parametrize("name", ["unlabelled", "unlabeled", "Unlabelled"])
def test_a_sub_folder_is_a_class_and_one_may_be_unlabelled(tmp_path, name):
    found = load(folder(tmp_path, "dog/1.png", "ant/x/2.png", f"{name}/3.png"))
    assert known(found) == {f"{name}/3.png": None, "dog/1.png": "dog", "ant/x/2.png": "ant"}
    assert found.class_names == ("ant", "dog")
    assert found.splits is None
    assert found.groups is None


def test_a_flat_folder_has_no_labels(tmp_path):
    found = load(str(folder(tmp_path, "b.png", "a.jpg", "c.bmp")))
    assert known(found) == {"a.jpg": None, "b.png": None, "c.bmp": None}
    assert found.class_names == ()


def test_images_beside_class_folders_are_unlabelled_and_noted(tmp_path):
    found = load(folder(tmp_path, "cat/1.png", "loose.png"))
    assert known(found)["loose.png"] is None
    assert found.notes == ("1 images beside the class folders have no label",)


def test_train_and_test_folders_are_the_sources_split(tmp_path):
    found = load(folder(tmp_path, "train/a/1.png", "train/b/1.png", "test/a/9.png", "val/b/1.png", "unlabelled/1.png"))
    assert dict(zip(found.ids, found.splits.tolist(), strict=True)) == {
        "train/a/1.png": "train", "train/b/1.png": "train", "test/a/9.png": "test", "val/b/1.png": "train",
        "unlabelled/1.png": "",
    }  # fmt: skip
    assert known(found)["test/a/9.png"] == "a"
    assert found.class_names == ("a", "b")


def test_a_class_may_be_called_train(tmp_path):
    assert load(folder(tmp_path, "train/1.png", "car/1.png")).class_names == ("car", "train")


def test_hidden_files_and_thumbnails_of_the_system_are_no_images(tmp_path):
    found = load(folder(tmp_path, "a/1.png", "a/._1.png", "__MACOSX/a/1.png", ".cache/2.png"))
    assert found.ids == ("a/1.png",)


def test_links_to_folders_are_followed_once(tmp_path):
    folder(tmp_path / "elsewhere", "1.png")
    root = folder(tmp_path / "root", "cat/1.png")
    (root / "dog").symlink_to(tmp_path / "elsewhere")
    (root / "cat/up").symlink_to(root)
    assert load(root).ids == ("cat/1.png", "dog/1.png")


def test_other_files_are_counted(tmp_path):
    folder(tmp_path, "a/1.png")
    (tmp_path / "a/readme.txt").write_text("x")
    assert load(tmp_path).notes == ("1 files that are not images were ignored (.txt)",)


CSV = "file,label,group,split\nx/1.png,yes,p1,train\nx/2.png,,p2,test\nx/3.png,no,,\n"


@pytest.mark.parametrize(
    "text", [CSV, "\ufeff" + CSV.replace(",", ";"), CSV.upper().replace(".PNG", ".png").replace("X/", "x/")]
)
def test_labels_come_from_a_table_and_what_it_does_not_name_is_unlabelled(tmp_path, text):
    folder(tmp_path, *(f"x/{i}.png" for i in range(1, 5)))
    (tmp_path / "labels.csv").write_text(text, "utf-8")
    found = load(tmp_path)
    assert found.ids == ("x/1.png", "x/2.png", "x/3.png", "x/4.png")
    assert found.labels.tolist() == [1, -1, 0, -1]
    assert [name.lower() for name in found.class_names] == ["no", "yes"]
    assert found.groups.tolist() == [0, 1, -1, -1]
    assert found.splits.tolist() == ["train", "test", "", ""]


def test_files_that_the_table_names_in_vain_are_counted(tmp_path):
    folder(tmp_path, "1.png")
    (tmp_path / "labels.csv").write_text("file,label\n1.png,a\ngone.png,b\n../secret.png,b\n")
    found = load(tmp_path)
    assert found.notes == ("2 files named in labels.csv are missing: gone.png, ../secret.png",)
    assert found.class_names == ("a",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,class\n1.png,a\n", "columns name, class: give file,label"),
        ("", "columns nothing"),
        ("file,label\nother.png,a\n", "none of the 1 files named"),
        ("file,label\n1.png,a\n1.png,b\n", "names 1.png twice"),
        ("file,label,split\n1.png,a,later\n", "split 'later' is unknown"),
        ("file,label\n\n", "none of the 0 files"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tmp_path, text, words):
    folder(tmp_path, "1.png")
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(UserError, match=words) as refusal:
        load(tmp_path)
    assert "\n" not in str(refusal.value)


def test_a_corrupt_image_among_good_ones_is_named_skipped_and_counted(tmp_path):
    folder(tmp_path, "a/1.png", "a/2.png", "b/4.jpg", size=(40, 40))
    draw(tmp_path / "b/3.png", text=b"no image")
    whole = (tmp_path / "a/2.png").read_bytes()
    (tmp_path / "a/2.png").write_bytes(whole[: len(whole) // 2])
    found = load(tmp_path)
    assert known(found) == {"a/1.png": "a", "b/4.jpg": "b"}
    assert found.notes == ("2 of 4 files could not be read and were skipped: a/2.png, b/3.png",)


def test_a_corrupt_image_does_not_decide_the_size_of_the_others(tmp_path):
    folder(tmp_path, "1.png", "2.png", size=(20, 30))
    draw(tmp_path / "3.png", size=(50, 50))
    (tmp_path / "3.png").write_bytes((tmp_path / "3.png").read_bytes()[:100])
    found = load(tmp_path)
    assert found.size == (30, 20)
    assert len(found.notes) == 1


def test_a_class_whose_every_image_is_corrupt_is_still_counted_by_its_name(tmp_path):
    folder(tmp_path, "a/1.png")
    draw(tmp_path / "b/1.png", text=b"")
    assert load(tmp_path).class_names == ("a", "b")


def test_only_corrupt_images_are_an_error(tmp_path):
    draw(tmp_path / "a/1.png", text=b"no image")
    with pytest.raises(UserError, match=r"none of 1 files could be read as an image, the first is a/1\.png"):
        load(tmp_path)


def test_an_empty_folder_and_one_without_images_say_what_was_found(tmp_path):
    with pytest.raises(UserError, match="it is empty"):
        load(tmp_path)
    (tmp_path / "data.npz").write_bytes(b"")
    with pytest.raises(UserError, match=r"it has data\.npz"):
        load(tmp_path)


def test_mixed_sizes_are_fitted_into_the_median_longer_side(tmp_path):
    folder(tmp_path, "a/1.png", size=(20, 10))
    folder(tmp_path, "a/2.png", "a/3.png", size=(12, 16))
    found = load(tmp_path)
    assert found.images.shape == (3, 16, 16, 1)
    assert found.notes[0].startswith("images of 12×16 to 20×10 pixels are fitted into 16×16")


def test_grey_and_colour_files_together_become_colour(tmp_path):
    folder(tmp_path, "a/1.png", mode="L")
    folder(tmp_path, "a/2.png", mode="RGB")
    found = load(tmp_path)
    assert found.channels == 3
    assert "1 grey images" in found.notes[0]
    assert (found.images[0, ..., 0] == found.images[0, ..., 2]).all()


def test_single_files_and_lists_of_them_are_images_without_labels(tmp_path):
    folder(tmp_path, "1.png", "2.png")
    assert load(tmp_path / "1.png").ids == ((tmp_path / "1.png").as_posix(),)
    assert len(load([str(tmp_path / "1.png"), tmp_path / "2.png"])) == 2
    with pytest.raises(UserError, match="there is no file"):
        load([tmp_path / "1.png", tmp_path / "3.png"])


def test_a_row_that_names_no_file_is_refused_and_an_empty_one_is_not(tmp_path):
    folder(tmp_path, "1.png")
    (tmp_path / "labels.csv").write_text("label,file\na,1.png\n,\n")
    assert known(load(tmp_path)) == {"1.png": "a"}
    (tmp_path / "labels.csv").write_text("label,file\na,1.png\nb\n")
    with pytest.raises(UserError, match=r"labels\.csv names no file in line 3"):
        load(tmp_path)
