"""Parquet with encoded images, as hubs of data sets keep it."""

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from headstart.data.load import load
from headstart.data.table import _Shard
from headstart.errors import UserError

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (4, 8, 8, 3), np.uint8)


def png(pixels):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def write(path, names=("ant", "bee"), rows=slice(None), paths=None, **columns):
    """A shard in the layout of the data hubs."""
    images = [{"bytes": png(p), "path": name} for p, name in zip(PIXELS[rows], paths or [None] * 4, strict=False)]
    features = {"image": {"_type": "Image"}, "kind": {"_type": "ClassLabel", "names": list(names)}}
    table = pa.table({"image": images, "kind": [1, 0, None, 1][rows], **columns})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})}), path)
    return path


def test_images_labels_and_class_names(tmp_path):
    found = load(write(tmp_path / "x.parquet"))
    np.testing.assert_array_equal(found.images, PIXELS)
    assert found.labels.tolist() == [1, 0, -1, 1]
    assert found.class_names == ("ant", "bee")
    assert found.ids == ("x/0", "x/1", "x/2", "x/3")


def test_paths_are_ids_where_they_tell_images_apart(tmp_path):
    assert load(write(tmp_path / "x.parquet", paths=list("abcd"))).ids == ("a", "b", "c", "d")
    assert load(write(tmp_path / "x.parquet", paths=list("abca"))).ids[0] == "x/0"


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary()])
def test_a_plain_column_of_bytes_with_names_as_labels(tmp_path, kind):
    data = pa.array([png(p) for p in PIXELS], kind)
    group = ["p", "p", "q", None]
    pq.write_table(pa.table({"label": ["b", "a", "", None], "png": data, "group": group}), tmp_path / "x.parquet")
    found = load(tmp_path / "x.parquet")
    assert found.labels.tolist() == [1, 0, -1, -1]
    assert found.groups.tolist() == [0, 0, 1, -1]


def test_a_folder_of_shards_is_one_data_set_whose_file_names_say_the_split(tmp_path):
    write(tmp_path / "train-00000-of-00002.parquet", rows=slice(0, 1))
    write(tmp_path / "train-00001-of-00002.parquet", rows=slice(1, 2))
    write(tmp_path / "test-00000-of-00001.parquet", rows=slice(2, 4))
    found = load(tmp_path)
    assert found.splits.tolist() == ["test", "test", "train", "train"]
    np.testing.assert_array_equal(found.images, PIXELS[[2, 3, 0, 1]])
    assert load(tmp_path / "train-00000-of-00002.parquet").splits is None


def test_a_split_column_wins_over_the_files_name(tmp_path):
    found = load(write(tmp_path / "train.parquet", split=["train", "test", "train", "test"]))
    assert found.splits.tolist() == ["train", "test", "train", "test"]


def test_a_corrupt_and_a_missing_image_are_named_and_skipped(tmp_path):
    cells = [png(PIXELS[0]), b"broken", None, png(PIXELS[3])]
    pq.write_table(pa.table({"image": pa.array(cells, pa.binary()), "label": [0, 1, 2, 3]}), tmp_path / "x.parquet")
    found = load(tmp_path / "x.parquet")
    assert found.ids == ("x/0", "x/3")
    assert [found.class_names[y] for y in found.labels] == ["0", "3"]
    assert found.notes == ("2 of 4 files could not be read and were skipped: x/1, x/2",)


def test_a_table_without_images_says_which_columns_it_has(tmp_path):
    pq.write_table(pa.table({"id": ["a"], "label": [1]}), tmp_path / "x.parquet")
    with pytest.raises(UserError, match=r"no column of image bytes, it has id \(string\), label \(int64\)"):
        load(tmp_path / "x.parquet")


def test_a_file_that_is_no_parquet_is_refused(tmp_path):
    (tmp_path / "x.parquet").write_bytes(b"hello")
    with pytest.raises(UserError, match="cannot be read as Parquet"):
        load(tmp_path / "x.parquet")


def test_shards_that_name_different_classes_are_refused(tmp_path):
    write(tmp_path / "a.parquet")
    write(tmp_path / "b.parquet", names=("x", "y"))
    with pytest.raises(UserError, match="name different classes"):
        load(tmp_path)


def test_bytes_are_read_a_row_group_at_a_time(tmp_path, monkeypatch):
    images = [RNG.integers(0, 256, (8, 8), np.uint8) for _ in range(10)]
    table = pa.table({"image": [png(image) for image in images], "label": list(range(10))})
    pq.write_table(table, tmp_path / "x.parquet", row_group_size=4)
    groups, real = [], pq.ParquetFile.read_row_group

    def spy(self, group, *rest, **more):
        groups.append(group)
        return real(self, group, *rest, **more)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", spy)
    shard = _Shard(tmp_path / "x.parquet")
    assert groups == []
    for row in range(10):
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(shard.encoded(row)))), images[row])
    assert groups == [0, 1, 2]
    found = load(tmp_path / "x.parquet")
    np.testing.assert_array_equal(found.images[..., 0], images)
    assert found.labels.tolist() == list(range(10))
