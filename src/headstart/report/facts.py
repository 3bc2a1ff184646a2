"""The sections that state what was found and how: headline, scores, learning curve, views, protocol, versions."""

from headstart.objectives.catalogue import methods
from headstart.report import charts, words
from headstart.report.elements import Child, Html, bullets, callout, figure, join, prose, section, tag
from headstart.report.pictures import UNIT, sheet_picture
from headstart.report.scores import best, budgets, score_table
from headstart.study.findings import Findings


def headline(findings: Findings) -> Html:
    """The answer, the facts that it must be read with, and whatever must not be overlooked."""
    results = findings.results
    return tag(
        "header",
        tag("p", "headstart study of ", tag("b", results["source"]), class_="kicker"),
        tag("h1", results["answer"]),
        callout("About this data", list(findings.dataset.notes), "note"),
        callout("Left out or cut short", findings.left_out, "warning"),
        tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in _facts(findings)), class_="facts"),
    )


def accuracy(findings: Findings) -> Html:
    """The chart of scores against labels a class."""
    results = findings.results
    columns = budgets(results)
    low = results.get("metric", "")
    caption = join(
        f"Mean {words.metric(low)} over the test folds; bands are 95 % intervals. ",
        tag("span", "Orange", class_="baseline"),
        ": the best baseline; ",
        tag("span", "blue", class_="pretrained"),
        f": the best pretrained approach, both as training-side selection prefers them {words.at_budget(columns[-1])}; "
        "grey: the others.",
        _beneath(findings) if len(columns) > 1 else None,
    )
    title = "Score against labels a class" if len(columns) > 1 else f"Scores {words.at_budget(columns[0])}"
    return section("accuracy", title, figure(charts.accuracy_chart(results), caption))


def scores(findings: Findings) -> Html:
    """The table of approaches."""
    intro = (
        f"Each cell: mean {words.metric(findings.results['metric'])} with its 95 % interval, then the difference in points to "
        "the best baseline at that number of labels, paired over the same splits, with its interval and Holm-corrected p. "
        "The approach named in the answer is the one that training-side selection prefers; test scores choose nothing, so it "
        "need not stand first."
    )
    used = {a["saw"] for a in findings.results["approaches"]}
    legend = "; ".join(f"{key}: {words.saw(key)}" for key in ("unlabelled", "training", "all", "none") if key in used)
    note = tag(
        "p", f"What an encoder saw before any label. {legend}. Time: all splits and budgets together.", class_="note"
    )
    return section("scores", "Every approach", prose(intro), score_table(findings.results, methods()), note)


def learning_curve(findings: Findings) -> Html:
    """What twice the labels would bring."""
    curve = findings.learning_curve
    if curve is None:
        return Html()
    chart = figure(
        charts.learning_curve(curve, findings.results["winner"]),
        "Dots: observed. Dashed: a curve fitted to them and its 95 % band, drawn on past the labels at hand. An extrapolation "
        "assumes that new labels are of the same kind.",
    )
    return section(
        "more-labels", "What twice the labels would bring", tag("p", curve["sentence"], class_="finding"), chart
    )


def views(findings: Findings) -> Html:
    """The contact sheet of random views, with why this preset and its dangers."""
    reason = join(tag("b", findings.views_name), f": {findings.views_reason.rstrip('.')}.")
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
    rows = [images[:12] for images in findings.reconstructions]
    columns = -(-len(rows[0]) // 2) if len(rows[0]) > 6 else len(rows[0])
    blocks = [join(*(_strip(rows, slice(i, i + columns)))) for i in range(0, len(rows[0]), columns)]
    caption = "Upper: images. Lower: what the autoencoder restores from their short vectors; what is missing, h does not hold."
    return section("reconstructions", "Reconstructions", figure(join(*blocks), caption))


def training(findings: Findings) -> Html:
    """The loss of every training run."""
    curves = {name: rows for name, rows in findings.curves.items() if rows}
    if not curves:
        return Html()
    caption = "Loss against epochs. Losses of different methods have different units and cannot be compared."
    return section("training", "Training", figure(charts.training_curves(curves), caption))


def protocol(findings: Findings) -> Html:
    """How the figures came about, in words."""
    return section("protocol", "How this was measured", bullets(findings.protocol, "ol"))


def provenance(findings: Findings) -> Html:
    """What is needed to repeat the study: command, hashes, versions."""
    results = findings.results
    rows = [
        ("Command", tag("code", findings.command)),
        ("Data hash", tag("code", results["data_hash"])),
        ("Split hash", tag("code", results["split_hash"])),
        ("Seed", str(results["seed"])),
        ("Versions", ", ".join(f"{name} {version}" for name, version in findings.versions.items())),
    ]
    body = tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in rows), class_="provenance")
    return section("provenance", "To repeat it", body)


def _facts(findings: Findings) -> list[tuple[str, Child]]:
    results = findings.results
    seen = {a["saw"] for a in results["approaches"] if a["kind"] == "pretrained"}
    folds = max(len(s["folds"]) for a in results["approaches"] for s in a["scores"].values())
    splits = f"{findings.folds} folds × {findings.repeats}" if findings.folds else words.count(folds, "split")
    seconds = findings.seconds or sum(a["seconds"] for a in results["approaches"])
    return [
        ("labelled", f"{results['n_labelled']:,}"),
        ("unlabelled", f"{results['n_unlabelled']:,}"),
        ("classes", f"{len(results['class_names']):,}"),
        ("images", words.shape(findings.dataset.images)),
        ("encoders saw", "; ".join(words.saw(key) for key in sorted(seen)) or "no pretrained approach"),
        ("splits", splits),
        ("seed", str(results["seed"])),
        ("wall time", words.duration(seconds)),
    ]


def _beneath(findings: Findings) -> str | None:
    """Where the majority class lies, which the chart leaves out to give the rest its room."""
    last = budgets(findings.results)[-1]
    a = next((a for a in findings.results["approaches"] if a["name"] == "majority" and last in a["scores"]), None)
    if a is None or len(findings.results["approaches"]) == 1:
        return None
    return (
        f" Always answering the most frequent class scores {words.score(a['scores'][last]['mean'])} and is not drawn."
    )


def _strip(rows: list, part: slice) -> list[Html]:
    import numpy as np

    pair = np.stack([images[part] for images in rows])
    return [sheet_picture(pair, f"{pair.shape[1]} images above their reconstructions")]
