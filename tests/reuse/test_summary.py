"""The summary's lines add up to its totals, for encoders of every kind."""

import re

import pytest

from headstart.encoders.build import EncoderSpec, build_encoder
from headstart.encoders.stages import count_parameters
from headstart.reuse.transfer import Transfer


def summary(name, **options):
    encoder = build_encoder(EncoderSpec(name, 1, (16, 16), (0.5,), (0.25,)))
    return encoder, Transfer(encoder, **options).summary(classes=3)


@pytest.mark.parametrize("name", ["small", "lecture_flat", "transformer", "patches", "autoencoder"])
def test_the_lines_add_up_to_the_totals(name):
    encoder, text = summary(name, frozen=())
    counts = [re.findall(r"  ([\d,]+)(?:  +([\d,]+))?$", line)[0] for line in text.splitlines()[2:-4]]
    total, trainable, rest = (int(n.replace(",", "")) for n in re.findall(r": ([\d,]+)", text))
    assert sum(int(a.replace(",", "")) for a, _ in counts) == total == trainable + rest
    assert sum(int(b.replace(",", "") or 0) for _, b in counts) == trainable
    assert total == count_parameters(encoder) + 3 * encoder.dim + 3
    assert trainable == sum(p.numel() for p in encoder.parameters()) + 3 * encoder.dim + 3


def test_what_lies_behind_the_layer_is_not_counted():
    encoder, text = summary("small", layer="stages.0")
    assert "stages.1" not in text
    width = encoder.stages[0][1][0].out_channels * 8 * 8
    total = count_parameters(encoder.stages[0]) + 3 * width + 3
    assert f"Total parameters: {total:,}" in text
    assert f"Not trainable: {count_parameters(encoder.stages[0]):,}" in text


def test_a_layers_line_says_its_shape_and_how_much_of_it_trains():
    _, text = summary("lecture_flat", frozen=["stages.0"])
    frozen, free = (
        next(line.split() for line in text.splitlines() if line.startswith(n)) for n in ("stages.0.1.2", "stages.1.2")
    )
    assert frozen == ["stages.0.1.2", "(BatchNorm2d)", "32×16×16", "128", "0"]
    assert free == ["stages.1.2", "(BatchNorm2d)", "32×16×16", "128", "64"]
