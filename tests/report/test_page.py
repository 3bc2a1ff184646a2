"""The page is whole, self-contained and safe, whatever the study had."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from headstart.data.inputs import Images
from headstart.report import maps
from headstart.report.page import page, write_report
from headstart.study.findings import Findings

ALWAYS = {"accuracy", "scores", "confusion", "wrong", "calibration", "map", "views", "protocol", "provenance"}
SOMETIMES = {"more-labels", "unsure", "reconstructions", "training"}


@pytest.fixture(autouse=True)
def _few_points(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maps, "MOST_POINTS", 60)


class Outline(HTMLParser):
    """Collects what is loaded, what is open at the end, and the sections."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.sections: set[str] = set()
        self.words: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self._tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._tags.append(tag)
        self.loaded += [str(given[key]) for key in ("src", "href", "data", "action", "srcset") if key in given]
        if tag == "section":
            self.sections.add(str(given["id"]))
        if tag == "img":
            self.pictures.append(given)

    def handle_data(self, data: str) -> None:
        if self._tags[-1:] not in (["script"], ["style"]):
            self.words.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._tags.append("")


def sections(findings: Findings) -> set[str]:
    return Outline(page(findings)).sections


def test_a_full_study_shows_every_section_the_answer_first(findings: Findings) -> None:
    text = page(findings)
    outline = Outline(text)
    assert outline.sections == ALWAYS | SOMETIMES
    assert text.index("<h1>") < text.index("<section")
    words = " ".join(outline.words)
    for sentence in [*findings.protocol, *findings.cautions, *maps.CAUTIONS, findings.command]:
        assert sentence in words
    assert findings.record.answer in words.replace("\N{NO-BREAK SPACE}", " ")
    assert findings.learning_curve
    assert findings.learning_curve.sentence in words


def test_nothing_is_loaded_from_anywhere(findings: Findings) -> None:
    text = page(findings)
    assert all(address.startswith(("data:image/", "#")) for address in Outline(text).loaded)
    without_code = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert "http://" not in without_code
    assert "https://" not in without_code
    assert "@import" not in without_code
    assert "default-src 'none'" in text


def test_pictures_have_words_for_those_who_cannot_see_them(findings: Findings) -> None:
    text = page(findings)
    assert all(picture["alt"] for picture in Outline(text).pictures)
    assert (
        len(re.findall(r'<svg class="chart" role="img"[^>]*><title>[^<]+</title>', text))
        == text.count('class="chart"')
        == 4
    )


def test_strings_of_the_user_are_text_and_never_markup(findings: Findings) -> None:
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    names = (evil, *findings.record.class_names[1:])
    ids = (evil, *findings.dataset.ids[1:300], evil + "2", *findings.dataset.ids[301:])
    rows = [replace(r, class_name=evil, id=evil + "2" if i == 0 else r.id) for i, r in enumerate(findings.predictions)]
    record = replace(findings.record, class_names=names, source=evil, answer=evil, left_out=(evil,))
    dataset = replace(findings.dataset, ids=ids, class_names=names, source=evil, notes=(evil,))
    text = page(replace(findings, record=record, dataset=dataset, predictions=rows, command=evil, cautions=[evil]))
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_notes_and_what_was_left_out_stand_before_the_first_section(findings: Findings) -> None:
    drawn = "Drawn by make_cells, not photographed."
    record = replace(findings.record, left_out=("greedy+finetune: no time.",))
    noted = replace(findings, dataset=replace(findings.dataset, notes=(drawn,)), record=record)
    top = page(noted).partition("<section")[0]
    assert drawn in top
    assert "greedy+finetune: no time." in top
    assert "Left out" not in page(findings).partition("<section")[0]


def test_one_budget_only(findings: Findings) -> None:
    approaches = tuple(replace(a, scores={"all": a.scores["all"]}) for a in findings.record.approaches)
    comparisons = tuple(c for c in findings.record.comparisons if c.budget == "all")
    record = replace(findings.record, approaches=approaches, comparisons=comparisons)
    assert sections(replace(findings, record=record, learning_curve=None)) == ALWAYS | SOMETIMES - {"more-labels"}


def test_an_approach_that_was_cut_short_lacks_a_budget(findings: Findings) -> None:
    *approaches, last = findings.record.approaches
    approaches[3] = replace(approaches[3], scores={})
    last = replace(last, scores={b: s for b, s in last.scores.items() if b != "all"})
    record = replace(findings.record, approaches=(*approaches, last))
    assert sections(replace(findings, record=record)) == ALWAYS | SOMETIMES


def test_no_unlabelled_images(findings: Findings) -> None:
    d = findings.dataset
    dataset = replace(d, inputs=d.images[:300], labels=d.labels[:300], ids=d.ids[:300])
    record = replace(findings.record, n_unlabelled=0)
    few = replace(findings, dataset=dataset, record=record, predictions=[], vectors=findings.vectors[:300])
    assert sections(few) == ALWAYS | SOMETIMES - {"unsure"}


def test_no_reconstructions_and_no_curves(findings: Findings) -> None:
    bare = replace(findings, reconstructions=None, curves={}, learning_curve=None)
    assert sections(bare) == ALWAYS | {"unsure"}


@pytest.mark.parametrize(("channels", "kind"), [(1, np.uint8), (2, np.uint16), (3, np.uint8), (5, np.float32)])
def test_any_number_of_channels_of_any_kind(findings: Findings, channels: int, kind: type) -> None:
    images = np.repeat(findings.dataset.images, channels, axis=3).astype(kind)
    sheet = np.repeat(findings.view_sheet, channels, axis=4)
    pair = tuple(np.repeat(part, channels, axis=3) for part in findings.reconstructions or ())
    many = replace(
        findings,
        dataset=replace(findings.dataset, inputs=Images(images)),
        view_sheet=sheet,
        reconstructions=(pair[0], pair[1]),
    )
    assert sections(many) == ALWAYS | SOMETIMES


@pytest.mark.parametrize("k", [20, 40])
def test_many_classes(findings: Findings, k: int) -> None:
    labels = np.where(findings.dataset.labels >= 0, np.arange(360) % k, -1)
    names = tuple(f"class {i}" for i in range(k))
    probabilities = np.random.default_rng(0).dirichlet(np.ones(k), 300)
    dataset = replace(findings.dataset, labels=labels, class_names=names)
    request = findings.record.request
    request = replace(request, protocol=replace(request.protocol, ordered_classes=True))
    record = replace(findings.record, class_names=names, request=request)
    many = replace(findings, dataset=dataset, record=record, probabilities=probabilities)
    text = page(many)
    assert Outline(text).sections == ALWAYS | SOMETIMES
    assert "quadratic kappa" in text


def test_a_winner_on_pixels_has_one_map_only(findings: Findings) -> None:
    pixels = findings.dataset.images.reshape(360, -1).astype(np.float32)
    text = page(replace(findings, record=replace(findings.record, winner="svm-pixels"), vectors=pixels))
    assert Outline(text).sections == ALWAYS | SOMETIMES
    assert "representation of" not in text
    assert text.count('data-root-id="') == 1


def test_only_the_images_of_an_official_test_set_are_judged(findings: Findings) -> None:
    probabilities = findings.probabilities.copy()
    probabilities[100:] = np.nan
    assert "100 labelled images, each judged" in page(replace(findings, probabilities=probabilities))


def test_too_few_images_have_no_map_and_no_reliability(findings: Findings) -> None:
    d = findings.dataset
    dataset = replace(d, inputs=d.images[:10], labels=d.labels[:10], ids=d.ids[:10])
    tiny = replace(
        findings,
        dataset=dataset,
        predictions=[],
        vectors=findings.vectors[:10],
        probabilities=findings.probabilities[:10],
    )
    assert {"map", "calibration"}.isdisjoint(sections(tiny))


def test_the_file_appears_whole_and_equals_itself(findings: Findings, tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        write_report(findings, tmp_path / name)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.html", "b.html"]
    texts = [
        re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|p\d{4,}", "", (tmp_path / n).read_text("utf-8"))
        for n in ("a.html", "b.html")
    ]
    assert texts[0] == texts[1]
    assert len(texts[0]) < 4e6


def test_a_write_that_fails_leaves_the_old_report(findings: Findings, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    with pytest.raises(IndexError):
        write_report(replace(findings, record=replace(findings.record, approaches=())), path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
