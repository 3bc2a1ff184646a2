"""A bundle gives back exactly the encoder that was saved, says what it is, and holds nothing that could run."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from headstart.errors import UserError
from headstart.representation.bundle import _card_hash, load_bundle
from headstart.representation.card import MethodCard
from headstart.representation.embed import embed
from headstart.representation.pretrain import pretrain
from headstart.training.recipe import Recipe
from headstart.training.run import Run

RNG = np.random.default_rng(0)
SOURCE = {"unlabelled": RNG.integers(0, 256, (40, 16, 16), dtype=np.uint8)}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return pretrain(SOURCE, recipe=Recipe(epochs=2, ema=0.9), run=Run(tmp_path_factory.mktemp("made") / "bundle"))


def test_a_loaded_bundle_embeds_as_the_one_that_was_saved(made):
    again = load_bundle(made.folder)
    assert np.array_equal(embed(made, SOURCE), embed(again, SOURCE))
    assert all(torch.equal(v, again.encoder.state_dict()[k]) for k, v in made.encoder.state_dict().items())


def test_a_bundle_that_is_saved_again_is_the_same_bundle(made, tmp_path):
    load_bundle(made.folder).save(tmp_path / "copy")
    for name in ("card.json", "model.safetensors", "README.md"):
        assert (tmp_path / "copy" / name).read_bytes() == (made.folder / name).read_bytes()


def test_only_safetensors_json_csv_and_a_page_are_in_the_folder(made):
    files = ["README.md", "card.json", "health.csv", "log.csv", "model.safetensors", "views.png"]
    assert sorted(f.name for f in made.folder.iterdir()) == files
    assert all(not f.read_bytes().startswith((b"\x80", b"PK")) for f in made.folder.iterdir())


def test_the_card_says_what_was_learned_how_and_from_what(made):
    card = json.loads((made.folder / "card.json").read_text())
    assert card["method"]["name"] == "simclr"
    assert card["method"]["recipe"]["epochs"] == 2
    assert card["method"]["recipe"]["ema"] == 0.9
    assert card["data"]["n"] == 40
    assert card["saw"] == "all"
    assert set(card["versions"]) >= {"torch", "headstart"}
    assert card["encoder"]["size"] == [16, 16]


def test_the_log_has_a_row_a_step(made):
    lines = (made.folder / "log.csv").read_text().splitlines()
    assert lines[0].startswith("step,epoch,seconds,loss,")
    assert len(lines) - 1 == made.card.method.steps == 4


def test_the_same_seed_pretrains_the_same_encoder_and_another_does_not(made, tmp_path):
    same, other = (pretrain(SOURCE, recipe=Recipe(epochs=2, ema=0.9, seed=s)) for s in (0, 1))
    assert np.array_equal(embed(same, SOURCE), embed(made, SOURCE))
    assert not np.allclose(embed(other, SOURCE), embed(made, SOURCE))


def test_loading_leaves_the_callers_random_state_alone(made):
    before = torch.get_rng_state()
    load_bundle(made.folder)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_bundle_of_a_later_format_asks_for_an_upgrade(made, tmp_path, monkeypatch):
    monkeypatch.setattr("headstart.representation.bundle.FORMAT", 99)
    load_bundle(made.folder).save(tmp_path / "later")
    monkeypatch.undo()
    with pytest.raises(UserError, match="upgrade headstart"):
        load_bundle(tmp_path / "later")


def test_the_card_has_every_hyperparameter_of_the_method(made):
    assert made.card.method.hyperparameters == {"temperature": 0.2, "hidden": 256, "width": 128}


PAGES = {
    "svm-pixels": ("pixels", "none", "it was not trained"),
    "untrained+probe": ("untrained", "none", "the encoder is as it was initialised: it learned from no image"),
    "supervised": ("untrained", "none", "the encoder was trained with labels"),
    "simclr+probe": ("simclr", "all", "the encoder saw all inputs, without labels"),
    "simclr+finetune": ("simclr", "unlabelled", "saw the unlabelled inputs only, and was then fine-tuned with labels"),
}


@pytest.mark.parametrize("approach", PAGES)
def test_the_page_of_a_studys_winner_names_its_approach_and_what_was_trained(made, tmp_path, approach):
    name, saw, said = PAGES[approach]
    winner = load_bundle(made.folder)
    winner.card = replace(winner.card, method=MethodCard(name, approach), saw=saw)
    page = (winner.save(tmp_path / "winner").folder / "README.md").read_text("utf-8")
    assert page.startswith(f"# {approach}, made by headstart\n")
    assert f"- approach: {approach}; " in page
    assert said in page
    assert approach in str(winner)


def test_the_page_of_a_pretrained_encoder_names_its_method(made):
    page = (made.folder / "README.md").read_text("utf-8")
    assert "- method: simclr; the encoder saw all inputs, without labels\n" in page


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda card: card.pop("dim"), r"card.json.dim is missing"),
        (lambda card: card["encoder"].update(channels="one"), r"card.json.encoder.channels is 'one': wanted a whole"),
        (lambda card: card.update(heads=[]), r"unknown key of card.json 'heads': did you mean 'head'"),
        (lambda card: card["method"]["recipe"].update(epochs=0), r"epochs=0: wanted 1 or more"),
        (lambda card: card["method"]["recipe"].update(learning_rate=None), r"learning_rate is None: wanted a number"),
    ],
)
def test_an_odd_card_is_refused_in_one_line_that_names_the_field(made, tmp_path, change, said):
    shutil.copytree(made.folder, tmp_path / "odd")
    card = json.loads((tmp_path / "odd" / "card.json").read_text("utf-8"))
    change(card)
    del card["card_sha256"]
    card["card_sha256"] = _card_hash(card)  # as another program might have written it
    (tmp_path / "odd" / "card.json").write_text(json.dumps(card), "utf-8")
    with pytest.raises(UserError, match=said) as error:
        load_bundle(tmp_path / "odd")
    assert "\n" not in str(error.value)
    assert str(error.value).endswith("make the bundle again")


def test_a_card_is_what_was_saved(made):
    assert load_bundle(made.folder).card == made.card
    assert made.card.method.recipe.epochs == 2
