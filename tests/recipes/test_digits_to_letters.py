"""Digits to letters: who is tested on is never learned from, and letters of one's own in any form."""

import gzip

import numpy as np
import pytest
import torch
from PIL import Image

from headstart.errors import UserError
from headstart.recipes import digits_to_letters as recipe
from headstart.recipes.work import Work

PLAN = recipe.Plan(160, 1, (1, 2), 2, ("Greek",))


def alphabet(**changes) -> recipe.Alphabet:
    """Four characters, each drawn once by twelve people."""
    y = np.arange(48) % 4
    given = {"groups": np.arange(48) // 4, "tested": None} | changes
    return recipe.Alphabet("Toy", torch.rand(48, 1, 8, 8), y, **given)


def letters(n: int = 12) -> np.ndarray:
    """Black strokes on white paper: vertical, horizontal, slanted."""
    made = np.full((3 * n, 12, 12), 255, np.uint8)
    made[:n, 2:10, 5:7] = made[n : 2 * n, 5:7, 2:10] = 0
    for i in range(2, 10):
        made[2 * n :, i, i] = 0
    return made - np.random.default_rng(0).integers(0, 40, made.shape, dtype=np.uint8) * (made > 0)


@pytest.mark.parametrize("seed", range(5))
def test_half_of_those_who_drew_are_tested_on_and_the_others_learned_from(seed):
    toy = alphabet()
    train, test = toy.part(seed)
    assert len(set(toy.groups[train])) == len(set(toy.groups[test])) == 6
    assert not set(toy.groups[train]) & set(toy.groups[test])


def test_without_people_each_character_is_halved_and_a_test_set_of_its_own_is_kept():
    train, test = alphabet(groups=None).part(0)
    assert np.bincount(alphabet().y[test]).tolist() == [6] * 4
    assert sorted([*train, *test]) == list(range(48))
    tested = np.arange(48) >= 40
    own = alphabet(tested=tested)
    assert own.part(0)[1].tolist() == list(range(40, 48)) == own.part(1)[1].tolist()
    assert (own.ratio, alphabet().ratio) == (0.0, 1.0)


def test_letters_of_ones_own_in_folders_become_white_on_black(tmp_path):
    for i, image in enumerate(letters()):
        file = tmp_path / "own" / "ABC"[i // 12] / f"{i}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).convert("RGB").save(file)
    own = recipe.own(Work(tmp_path, True, 0), tmp_path / "own", 8)
    assert own.x.shape == (36, 1, 8, 8)
    assert own.x[:, :, 0].median() < 0.2 < 0.4 < own.x.amax((1, 2, 3)).min()
    assert own.y.tolist() == sorted(own.y)


def test_a_toy_run_on_an_idx_file_of_ones_own(toy_digits, tmp_path, monkeypatch):
    monkeypatch.setattr(recipe, "BRIEF", PLAN)
    monkeypatch.setattr(recipe, "STEPS", 15)
    for kind, values in (("images-idx3", letters()), ("labels-idx1", np.repeat([1, 2, 26], 12))):
        head = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes()
        (tmp_path / f"mine-{kind}-ubyte.gz").write_bytes(gzip.compress(head + values.astype(np.uint8).tobytes()))
    found = recipe.run(Work(tmp_path / "out", True, 0), letters=tmp_path / "mine-images-idx3-ubyte.gz")
    assert found.metrics["frozen_accuracy"] > 0.6, "three kinds of strokes are told apart"
    assert found.expected == {}, "nothing is foretold of letters that nobody has seen"
    assert "gain_elsewhere" not in found.metrics


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.zeros(36, int), "has 1 labelled classes"),
        (np.arange(36) // 18 * 0 + (np.arange(36) > 33), "one of 2 images"),
    ],
)
def test_letters_that_cannot_be_parted_are_refused_in_one_line(tmp_path, labels, words):
    np.savez(tmp_path / "own.npz", images=letters(), labels=labels)
    with pytest.raises(UserError, match=words):
        recipe.own(Work(tmp_path, True, 0), tmp_path / "own.npz", 8)


def test_without_omniglot_one_line_says_how_to_bring_it_or_letters(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(UserError, match=r"no omniglot/omniglot28\.npz .*--data-root.*--letters PATH"):
        recipe.omniglot(Work(tmp_path, True, 0, str(tmp_path)), PLAN, 28)


def test_omniglots_latin_letters_and_others(real_data, toy_digits, tmp_path, monkeypatch):
    monkeypatch.setattr(recipe, "STEPS", 40)
    monkeypatch.setattr(recipe, "BRIEF", PLAN)
    work = Work(tmp_path, True, 0, str(real_data))
    latin, greek = recipe.omniglot(work, PLAN, 8)
    assert (len(latin.x), latin.y.max() + 1, len(set(latin.groups))) == (520, 26, 20)
    assert (latin.x[:, :, 0].median(), greek.name, len(set(greek.y))) == (0, "Greek", 24)
    assert not set(latin.groups) & set(greek.groups), "another alphabet was drawn by others"
    found = recipe.run(work)
    assert set(recipe.EXPECTED) <= set(found.metrics)
    assert found.metrics["frozen_accuracy"] > 2 / 26
