"""Every architecture has its own untrained row, and supervised networks are those that fine-tuning began with."""

import pytest

from headstart.errors import UserError
from headstart.study.approaches import parse_approach, parse_approaches
from headstart.study.yardsticks import architecture, with_yardsticks


def rows(text, asked=None):
    """Name -> encoder of what is compared with what is pretrained, in a study of these approaches."""
    compared = with_yardsticks(parse_approaches(text), asked)
    return {a.name: architecture(a.method, compared, asked) for a in compared if a.method.startswith("untrained")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("untrained+probe,cpc+probe,simclr+probe", {"untrained+probe": "small", "untrained:patches+probe": "patches"}),
        ("untrained+svm,mae+probe", {"untrained+svm": "transformer"}),
        ("untrained+probe,rbm+probe,cpc+knn", {"untrained+probe": "dense", "untrained:patches+probe": "patches"}),
        ("untrained+probe,greedy:denoising+probe", {"untrained+probe": "small"}),
        ("untrained+probe,svm-pixels", {"untrained+probe": "small"}),
    ],
)
def test_there_is_one_untrained_row_for_each_architecture_that_was_pretrained(text, expected):
    assert rows(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("supervised,autoencoder+finetune", {"supervised": "autoencoder"}),
        ("supervised,simclr+probe,autoencoder+finetune", {"supervised:autoencoder": "autoencoder"}),
        (
            "supervised,simclr+finetune,autoencoder+finetune",
            {"supervised": "small", "supervised:autoencoder": "autoencoder"},
        ),
        ("supervised,cpc+probe,simclr+probe", {"supervised:patches": "patches", "supervised": "small"}),
        ("supervised,svm-pixels", {"supervised": "small"}),
    ],
)
def test_supervised_networks_have_the_architectures_of_the_fine_tuned_or_else_of_the_pretrained(text, expected):
    assert rows(text) == expected


def test_the_default_study_gains_the_untrained_autoencoder_beside_the_untrained_small_network():
    expected = {"untrained+probe": "small", "untrained:autoencoder+probe": "autoencoder", "supervised": "small"}
    assert rows(None) == expected


def test_an_encoder_that_was_asked_for_is_everybodys():
    asked = rows("untrained+probe,supervised,cpc+probe,autoencoder+finetune", "resnet18")
    assert asked == {"untrained+probe": "resnet18", "supervised": "resnet18"}


def test_a_network_that_was_named_stays_as_it_was_named():
    named = "untrained:mlp+knn,supervised:timm:resnet10t,simclr+probe"
    expected = {"untrained:mlp+knn": "mlp", "supervised:timm:resnet10t": "timm:resnet10t"}
    assert rows(named) == rows(named, "lecture") == expected


def test_no_row_comes_twice_and_the_order_of_all_others_is_kept():
    names = "majority,untrained:patches+probe,untrained+probe,simclr+probe,cpc+probe,svm-pixels"
    found = [a.name for a in with_yardsticks(parse_approaches(names), None)]
    assert found == names.split(",")
    assert with_yardsticks(with_yardsticks(parse_approaches(None), None), None) == with_yardsticks(
        parse_approaches(None), None
    )


@pytest.mark.parametrize("name", ["untrained:patches+probe", "supervised:patches"])
def test_untrained_and_supervised_networks_are_baselines(name):
    assert parse_approach(name).kind == "baseline"


def test_random_weights_are_not_read_from_a_file():
    with pytest.raises(UserError, match=r"write supervised:timm:resnet10t$"):
        parse_approach("supervised:timm:resnet10t@weights.pth")
