"""The parts of results.json that a consensus looks at, for comparisons that nobody trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minimand.workbench.compare.options import Options
from minimand.workbench.compare.run import Comparison
from minimand.workbench.compare.several import Source, assemble


def compared(
    means: Mapping[str, float],
    *,
    verdicts: Mapping[str, str] | None = None,
    metric: str = "accuracy",
    problem: str = "classification",
    recommended: str = "cross-entropy",
    boosting_wins: bool = False,
    lower_is_better: bool = False,
    name: str = "set",
) -> dict[str, Any]:
    """A comparison with these mean scores; the first objective is the reference."""
    reference = next(iter(means))
    verdicts = dict.fromkeys(means, "undecided") | dict(verdicts or {}) | {reference: "reference"}
    return {
        "schema": 1,
        "job": "compare",
        "data": {"name": name, "path": name, "rows": 500, "features": [{}] * 7, "classes": ["a"], "problem": problem},
        "metric": {"name": metric, "title": metric, "higher_is_better": not lower_is_better},
        "decision": {
            "sentence": f"Stay with {reference}.",
            "winner": None if recommended == reference else recommended,
            "recommended": recommended,
            "reference": reference,
            "boosting_wins": boosting_wins,
        },
        "objectives": [
            {
                "slug": slug,
                "title": slug.replace("-", " ").capitalize(),
                "mean": mean,
                "difference": None if slug == reference else mean - means[reference],
                "interval95": None if slug == reference else [mean - means[reference] + side for side in (-0.01, 0.01)],
                "verdict": verdicts[slug],
            }
            for slug, mean in means.items()
        ],
        "plan": {"resamples": 10},
        "timings": {"total_seconds": 12.0, "workers": 1},
    }


def several(sets: Mapping[str, dict[str, Any]], *, failed: Sequence[dict[str, str]] = ()) -> dict[str, Any]:
    """The results.json over these comparisons."""
    comparisons = {name: Comparison(results, Path(name)) for name, results in sets.items()}
    names = list(sets)
    chosen = Options(data=names[0], more_data=tuple(names[1:]))
    sources = [Source(name, name, bundled=False) for name in names]
    return assemble(chosen, sources, comparisons, list(failed), seconds=1.0)


def example(*, sets: int = 12, objectives: int = 11, seed: int = 0, hostile: bool = False) -> dict[str, Any]:
    """Twelve data sets, eleven objectives: what most of the tests of page and drawing look at."""
    rng = np.random.default_rng(seed)
    known = ["cross-entropy", "gce", "focal", "label-smoothing", "poly-1", "squentropy", "comp-sum", "hinge", "elr"]
    slugs = [*known, *(f"objective-{number}" for number in range(100))][:objectives]
    names = ["digits", "wine", "iris", "breast-cancer", "moons", "phoneme", "adult", "oil-spill", "mammography"]
    names = [*names, *(f"set-{number}" for number in range(100))][:sets]
    if hostile:
        names = [f"<b>{name}</b> $x_1$" for name in names]
    gains = rng.normal(0.0, 0.01, objectives)
    gains[1], gains[-1] = 0.02, -0.06
    found = {}
    for name in names:
        gaps = gains + rng.normal(0.0, 0.01, objectives)
        gaps[0] = 0.0
        means = {slug: 0.8 + gap for slug, gap in zip(slugs, gaps.tolist(), strict=True)}
        verdicts = {slug: _verdict(gap) for slug, gap in zip(slugs, gaps.tolist(), strict=True)}
        found[name] = compared(means, verdicts=verdicts, name=name)
    first = found[names[0]]["objectives"]
    first.append(first[1] | {"slug": "somewhere-only", "title": "Somewhere only"})
    return several(found, failed=[{"name": "bad", "path": "bad.csv", "why": "bad.csv is empty."}])


def _verdict(gap: float) -> str:
    if abs(gap) < 0.003:
        return "practically equal"
    return "better" if gap > 0.015 else "worse" if gap < -0.015 else "undecided"
