"""Vectors are deterministic, frozen, and written with their ids, labels and class names."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from pyarrow import parquet

from headstart.data.load import load
from headstart.data.pixels import Pixels
from headstart.encoders.build import EncoderSpec
from headstart.errors import UserError
from headstart.representation import frozen
from headstart.representation.bundle import Bundle
from headstart.representation.embed import embed
from headstart.representation.frozen import fingerprint, represent
from headstart.training.fit import untrained_encoder

RNG = np.random.default_rng(0)
ARRAYS = {
    "labelled": RNG.integers(0, 256, (30, 16, 16), dtype=np.uint8), "labels": np.arange(30) % 2,
    "unlabelled": RNG.integers(0, 256, (70, 16, 16), dtype=np.uint8), "class_names": ["round", "split"],
}  # fmt: skip


def bundle():
    spec = EncoderSpec("small", 1, (16, 16), (0.5,), (0.25,))
    return Bundle(untrained_encoder(spec, seed=0), spec, Pixels((16, 16), 1, (0.0,), (255.0,)))


def test_the_same_images_give_the_same_bits_every_time():
    assert np.array_equal(embed(bundle(), ARRAYS), embed(bundle(), ARRAYS))


def test_vectors_do_not_depend_on_the_chunk_they_were_computed_in(monkeypatch):
    x = torch.rand(70, 1, 16, 16)
    whole = represent(bundle().encoder, x)
    monkeypatch.setattr(frozen, "CHUNK", 7)
    assert np.allclose(represent(bundle().encoder, x), whole, atol=1e-6)
    assert np.allclose(represent(bundle().encoder, x.flip(0))[::-1], whole, atol=1e-6)


def test_the_encoder_is_bit_identical_afterwards_even_if_it_was_training():
    encoder = bundle().encoder.train()
    before = fingerprint(encoder)
    represent(encoder, torch.rand(9, 1, 16, 16))
    assert fingerprint(encoder) == before
    assert not encoder.training


def test_a_fingerprint_sees_weights_and_running_statistics():
    encoder = bundle().encoder
    before = fingerprint(encoder)
    encoder.train()(torch.rand(9, 1, 16, 16))
    assert fingerprint(encoder) != before


def test_no_image_gives_no_vector_of_the_right_width():
    given = bundle()
    assert represent(given.encoder, torch.zeros(0, 1, 16, 16)).shape == (0, given.dim)


def test_the_file_holds_ids_fixed_size_vectors_and_labels_that_are_null_where_missing(tmp_path):
    h = embed(bundle(), ARRAYS, out=tmp_path / "new" / "z.parquet")
    table = parquet.read_table(tmp_path / "new" / "z.parquet")
    assert table.column_names == ["id", "h", "label"]
    assert str(table.schema.field("h").type).startswith(f"fixed_size_list<element: float>[{h.shape[1]}]")
    assert table.column("id").to_pylist() == list(load(ARRAYS).ids)
    assert table.column("label").null_count == 70
    assert np.array_equal(np.array(table.column("h").to_pylist(), np.float32), h)
    assert json.loads(table.schema.metadata[b"class_names"]) == ["round", "split"]
    assert [f.name for f in (tmp_path / "new").iterdir()] == ["z.parquet"]


def test_a_folder_is_no_file_to_write(tmp_path):
    with pytest.raises(UserError, match="is a folder, a file name is wanted"):
        embed(bundle(), ARRAYS, out=tmp_path)


def test_a_file_alone_and_among_others_of_other_sizes_gives_the_same_vector(tmp_path):
    sizes = [(12, 20), (16, 16), (40, 10), (100, 100), (5, 9)]
    for i, size in enumerate(sizes):
        Image.fromarray(RNG.integers(0, 256, size, np.uint8)).save(tmp_path / f"{i}.png")
    among = embed(bundle(), tmp_path)
    for i in range(len(sizes)):
        np.testing.assert_allclose(embed(bundle(), tmp_path / f"{i}.png")[0], among[i], atol=1e-6)
    by_hand = [np.asarray(Image.open(tmp_path / f"{i}.png")) for i in range(len(sizes))]
    np.testing.assert_allclose(np.concatenate([bundle().embed(image) for image in by_hand]), among, atol=1e-6)


def test_images_are_embedded_as_they_are_stored_one_or_many():
    images = ARRAYS["unlabelled"]
    many = bundle().embed(images)
    assert many.shape == (70, bundle().dim)
    for alone in (images[3], images[3][..., None], images[3][None]):
        np.testing.assert_allclose(bundle().embed(alone), many[3:4], atol=1e-6)


@pytest.mark.parametrize("use", [lambda b, x: b.embed(x), lambda b, x: embed(b, {"images": x})])
def test_images_of_another_range_or_kind_are_refused_by_one_rule(use):
    for images, reason in (
        (np.zeros((3, 16, 16, 3), np.uint8), "3 channel"),
        (np.full((3, 16, 16), 900, np.uint16), "made for uint8 from 0 to 255"),
        (np.full((3, 16, 16), 3, np.uint8), "made for uint8 from 0 to 255"),
    ):
        with pytest.raises(UserError, match=reason):
            use(bundle(), images)


def test_vectors_are_written_by_parts_in_the_order_of_the_images(tmp_path, monkeypatch):
    monkeypatch.setattr("headstart.representation.embed.ROW_GROUP", 64)
    h = embed(bundle(), ARRAYS, out=tmp_path / "z.parquet")
    assert parquet.ParquetFile(tmp_path / "z.parquet").num_row_groups == 2
    np.testing.assert_array_equal(h, bundle().embed(load(ARRAYS)))
    table = parquet.read_table(tmp_path / "z.parquet").to_pydict()
    assert table["id"] == list(load(ARRAYS).ids)
    assert table["label"] == [None] * 70 + ARRAYS["labels"].tolist()
