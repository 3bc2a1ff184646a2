"""The sections that state what was found and how: headline, scores, learning curve, views, protocol, versions."""

import numpy as np

from headstart.objectives.catalogue import methods
from headstart.report import charts, words
from headstart.report.elements import Child, Html, bullets, callout, figure, join, prose, section, tag
from headstart.report.pictures import sheet_picture
from headstart.report.score_chart import accuracy_chart, drawn
from headstart.report.scores import ranked, score_table
from headstart.representation.doctor import diagnose
from headstart.study.findings import Findings
from headstart.study.records import StudyRecord


def headline(findings: Findings) -> Html:
    """The answer, the facts that it must be read with, and whatever must not be overlooked."""
    record = findings.record
    return tag(
        "header",
        tag("p", "headstart study of ", tag("b", record.source), class_="kicker"),
        tag("h1", words.unbroken(record.answer)),
        callout("About this data", findings.dataset.notes, "about"),
        callout("Left out or cut short", record.left_out, "warning"),
        tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in _facts(findings)), class_="facts"),
    )


def accuracy(findings: Findings) -> Html:
    """The chart of scores against labels a class."""
    record = findings.record
    columns = record.budgets
    caption = join(
        f"{words.metric(record.metric).capitalize()} of all images tested; bars are 95 % intervals. ",
        tag("span", "Orange", class_="baseline"),
        ": the best baseline; ",
        tag("span", "blue", class_="pretrained"),
        f": the best pretrained approach, both as training-side selection prefers them {words.at_budget(columns[-1])}; "
        "grey: the others.",
        _not_drawn(findings),
    )
    title = "Score against labels a class" if len(columns) > 1 else f"Scores {words.at_budget(columns[0])}"
    return section("accuracy", title, figure(accuracy_chart(record), caption))


def scores(findings: Findings) -> Html:
    """The table of approaches."""
    record = findings.record
    intro = (
        f"Each cell: mean {words.metric(record.metric)} with its 95 % interval, then the difference in points to "
        "the best baseline at that number of labels, image by image, with its interval. One p is a test by itself: of "
        "the approach named at the largest number of labels. The others are corrected for their number; baselines are "
        "described only. Training-side selection chose the approach named in the answer; test scores choose nothing, "
        "so it need not stand first."
    )
    used = {a.saw for a in record.approaches}
    legend = "; ".join(f"{key}: {words.saw(key)}" for key in ("unlabelled", "training", "all", "none") if key in used)
    note = tag("p", f"Saw: what an encoder was shown. {legend}. Time: all splits and budgets together.", class_="note")
    about = prose(_about(record))
    return section("scores", "Every approach", prose(intro), score_table(record), about, note, _meanings(findings))


def _about(record: StudyRecord) -> str:
    """What intervals are about, in a sentence."""
    text, wider = (
        "Intervals are about these fitted models on new inputs",
        dict[tuple[str, tuple[str, ...]], list[str]](),
    )
    for budget in record.budgets:
        scored = [a for a in record.approaches if budget in a.scores]
        there = {a.name: a.scores[budget].about for a in scored}
        for about in dict.fromkeys(there.values()):
            if about != "models":
                but = tuple(name for name, other in there.items() if other != about)
                wider.setdefault((about, but), []).append(words.at_budget(budget))
    for (about, but), places in wider.items():
        text += f"; {' and '.join(places)} also about {words.about(about)}"
        text += f" (not of {', '.join(but)})" if but else ""
    return text + "."


def learning_curve(findings: Findings) -> Html:
    """What twice the labels would bring."""
    curve = findings.learning_curve
    if curve is None:
        return Html()
    chart = figure(
        charts.learning_curve(curve, findings.record.winner, words.metric(findings.record.metric)),
        "Dots: observed. Dashed: a curve fitted to them, with its 95 % band, drawn on past the labels at hand. An "
        "extrapolation assumes that new labels are of the same kind.",
    )
    return section(
        "more-labels", "What twice the labels would bring", tag("p", curve.sentence, class_="finding"), chart
    )


def views(findings: Findings) -> Html:
    """The contact sheet of random views, with why this preset and its dangers."""
    reason = join(tag("b", findings.record.views), f": {findings.views_reason.rstrip('.')}.")
    sheet = findings.view_sheet
    shown = sheet_picture(
        sheet, f"{len(sheet)} images, each followed by {sheet.shape[1] - 1} random views", first_apart=True
    )
    caption = "First in each row: an image. After it: random views that a method is told to treat as the same image."
    warning = callout("These views can erase what a label depends on", findings.cautions, "warning")
    return section("views", "Views", prose(reason), warning, figure(shown, caption) if sheet.size else None)


def reconstructions(findings: Findings) -> Html:
    """Images above what the autoencoder makes of them."""
    if findings.reconstructions is None or not len(findings.reconstructions[0]):
        return Html()
    pairs = np.stack([images[:12] for images in findings.reconstructions])
    strips = [_strip(pairs[:, start : start + 6]) for start in range(0, pairs.shape[1], 6)]
    caption = "Upper: images. Lower: what the autoencoder restores from their vectors; what is lost, they do not hold."
    return section("reconstructions", "Reconstructions", figure(tag("div", *strips, class_="strips"), caption))


def training(findings: Findings) -> Html:
    """The loss of every pretraining: supervised networks and fine-tuning, one a split and budget, keep none."""
    curves = {name: rows for name, rows in findings.curves.items() if rows}
    if not curves:
        return Html()
    caption = "Loss against epochs. Losses of different methods have different units and cannot be compared."
    return section("training", "Training", _verdicts(findings), figure(charts.training_curves(curves), caption))


def _verdicts(findings: Findings) -> Html:
    """What the doctor says of each run, without a label."""
    found = {name: diagnose(rows) for name, rows in findings.health.items() if rows}
    said = [(f"{name}: {verdict}", verdict.against) for name, verdicts in found.items() for verdict in verdicts]
    well = ", ".join(name for name, verdicts in found.items() if not verdicts)
    notes = [text for text, against in said if not against]
    if well:
        notes.append(f"Healthy, as far as can be told without labels: {well}.")
    return join(
        callout("What speaks against a run", [text for text, against in said if against], "warning"), *map(prose, notes)
    )


def protocol(findings: Findings) -> Html:
    """How the figures came about, in words."""
    return section("protocol", "How this was measured", bullets(findings.protocol, "ol"))


def provenance(findings: Findings) -> Html:
    """What is needed to repeat the study: command, hashes, versions."""
    record = findings.record
    rows = [
        ("Command", tag("code", findings.command)),
        ("Data hash", tag("code", record.data_hash)),
        ("Split hash", tag("code", record.split_hash)),
        ("Seed", str(record.seed)),
        ("Versions", ", ".join(f"{name} {version}" for name, version in findings.versions.items())),
    ]
    body = tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in rows), class_="provenance")
    return section("provenance", "To repeat it", body)


def _facts(findings: Findings) -> list[tuple[str, Child]]:
    record = findings.record
    seen = {a.saw for a in record.approaches if a.kind == "pretrained"}
    seconds = findings.seconds or sum(a.seconds for a in record.approaches)
    return [
        ("labelled", f"{record.n_labelled:,}"),
        ("unlabelled", f"{record.n_unlabelled:,}"),
        ("classes", f"{len(record.class_names):,}"),
        ("images", words.shape(findings.dataset.inputs)),
        ("encoders saw", "; ".join(words.saw(key) for key in sorted(seen)) or "no pretrained approach"),
        ("splits", f"{record.folds} folds × {words.count(record.repeats, 'repeat')}"),
        ("seed", str(record.seed)),
        ("wall time", words.duration(seconds)),
    ]


def _not_drawn(findings: Findings) -> str | None:
    """Where the majority class lies when the chart leaves it out."""
    record = findings.record
    hidden = [a for a in record.approaches if a.scores and a not in drawn(record)]
    scored = [words.score(list(a.scores.values())[-1].mean) for a in hidden]
    return f" Always answering the most frequent class scores {scored[0]} and is not drawn." if scored else None


def _meanings(findings: Findings) -> Html:
    known, names = methods(), [a.name for a in ranked(findings.record)]
    lines = [tag("div", tag("dt", name), tag("dd", words.approach(name, known))) for name in names]
    return tag("details", tag("summary", "What the names mean"), tag("dl", *lines, class_="provenance"))


def _strip(pairs: np.ndarray) -> Html:
    return sheet_picture(pairs, f"{pairs.shape[1]} images above their reconstructions")
