"""The report of a comparison: one HTML file that needs no network, no script and nothing beside it.

What a reader wants first stands first: the decision in one sentence, then why it may be believed, then every number.
Each figure has a table of the same numbers under it. All text from the data is made printable (`wording.cleaned`)
before the template sees it, and escaped by the template.
"""

from __future__ import annotations

import functools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from minimand.extras import require
from minimand.workbench.report import evidence, plots, wording
from minimand.workbench.report.plots import Picture, Row
from minimand.workbench.report.style import MARKS, variables
from minimand.workbench.report.wording import NOTHING, Scale, cleaned, metric_title, scale_of

MOST_CURVE_ROWS = 8


@dataclass(frozen=True)
class Panel:
    """One of several small drawings: whose it is, and the SVG."""

    name: str
    verdict: str
    svg: str


def render_compare(results: dict[str, Any]) -> str:
    """The report of `minimand compare` as one self-contained HTML page.

    Args:
        results: the content of results.json, schema 1.

    Raises:
        MissingExtraError: matplotlib or jinja2 is not installed.
        ValueError: the results are of another schema or job.
    """
    if results.get("schema") != 1 or results.get("job") != "compare":
        raise ValueError(
            "results must be of schema 1 and job 'compare', "
            f"got schema {results.get('schema')!r} and job {results.get('job')!r}"
        )
    results = cleaned(results)
    scale = scale_of(results["metric"]["name"])
    table = ranked(results)
    page: str = (
        _environment()
        .get_template("compare.html.j2")
        .render(
            r=results,
            scale=scale,
            unit=f", {scale.unit}" if scale.unit else "",
            gap_unit=f" {scale.gap_unit}" if scale.gap_unit else "",
            table=table,
            kinds=[kind for kind in MARKS if any(row["kind"] == kind for row in table)],
            boosting=boosting_first(results),
            confirmation=_confirmation(results, scale),
            differences=_differences(results, scale),
            scores=_scores(results, table, scale),
            curves=_curves(results, scale),
            curve_rows=[_curve_row(arm) for arm in results["objectives"]],
            reliabilities=_reliabilities(results),
            without_probabilities=[arm["title"] for arm in results["objectives"] if arm["reliability"] is None],
            metrics=_metrics(results, table),
            settings=[_settings(arm) for arm in results["objectives"]],
            class_counts=None if results["data"].get("problem") == "regression" else _class_counts(results),
            reference=results["decision"].get("reference_words", "cross entropy"),
            problem=results["data"].get("problem", "classification"),
            histogram=_target_histogram(results),
            maps=evidence.value_maps(results),
            residuals=evidence.residual_panels(results),
            coverage=evidence.coverage_rows(results),
            labels=evidence.label_rows(results),
            left=_left_objectives(results),
            light=variables(0),
            dark=variables(1),
        )
    )
    return page


def ranked(results: dict[str, Any]) -> list[dict[str, Any]]:
    """Objectives and reference rows in one list, the best mean first; a reference row has the kind `row`."""
    rows = [{**arm, "kind": arm["verdict"], "is_reference_row": False} for arm in results["objectives"]]
    rows += [
        {**row, "kind": "row", "is_reference_row": True, "difference": None, "interval95": None}
        for row in results["references"]
    ]
    direction = -1.0 if results["metric"]["higher_is_better"] else 1.0
    return sorted(rows, key=lambda row: (row["mean"] is None, direction * (row["mean"] or 0.0)))


def boosting_first(results: dict[str, Any]) -> str | None:
    """What is said before the decision when gradient boosting beats every objective, unless the decision says it."""
    decision = results["decision"]
    if not decision["boosting_wins"] or "boosting" in decision["sentence"].lower():
        return None
    boosting = next((row for row in results["references"] if row["name"] == "gradient-boosting"), None)
    objective = next((row for row in ranked(results) if not row["is_reference_row"]), None)
    if boosting is None or objective is None:
        return "Gradient boosting beats every objective here."
    scale, title = scale_of(results["metric"]["name"]), results["metric"]["title"]
    return (
        f"{boosting['title']} beats every objective here: {title} {scale.value(boosting['mean'])} "
        f"against {scale.value(objective['mean'])} for the best of them, {objective['title']}."
    )


@functools.cache
def _environment() -> Any:
    jinja2 = require("jinja2", extra="workbench")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("minimand.workbench.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "count": wording.count,
        "duration": wording.duration,
        "glyph": lambda kind: MARKS[kind].glyph,
        "hue": lambda kind: MARKS[kind].colour,
        "p_value": wording.p_value,
        "plural": wording.plural,
        "setting": wording.setting,
        "share": wording.share,
        "heading": wording.heading,
        "metric_title": metric_title,
        "scale_of": scale_of,
    }
    environment.globals["NOTHING"] = NOTHING
    return environment


# --- figures ----------------------------------------------------------------------------------------------------------


def _gaps(scores: Sequence[float], reference: Sequence[float], metric: dict[str, Any]) -> tuple[float, ...]:
    """Differences as the rule judges them, positive when better; of a relative metric as shares of the reference."""
    sign = 1.0 if metric["higher_is_better"] else -1.0
    unit = 1.0
    if metric.get("relative") and reference and None not in reference:
        unit = statistics.fmean(reference) or 1.0
    return tuple(
        sign * (a - b) / unit for a, b in zip(scores, reference, strict=False) if a is not None and b is not None
    )


def _pair(bounds: Sequence[float] | None) -> tuple[float, float] | None:
    return None if bounds is None else (bounds[0], bounds[1])


def _gap_text(centre: float | None, bounds: Sequence[float] | None, scale: Scale) -> str:
    return scale.gap(centre) + ("" if bounds is None else f"  {scale.interval((bounds[0], bounds[1]))}")


def _reference_scores(results: dict[str, Any]) -> list[float]:
    slug = results["decision"]["reference"]
    return next((arm["scores"] for arm in results["objectives"] if arm["slug"] == slug), [])


def _title_of(results: dict[str, Any], slug: str | None) -> str:
    return next((arm["title"] for arm in results["objectives"] if arm["slug"] == slug), slug or NOTHING)


def _difference_axis(results: dict[str, Any], scale: Scale) -> str:
    unit = f", {scale.gap_unit}" if scale.gap_unit else ""
    against = _title_of(results, results["decision"]["reference"])
    return f"better than {wording.shorten(against, 30).lower()} by{unit}"


def _confirmation(results: dict[str, Any], scale: Scale) -> dict[str, Any] | None:
    found = results["decision"]["confirmation"]
    if found is None:
        return None
    judged, rope = results["metric"], results["decision"]["rope"]
    arm = next((arm for arm in results["objectives"] if arm["slug"] == found["objective"]), None)
    gaps = _gaps(found["scores"], found["reference_scores"], judged)
    text = _gap_text(found["difference"], found["interval"], scale)
    kind = arm["verdict"] if arm else "row"
    rows = [Row("New resamples", kind, gaps, found["difference"], _pair(found["interval"]), text)]
    if arm is not None and arm["difference"] is not None:
        before = _gaps(arm["scores"], _reference_scores(results), judged)
        text = _gap_text(arm["difference"], arm["interval95"], scale)
        rows.append(Row("Resamples that chose it", "row", before, arm["difference"], _pair(arm["interval95"]), text))
    title = _title_of(results, found["objective"])
    picture = plots.strip(
        rows,
        ident="confirmation",
        title=f"Confirmation: {wording.shorten(title, 80)} against the reference on resamples that did not choose it",
        description=f"Practical equivalence: {scale.size(rope)}. " + "; ".join(f"{r.name}: {r.text}" for r in rows),
        scale=scale.of_gaps(),
        axis=_difference_axis(results, scale),
        line=0.0,
        region=rope,
    )
    table = list(zip(found["reference_scores"], found["scores"], gaps, strict=False))
    return {"picture": picture, "title": title, "rows": table}


def _differences(results: dict[str, Any], scale: Scale) -> Picture | None:
    reference, judged = _reference_scores(results), results["metric"]
    arms = [arm for arm in results["objectives"] if arm["difference"] is not None]
    if not arms:
        return None
    arms.sort(key=lambda arm: -arm["difference"])
    rows = [
        Row(
            arm["title"],
            arm["verdict"],
            _gaps(arm["scores"], reference, judged),
            arm["difference"],
            _pair(arm["interval95"]),
            _gap_text(arm["difference"], arm["interval95"], scale),
        )
        for arm in arms
    ]
    return plots.strip(
        rows,
        ident="differences",
        title="Paired differences to the reference, with 95 % intervals",
        description="; ".join(f"{wording.shorten(row.name, 60)}: {row.text}, {row.kind}" for row in rows) + ".",
        scale=scale.of_gaps(),
        axis=_difference_axis(results, scale),
        line=0.0,
        region=results["decision"]["rope"],
    )


def _scores(results: dict[str, Any], table: list[dict[str, Any]], scale: Scale) -> Picture:
    rows = [
        Row(
            row["title"],
            row["kind"],
            tuple(s for s in row["scores"] if s is not None),
            row["mean"],
            None,
            scale.mean_sd(row["mean"], row["sd"]),
        )
        for row in table
    ]
    unit = f", {scale.unit}" if scale.unit else ""
    slug = results["decision"]["reference"]
    return plots.strip(
        rows,
        ident="scores",
        title=f"{results['metric']['title']} of every objective and reference row on each outer resample",
        description="; ".join(f"{wording.shorten(row.name, 60)}: {row.text}" for row in rows) + ".",
        scale=scale,
        axis=f"{results['metric']['title']}{unit}",
        line=next((row["mean"] for row in table if row.get("slug") == slug), None),
    )


def _curves(results: dict[str, Any], scale: Scale) -> list[Panel]:
    arms = [arm for arm in results["objectives"] if arm["curve"] is not None and arm["curve"]["epochs"]]
    if not arms:
        return []
    limits = plots.curve_limits([arm["curve"] for arm in arms], higher_is_better=results["metric"]["higher_is_better"])
    slug = results["decision"]["reference"]
    reference = next((arm["curve"] for arm in arms if arm["slug"] == slug), None)
    panels = []
    for number, arm in enumerate(arms):
        row = _curve_row(arm)
        drawn = plots.learning_curve(
            arm["curve"],
            None if arm["slug"] == slug else reference,
            limits=limits,
            best_epoch=row["best_epoch"],
            kind=arm["verdict"],
            ident=f"curve-{number}",
            title=f"Learning curve of {wording.shorten(arm['title'], 80)}",
            description=f"Validation {results['metric']['title']} by epoch; "
            + ", ".join(f"epoch {epoch}: {scale.value(mean)}" for epoch, mean, *_ in row["at"])
            + ".",
            scale=scale,
        )
        panels.append(Panel(arm["title"], arm["verdict"], drawn))
    return panels


def _curve_row(arm: dict[str, Any]) -> dict[str, Any]:
    """A learning curve at a few epochs that tell its course, for the table under the figure."""
    curve = arm["curve"] or {"epochs": [], "mean": [], "low": [], "high": [], "loss": []}
    wanted = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]
    last = len(curve["epochs"]) - 1
    places = [i for i, epoch in enumerate(curve["epochs"]) if epoch in wanted or i == last][-MOST_CURVE_ROWS:]
    losses = curve["loss"] or [None] * (last + 1)
    best = [c["best_epoch"] for c in arm["chosen"] if c["best_epoch"] is not None]
    return {
        "title": arm["title"],
        "verdict": arm["verdict"],
        "best_epoch": statistics.median(best) if best else None,
        "at": [(curve["epochs"][i], curve["mean"][i], curve["low"][i], curve["high"][i], losses[i]) for i in places],
    }


def _reliabilities(results: dict[str, Any]) -> list[Panel]:
    panels = []
    for number, arm in enumerate(results["objectives"]):
        if arm["reliability"] is None:
            continue
        bins = arm["reliability"]["bins"]
        drawn = plots.reliability(
            bins,
            kind=arm["verdict"],
            ident=f"reliability-{number}",
            title=f"Reliability of {wording.shorten(arm['title'], 80)}",
            description="Accuracy against confidence: "
            + "; ".join(
                f"{100 * b['confidence']:.0f} % sure, {100 * b['accuracy']:.0f} % right, {b['count']} rows"
                for b in bins
                if b["count"]
            )
            + ".",
        )
        panels.append(Panel(arm["title"], arm["verdict"], drawn))
    return panels


def _target_histogram(results: dict[str, Any]) -> Picture | None:
    values = results["data"]["diagnosis"].get("values")
    return None if values is None else evidence.target_histogram(values)


def _class_counts(results: dict[str, Any]) -> Picture:
    data = results["data"]
    classes, counts = data["classes"], data["class_counts"]
    largest, smallest = max(counts), min(counts)
    labels = data.get("problem") == "multi-label"  # of which a row may have several
    return plots.class_counts(
        classes,
        counts,
        ident="classes",
        title=f"Rows of each of the {len(classes)} {'labels' if labels else 'classes'}",
        total=data["rows"] if labels else None,
        description=f"The largest {'label' if labels else 'class'} has {wording.count(largest)} rows, the smallest "
        f"{wording.count(smallest)}.",
    )


# --- tables -----------------------------------------------------------------------------------------------------------


def _metrics(results: dict[str, Any], table: list[dict[str, Any]]) -> dict[str, Any]:
    """All metrics of all rows; in each column the best mean is marked."""
    known = list(wording.METRIC_TITLES)
    names = {name: None for row in table for name in (row["metrics"] or {})}
    # titles are in the order in which they are read; of numbers the metric that decides comes first.
    deciding = results["metric"]["name"]
    columns = sorted(
        names, key=lambda name: (known.index(name) if name in known else len(known), name != deciding, name)
    )
    best: dict[str, float | None] = {}
    for name in columns:
        cells = [(row["metrics"] or {}).get(name) for row in table]
        means = [cell["mean"] for cell in cells if cell is not None and cell["mean"] is not None]
        best[name] = (min if wording.lower_is_better(name) else max)(means) if means else None
    return {"columns": columns, "best": best, "lower": [name for name in columns if wording.lower_is_better(name)]}


def _left_objectives(results: dict[str, Any]) -> dict[str, Any]:
    """Objectives that were not tried, and apart from them, only counted, those for other kinds of targets."""
    found = results["not_candidates"]
    others = [left for left in found if left["why"].startswith("it does not serve")]
    return {
        "shown": [left for left in found if left not in others],
        "others": others,
        "why": others[0]["why"].removeprefix("it does not serve ") if others else "",
    }


def _settings(arm: dict[str, Any]) -> dict[str, Any]:
    """What was searched and what was chosen: by setting the range, the median chosen, its spread, the edges met."""
    names = list(dict.fromkeys([*arm["search"], *(name for chosen in arm["chosen"] for name in chosen["settings"])]))
    rows = []
    for name in names:
        values = [c["settings"][name] for c in arm["chosen"] if c["settings"].get(name) is not None]
        numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
        rows.append(
            {
                "name": name,
                "range": arm["search"].get(name),
                "median": statistics.median(numbers) if numbers else None,
                "lowest": min(numbers, default=None),
                "highest": max(numbers, default=None),
                "at_edge": sum(any(edge.split(" ")[0] == name for edge in c["edges"]) for c in arm["chosen"]),
            }
        )
    return {
        "title": arm["title"],
        "verdict": arm["verdict"],
        "edge_warning": arm["edge_warning"],
        "rows": rows,
        "names": names,
        "chosen": arm["chosen"],
    }
