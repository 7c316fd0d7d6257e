"""The page over several data sets: the consensus of each task, and the way to the page of every data set.

Like the page of one comparison it needs no network, no script and nothing beside it; only its links to the pages of
the data sets lead into their folders.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from minimand.workbench.report import plots, ranks, wording
from minimand.workbench.report.page import _environment as environment
from minimand.workbench.report.plots import Row
from minimand.workbench.report.ranks import Ranked
from minimand.workbench.report.style import MARKS, variables
from minimand.workbench.report.wording import Scale, cleaned, scale_of

DUELS = Scale(100.0, 0, "%", "points", 100.0, 0)


def render_several(results: dict[str, Any]) -> str:
    """The report of `minimand compare` over several data sets as one HTML page.

    Args:
        results: the content of results.json, schema 1 of job `compare-several`.

    Raises:
        MissingExtraError: matplotlib or jinja2 is not installed.
        ValueError: the results are of another schema or job.
    """
    if results.get("schema") != 1 or results.get("job") != "compare-several":
        raise ValueError(
            "results must be of schema 1 and job 'compare-several', "
            f"got schema {results.get('schema')!r} and job {results.get('job')!r}"
        )
    results = cleaned(results)
    blocks = [_block(block, number, results) for number, block in enumerate(results["consensus"])]
    page: str = (
        environment()
        .get_template("several.html.j2")
        .render(
            r=results,
            blocks=blocks,
            sets=[one | {"link": f"{quote(one['folder'])}/report.html"} for one in results["sets"]],
            resamples=sum(one["resamples"] for one in results["sets"]),
            light=variables(0),
            dark=variables(1),
        )
    )
    return page


def kind_of(objective: dict[str, Any], alpha: float) -> str:
    """What the test over data sets found against the reference, as a verdict's mark."""
    against = objective["against_reference"]
    if against is None:
        return "reference"
    if against["p_holm"] >= alpha or against["higher"] == against["lower"]:
        return "undecided"
    return "better" if against["higher"] > against["lower"] else "worse"


def _block(block: dict[str, Any], number: int, results: dict[str, Any]) -> dict[str, Any]:
    """A consensus with its drawings and tables."""
    alpha = block["alpha"]
    objectives = [one | {"kind": kind_of(one, alpha)} for one in block["objectives"]]
    titles = {one["slug"]: one["title"] for one in [*objectives, *block["left_out"]]}
    places = {one["slug"]: place for place, one in enumerate(objectives)}
    groups = [[places[slug] for slug in group] for group in block["groups"]]
    members = [one for one in results["sets"] if one["name"] in block["sets"]]
    return {
        **block,
        "ident": f"task-{number}",
        "objectives": objectives,
        "reference_title": titles[block["reference"]],
        "kinds": [kind for kind in MARKS if any(one["kind"] == kind for one in objectives)],
        "members": members,
        "diagram": ranks.critical_difference(
            [Ranked(one["title"], one["kind"], one["mean_rank"]) for one in objectives],
            groups,
            ident=f"ranks-{number}",
            title=f"Mean ranks of {len(objectives)} objectives over {len(block['sets'])} data sets",
            description="; ".join(f"{wording.shorten(one['title'], 60)}: {one['mean_rank']:.1f}" for one in objectives)
            + ". Not shown to differ: "
            + ("; ".join(", ".join(wording.shorten(titles[slug], 40) for slug in g) for g in block["groups"]) or "none")
            + ".",
        ),
        "duels": plots.strip(
            [
                Row(
                    one["title"],
                    one["kind"],
                    tuple(one["borda_by_set"]),
                    one["borda"],
                    (one["borda_interval"][0], one["borda_interval"][1]),
                    _share(one),
                )
                for one in objectives
            ],
            ident=f"duels-{number}",
            title="Share of duels won by each objective, with 95 % intervals over data sets",
            description="; ".join(f"{wording.shorten(one['title'], 60)}: {_share(one)}" for one in objectives) + ".",
            scale=DUELS,
            axis="duels won with the other objectives, % (Borda count)",
            line=0.5,
        ),
        "grid": [_grid_row(one, members) for one in objectives if one["against_reference"] is not None],
        "least": wording.p_value(block["least_p"]),
        "telling": [pair for pair in block["pairs"] if pair["p_holm"] < alpha],
        "titles": titles,
    }


def _share(one: dict[str, Any]) -> str:
    low, high = one["borda_interval"]
    return f"{DUELS.value(one['borda'])} %  [{DUELS.value(low)}, {DUELS.value(high)}]"


def _grid_row(objective: dict[str, Any], members: list[dict[str, Any]]) -> dict[str, Any]:
    """An objective's difference to the reference and its verdict on every data set."""
    cells = []
    for one in members:
        arm = next(arm for arm in one["objectives"] if arm["slug"] == objective["slug"])
        scale = scale_of(one["metric"]["name"])
        cells.append({"verdict": arm["verdict"], "difference": arm["difference"], "text": scale.gap(arm["difference"])})
    return {"title": objective["title"], "kind": objective["kind"], "cells": cells}
