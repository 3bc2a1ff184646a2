"""Both maps show the same points, each with its own look and its picture."""

from dataclasses import replace

import numpy as np

from headstart.report import maps
from headstart.report.plane import Map
from headstart.study.findings import Findings


def columns(findings: Findings, chosen: np.ndarray) -> dict:
    places = np.zeros((len(chosen), 2), np.float32)
    return maps._columns(findings, chosen, [Map("a", places, 0.0, 0.0, 0.0), Map("b", places + 1, 0.0, 0.0, 0.0)])


def test_every_point_has_a_place_in_both_maps_and_a_picture(findings: Findings) -> None:
    found = columns(findings, np.array([0, 299, 300]))
    assert {"x0", "y0", "x1", "y1"} <= set(found)
    assert {len(values) for values in found.values()} == {3}
    assert all(uri.startswith("data:image/webp;base64,") for uri in found["image"])


def test_unlabelled_points_are_grey_and_say_what_was_predicted(findings: Findings) -> None:
    found = columns(findings, np.array([0, 300]))
    assert found["colour"] == [maps.COLOURS[0], maps.GREY]
    assert found["class"] == ["digit 0", f"unlabelled, predicted {findings.predictions[0].class_name}"]


def test_the_looks_of_twenty_classes_differ(findings: Findings) -> None:
    labels = np.where(np.arange(360) < 300, np.arange(360) % 20, -1)
    record = replace(findings.record, class_names=tuple(f"class {k}" for k in range(20)))
    found = columns(replace(findings, dataset=replace(findings.dataset, labels=labels), record=record), np.arange(20))
    assert len(set(zip(found["colour"], found["marker"], strict=True))) == 20


def test_labelled_points_lie_on_top(findings: Findings, monkeypatch) -> None:
    seen: list[np.ndarray] = []
    monkeypatch.setattr(maps, "_linked", lambda f, chosen, m: seen.append(chosen) or maps.Html())
    monkeypatch.setattr(maps, "draw", lambda name, vectors, labels: Map(name, vectors[:, :2], 0.5, 0.5, 0.5))
    maps.map_section(findings)
    labels = findings.dataset.labels[seen[0]]
    assert (np.diff((labels >= 0).astype(int)) >= 0).all()
