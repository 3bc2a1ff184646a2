"""What a study returns: the answer, the record, and where the rest lies."""

import json
from dataclasses import dataclass
from pathlib import Path

from headstart.codec import from_json
from headstart.study.records import StudyRecord


@dataclass(frozen=True)
class StudyResult:
    """A finished study. ``str()`` is what the command line prints."""

    folder: Path
    record: StudyRecord

    @classmethod
    def read(cls, folder: Path) -> "StudyResult":
        """The study finished in a folder.

        Raises:
            UserError: its results.json is of another version.
        """
        return cls(folder, from_json(StudyRecord, json.loads((folder / "results.json").read_text("utf-8"))))

    @property
    def answer(self) -> str:
        """The answer in one sentence."""
        return self.record.answer

    @property
    def winner(self) -> Path:
        """The winner's bundle, for ``load_bundle`` and ``headstart predict``."""
        return self.folder / "winner"

    def frame(self) -> list[dict[str, str | int | float | None]]:
        """One row an approach and budget, with the keys of results.json."""
        return [
            {"approach": a.name, "kind": a.kind, "saw": a.saw, "budget": b, "seconds": a.seconds, "mean": s.mean,
             "low": s.low, "high": s.high, "about": s.about, "selection": s.selection, "n_labels": s.n_labels}
            for a in self.record.approaches
            for b, s in a.scores.items()
        ]  # fmt: skip

    def __str__(self) -> str:
        record, last = self.record, self.record.last_budget
        rows = [(a.name, a.scores.get(last), a.seconds) for a in record.approaches]
        rows.sort(key=lambda row: -row[1].mean if row[1] else 0)
        width = max(len(name) for name, _, _ in rows)
        where = "all labels" if last == "all" else f"{last} labels a class"
        lines = [self.answer, "", f"{record.metric.replace('_', ' ')} at {where}, with 95 % intervals:"]
        for name, s, seconds in rows:
            shown = f"{s.mean:.3f} [{s.low:.3f}, {s.high:.3f}]" if s else "not measured"
            lines.append(f"  {name:<{width}}  {shown}  {seconds:6.0f} s{'  <- named' if name == record.winner else ''}")
        lines += [f"Left out or cut short: {text}" for text in record.left_out]
        files = [
            ("report", "report.html"),
            ("classifier", "winner"),
            ("predictions", "predictions.csv"),
            ("numbers", "results.json"),
        ]
        return "\n".join([*lines, "", *(f"{what:<12} {self.folder / name}" for what, name in files)])
