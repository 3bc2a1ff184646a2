"""The transformer is scikit-learn's: cloned, cross-validated, and never shown a row that it is tested on."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from headstart import PretrainedTransformer, load
from headstart.errors import UserError
from headstart.reuse import transformer

RNG = np.random.default_rng(0)
Y = np.arange(24) % 2
X = RNG.integers(0, 90, (24, 16, 16), dtype=np.uint8)
X[Y == 1, 4:12, 4:12] += 120
MORE = RNG.integers(0, 90, (12, 16, 16), dtype=np.uint8)


def quick(**changes):
    return PretrainedTransformer(MORE, method="autoencoder", epochs=2, **changes)


@pytest.fixture
def shown(monkeypatch):
    """Every image that an encoder was trained on, a list a fit."""
    seen, real = [], transformer.fit_encoder

    def spy(method, data, **more):
        seen.append({image.tobytes() for image in (data.rows(slice(None)) * 255).round().byte().numpy()})
        return real(method, data, **more)

    monkeypatch.setattr(transformer, "fit_encoder", spy)
    return seen


def test_parameters_are_kept_and_cloned():
    made = quick(seed=3)
    again = clone(made)
    plain = {k: v for k, v in made.get_params().items() if k != "unlabelled"}
    assert {k: v for k, v in again.get_params().items() if k != "unlabelled"} == plain
    assert np.array_equal(again.unlabelled, MORE)
    assert again.set_params(epochs=7).epochs == 7
    assert plain["epochs"] == 2


def test_in_cross_validation_no_fit_sees_a_row_that_it_is_tested_on(shown):
    folds = list(StratifiedKFold(3, shuffle=True, random_state=0).split(X, Y))
    pipeline = make_pipeline(quick(), LogisticRegression(max_iter=2000))
    scores = cross_val_score(pipeline, X, Y, cv=folds, error_score="raise")
    assert len(scores) == len(shown) == 3
    for seen, (train, test) in zip(shown, folds, strict=True):
        assert not seen & {X[i].tobytes() for i in test}
        assert seen == {image.tobytes() for image in [*X[train], *MORE]}


def test_saw_unlabelled_learns_from_no_row_of_x(shown):
    quick(saw="unlabelled").fit(X)
    assert shown == [{image.tobytes() for image in MORE}]


def test_labels_are_not_looked_at():
    assert np.array_equal(quick().fit(X, Y).transform(X), quick().fit(X, 1 - Y).transform(X))


def test_vectors_are_float32_of_the_promised_width_and_have_names():
    fitted = quick().fit(X)
    h = fitted.transform(X[:3])
    assert h.dtype == np.float32
    assert h.shape == (3, fitted.n_features_out_)
    assert fitted.get_feature_names_out()[0] == "h0"
    assert np.allclose(h, fitted.transform(X)[:3], atol=1e-6)


def test_a_fitted_transformers_bundle_embeds_the_same_after_a_stay_on_disk(tmp_path):
    from headstart import embed

    fitted = quick().fit(X)
    fitted.bundle_.save(tmp_path / "bundle")
    assert np.array_equal(embed(tmp_path / "bundle", X), fitted.transform(X))


def test_it_says_what_is_missing():
    with pytest.raises(NotFittedError):
        quick().transform(X)
    with pytest.raises(UserError, match="give unlabelled="):
        PretrainedTransformer(saw="unlabelled").fit(X)
    with pytest.raises(UserError, match="vectors"):
        PretrainedTransformer(epochs=1).fit(X.reshape(24, -1))


@pytest.mark.parametrize("form", ["path", "dataset", "mapping"])
def test_of_a_whole_source_only_the_images_without_a_label_are_learned_from(shown, tmp_path, form):
    source = {"unlabelled": MORE, "labelled": X, "labels": Y}
    np.savez(tmp_path / "data.npz", **source)
    whole = {"path": tmp_path / "data.npz", "dataset": load(source), "mapping": source}[form]
    quick().set_params(unlabelled=whole).fit(X[:20])
    assert shown == [{image.tobytes() for image in [*MORE, *X[:20]]}]


def test_what_it_cannot_learn_from_is_refused_in_one_line():
    refused = [
        ({"unlabelled": (X, Y)}, X, "no image without a label"),
        ({"method": "supervised"}, X, "learns from labels"),
        ({"method": "greedy:supervised"}, X, "learns from labels"),
        ({"unlabelled": MORE / np.float32(255)}, X, "float32 with 1"),
        ({"unlabelled": np.stack([MORE] * 3, -1)}, X, "uint8 with 3"),
        ({"unlabelled": MORE, "saw": "unlabelled"}, X / 255, "X holds float32"),
    ]
    for changes, images, said in refused:
        with pytest.raises(UserError, match=said) as caught:
            quick().set_params(**changes).fit(images)
        assert "\n" not in str(caught.value)


def test_unlabelled_images_may_be_of_another_size():
    larger = RNG.integers(0, 90, (12, 20, 20), dtype=np.uint8)
    assert quick().set_params(unlabelled=larger).fit(X).transform(X).shape[0] == len(X)


def test_the_card_has_the_hyperparameters_of_the_method():
    card = quick().set_params(method="denoising").fit(X).bundle_.card
    assert card.method.hyperparameters == {"masking": 0.25, "noise": 0.1}
