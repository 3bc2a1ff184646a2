"""An approach's name says what is compared; a wrong one is answered by the nearest."""

import pytest

from headstart.errors import UserError
from headstart.study.approaches import DEFAULT, parse_approach, parse_approaches


def test_the_default_approaches_are_those_of_the_protocol_with_eight_baselines_first():
    names = (
        "majority, knn-pixels, linear-pixels, svm-pixels, pca-svm, gaussian-process, untrained+probe, supervised, "
        "autoencoder+probe, denoising+probe, greedy+finetune, simclr+probe, simclr+finetune"
    )
    assert ", ".join(DEFAULT) == names
    assert [a.kind for a in parse_approaches(None)] == ["baseline"] * 8 + ["pretrained"] * 5


@pytest.mark.parametrize("name", ["simclr+knn", "greedy:simclr+finetune", "denoising+svm", "untrained+svm"])
def test_every_method_goes_with_every_head(name):
    method, _, head = name.partition("+")
    found = parse_approach(name)
    assert (found.method, found.head, found.is_network) == (method, head, head == "finetune")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("simclr+prob", "simclr+probe"), ("svm-pixel", "svm-pixels"), ("majorty", "majority"),
     ("untrained+finetune", "untrained"), ("untrained:patches+finetune", "untrained:patches+"),
     ("untrained:small", "untrained:small+"),
     ("supervised:patchs", "patches"), ("untrained:resnet81+probe", "resnet18"),
     ("greedy:simclear+probe", "probe"), ("simclr", "simclr+")],
)  # fmt: skip
def test_a_wrong_name_is_answered_by_the_nearest(name, nearest):
    with pytest.raises(UserError, match=f"did you mean '.*{nearest.replace('+', '[+]')}"):
        parse_approach(name)


def test_a_name_given_twice_counts_once_and_spaces_do_not_matter():
    assert [a.name for a in parse_approaches("majority, simclr+probe,majority")] == ["majority", "simclr+probe"]


@pytest.mark.parametrize("text", ["simclr+probe", "", ","])
def test_without_a_baseline_there_is_nothing_to_compare_with(text):
    with pytest.raises(UserError, match="add a baseline"):
        parse_approaches(text)
