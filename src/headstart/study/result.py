"""What a study returns: the answer, the numbers, and where the rest lies."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class StudyResult:
    """A finished study. ``str()`` is what the command line prints."""

    folder: Path
    results: dict[str, Any]

    @classmethod
    def read(cls, folder: Path) -> "StudyResult":
        """The study finished in a folder."""
        return cls(folder, json.loads((folder / "results.json").read_text("utf-8")))

    @property
    def answer(self) -> str:
        """The answer in one sentence."""
        return self.results["answer"]

    @property
    def winner(self) -> Path:
        """The winner's bundle, for ``load_bundle`` and ``headstart predict``."""
        return self.folder / "winner"

    def __getitem__(self, key: str) -> Any:
        return self.results[key]

    def frame(self) -> list[dict[str, Any]]:
        """One row an approach and budget, with the keys of results.json."""
        return [
            {"approach": a["name"], "kind": a["kind"], "saw": a["saw"], "budget": b, "seconds": a["seconds"]}
            | {k: s[k] for k in ("mean", "low", "high", "about", "selection", "n_labels")}
            for a in self.results["approaches"]
            for b, s in a["scores"].items()
        ]

    def __str__(self) -> str:
        last = list(self.results["chosen"])[-1]
        rows = [(a["name"], a["scores"].get(last), a["seconds"]) for a in self.results["approaches"]]
        rows.sort(key=lambda row: -row[1]["mean"] if row[1] else 0)
        width = max(len(name) for name, _, _ in rows)
        where = "all labels" if last == "all" else f"{last} labels a class"
        lines = [self.answer, "", f"{self.results['metric'].replace('_', ' ')} at {where}, with 95 % intervals:"]
        for name, s, seconds in rows:
            shown = f"{s['mean']:.3f} [{s['low']:.3f}, {s['high']:.3f}]" if s else "not measured"
            lines.append(
                f"  {name:<{width}}  {shown}  {seconds:6.0f} s{'  <- named' if name == self.results['winner'] else ''}"
            )
        lines += [f"Left out or cut short: {text}" for text in self.results["left_out"]]
        files = [
            ("report", "report.html"),
            ("classifier", "winner"),
            ("predictions", "predictions.csv"),
            ("numbers", "results.json"),
        ]
        return "\n".join([*lines, "", *(f"{what:<12} {self.folder / name}" for what, name in files)])
