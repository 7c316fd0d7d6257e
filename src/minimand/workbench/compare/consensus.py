"""What several data sets say together about objectives: ranks, Borda counts, tests of pairs, wins and losses.

Scores of different data sets are never averaged: their metrics and their difficulty differ. Each data set orders the
objectives, and the orders are put together. Only objectives that were tried on every data set are ranked, since a rank
among others would be another rank; those that were not are listed. Data sets are of one task: an order over
classification and regression would be an order over nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from minimand.evaluation.ranking.kemeny import MOST_SYSTEMS
from minimand.evaluation.ranking.rank_aggregation import borda_ranking, kemeny_ranking
from minimand.workbench.compare.rank_tests import (
    Matrix,
    friedman_test,
    groups_alike,
    least_p,
    nemenyi_difference,
    pairwise_p,
    ranks_of,
)
from minimand.workbench.compare.statistics import holm_adjusted
from minimand.workbench.report.wording import p_value

ALPHA = 0.05
DRAWS = 10_000
"""Samples of the bootstrap over data sets."""
FEW_SETS = 6
"""Below, an interval over data sets is a rough one, and said to be."""

METHOD = (
    "The Borda count is the share of duels that an objective wins: with a random other objective on a random data set, "
    f"equal scores counting half; its 95 % interval is a bootstrap over the data sets ({DRAWS:,} draws). Pairs are "
    "compared by Wilcoxon's signed-rank test over the data sets (exact, zeros by Pratt), with Holm's correction over "
    "all pairs, and not by mean ranks as in Nemenyi's test, whose answer for two objectives depends on which others "
    "took part. The test takes it that a large difference on one data set is comparable to a large one on another, and "
    "that the data sets are a sample of those that matter: chosen ones speak for themselves only."
)

Results = Mapping[str, Any]


def task_of(results: Results) -> str:
    """What kind of target a comparison was about."""
    return str(results["data"].get("problem") or "classification")


def consensuses(compared: Mapping[str, Results], *, seed: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A consensus for each task that has at least two data sets; and the tasks without one, with reasons.

    Args:
        compared: the content of results.json by the name of its data set.
        seed: of the bootstrap.
    """
    tasks: dict[str, dict[str, Results]] = {}
    for name, results in compared.items():
        tasks.setdefault(task_of(results), {})[name] = results
    found, without = [], []
    for task, members in tasks.items():
        shared = _tried_everywhere(members)
        reason = None
        if len(members) < 2:
            reason = "there is one data set of this task"
        elif len({results["decision"]["reference"] for results in members.values()}) > 1:
            reason = "the data sets have different references"
        elif len(shared) < 2:
            reason = "no objective but the reference was tried on every data set"
        if reason is None:
            found.append(consensus(task, members, seed=seed))
        else:
            without.append({"task": task, "sets": list(members), "why": reason})
    return found, without


def consensus(task: str, compared: Mapping[str, Results], *, seed: int) -> dict[str, Any]:
    """The consensus over the data sets of one task, as results.json has it.

    Args:
        task: what kind of target they have.
        compared: the content of results.json by the name of its data set, at least two.
        seed: of the bootstrap.
    """
    reference = str(next(iter(compared.values()))["decision"]["reference"])
    slugs = _tried_everywhere(compared)
    scores = oriented_scores(compared, slugs)
    ranks = ranks_of(scores)
    duels = borda_shares(scores)
    mean_ranks, borda = ranks.mean(1), duels.mean(1)
    intervals, first = bootstrap(duels, seed=seed)
    # by Borda count, which is the order of mean ranks; of equal ones the reference first, then as they were tried.
    order = sorted(range(len(slugs)), key=lambda i: (-round(float(borda[i]), 12), slugs[i] != reference, i))
    kemeny = kemeny_ranking(torch.from_numpy(scores)).ranks.tolist() if len(slugs) <= MOST_SYSTEMS else None
    pairs = _pairs(scores)
    against = _against_reference(compared, slugs, scores, reference)
    friedman = friedman_test(ranks)
    differing = {frozenset(pair) for pair, (_, p_holm) in pairs.items() if p_holm < ALPHA}
    titles = _titles(compared)
    block = {
        "task": task,
        "sets": list(compared),
        "reference": reference,
        "objectives": [
            {
                "slug": slugs[i],
                "title": titles[slugs[i]],
                "mean_rank": float(mean_ranks[i]),
                "ranks": ranks[i].tolist(),
                "borda": float(borda[i]),
                "borda_by_set": duels[i].tolist(),
                "borda_interval": [float(intervals[i, 0]), float(intervals[i, 1])],
                "first": float(first[i]),
                "kemeny_rank": None if kemeny is None else float(kemeny[i]),
                "against_reference": against.get(slugs[i]),
            }
            for i in order
        ],
        "left_out": [
            {
                "slug": slug,
                "title": title,
                "sets": [name for name, results in compared.items() if slug in _means(results)],
            }
            for slug, title in titles.items()
            if slug not in slugs
        ],
        "friedman": {
            "chi_squared": friedman.chi_squared,
            "f": friedman.f if np.isfinite(friedman.f) else None,
            "p": friedman.p,
        },
        "pairs": [
            {"first": slugs[a], "second": slugs[b], "p": p, "p_holm": p_holm} for (a, b), (p, p_holm) in pairs.items()
        ],
        "groups": [[slugs[i] for i in group] for group in groups_alike(order, differing)],
        "least_p": least_p(len(compared)),
        "pairs_can_differ": len(pairs) * least_p(len(compared)) < ALPHA,
        "nemenyi_difference": nemenyi_difference(len(slugs), len(compared), alpha=ALPHA),
        "alpha": ALPHA,
        "boosting_wins": [name for name, results in compared.items() if results["decision"]["boosting_wins"]],
        "method": METHOD,
    }
    return block | {"sentence": sentence_of(block), "details": details_of(block)}


def oriented_scores(compared: Mapping[str, Results], slugs: Sequence[str]) -> Matrix:
    """`(S, T)` mean test scores of these objectives, turned so that higher is better on every data set."""
    columns = []
    for results in compared.values():
        means, sign = _means(results), 1.0 if results["metric"]["higher_is_better"] else -1.0
        columns.append([sign * means[slug] for slug in slugs])
    return np.array(columns, dtype=np.float64).T


def borda_shares(scores: Matrix) -> Matrix:
    """`(S, T)` shares of the other objectives that each beats on each data set, equal ones counting half."""
    most = len(scores) - 1
    columns = [borda_ranking(torch.from_numpy(scores[:, [place]])).points / most for place in range(scores.shape[1])]
    return torch.stack(columns, 1).numpy()


def bootstrap(duels: Matrix, *, seed: int, draws: int = DRAWS) -> tuple[Matrix, Matrix]:
    """95 % intervals `(S, 2)` of mean Borda shares over resampled data sets, and how often each is first `(S,)`."""
    sets = duels.shape[1]
    counts = np.random.default_rng(seed).multinomial(sets, np.full(sets, 1.0 / sets), size=draws)
    means = (counts @ duels.T / sets).round(12)
    best = means == means.max(1, keepdims=True)
    intervals = np.quantile(means, [0.025, 0.975], axis=0).T
    return intervals, (best / best.sum(1, keepdims=True)).mean(0)


def sentence_of(block: Mapping[str, Any]) -> str:
    """The consensus in one sentence; it recommends nothing that the test over data sets does not show."""
    objectives, sets = block["objectives"], len(block["sets"])
    first = objectives[0]
    reference = next(one for one in objectives if one["slug"] == block["reference"])
    over = f"Over {sets} data sets"
    surely = [one for one in objectives if _shown_better(one)]
    if first is reference:
        return f"{over} no objective ranks above {_lower(reference['title'])}: nothing else is the better first choice."
    standing = (
        f"mean rank {first['mean_rank']:.1f} of {len(objectives)}, {_lower(reference['title'])} "
        f"{reference['mean_rank']:.1f}"
    )
    if _shown_better(first):
        rivals = [one for one in surely if one is not first]
        others = f"; so do {', '.join(_lower(one['title']) for one in rivals)}" if rivals else ""
        return (
            f"{over} {_lower(first['title'])} ranks first ({standing}) and scores higher than "
            f"{_lower(reference['title'])} by the test over data sets{others}."
        )
    if surely:
        names = ", ".join(_lower(one["title"]) for one in surely)
        return (
            f"{over} {_lower(first['title'])} ranks first ({standing}), but by the test over data sets only {names} "
            f"scores higher than {_lower(reference['title'])}."
        )
    return (
        f"{over} {_lower(first['title'])} ranks first ({standing}), but no objective is shown to score higher than "
        f"{_lower(reference['title'])}: let the data set at hand decide."
    )


def details_of(block: Mapping[str, Any]) -> list[str]:
    """The sentences under it: what was found against the reference, and how far the tests can see."""
    sets, count = len(block["sets"]), len(block["objectives"])
    reference = next(one for one in block["objectives"] if one["slug"] == block["reference"])
    lines = []
    p = p_value(block["friedman"]["p"])
    shown = "differ" if block["friedman"]["p"] < block["alpha"] else "are not shown to differ"
    lines.append(
        f"The ranks of the {count} objectives {shown} (Friedman's test, p {p if p.startswith('<') else f'= {p}'})."
    )
    worse = [one for one in block["objectives"] if _shown_worse(one)]
    if worse:
        names = ", ".join(one["title"] for one in worse)
        lines.append(f"Lower scores than {_lower(reference['title'])} by the test over data sets: {names}.")
    if not block["pairs_can_differ"]:
        needed = next(number for number in range(sets, 64) if len(block["pairs"]) * least_p(number) < block["alpha"])
        lines.append(
            f"With {sets} data sets not even an objective that won on all of them could be told from another among "
            f"{len(block['pairs'])} pairs: {needed} data sets are needed for that, and fewer for comparisons with "
            f"{_lower(reference['title'])} only."
        )
    if sets < FEW_SETS:
        lines.append(f"Intervals over {sets} data sets are rough.")
    if block["left_out"]:
        left = len(block["left_out"])
        were = "objective was" if left == 1 else "objectives were"
        lines.append(f"{left} {were} tried on some of the data sets only, and not ranked.")
    if block["boosting_wins"]:
        lines.append(
            f"On {len(block['boosting_wins'])} of {sets} data sets gradient boosting beats every objective: "
            f"{', '.join(block['boosting_wins'])}."
        )
    return lines


def _tried_everywhere(compared: Mapping[str, Results]) -> list[str]:
    everywhere = None
    for results in compared.values():
        here = [arm["slug"] for arm in results["objectives"] if arm["mean"] is not None]
        everywhere = here if everywhere is None else [slug for slug in everywhere if slug in here]
    return everywhere or []


def _means(results: Results) -> dict[str, float]:
    return {arm["slug"]: arm["mean"] for arm in results["objectives"] if arm["mean"] is not None}


def _titles(compared: Mapping[str, Results]) -> dict[str, str]:
    return {arm["slug"]: arm["title"] for results in compared.values() for arm in results["objectives"]}


def _pairs(scores: Matrix) -> dict[tuple[int, int], tuple[float, float]]:
    raw = pairwise_p(scores)
    adjusted = holm_adjusted(list(raw.values()))
    return {pair: (p, p_holm) for (pair, p), p_holm in zip(raw.items(), adjusted, strict=True)}


def _against_reference(
    compared: Mapping[str, Results], slugs: Sequence[str], scores: Matrix, reference: str
) -> dict[str, dict[str, Any]]:
    """Each objective against the reference: verdicts of its data sets, and the test over them, Holm over objectives."""
    home = slugs.index(reference)
    raw = pairwise_p(scores)
    others = [i for i in range(len(slugs)) if i != home]
    p_values = [raw[min(i, home), max(i, home)] for i in others]
    found = {}
    for i, p, p_holm in zip(others, p_values, holm_adjusted(p_values), strict=True):
        verdicts = {
            name: next(arm["verdict"] for arm in results["objectives"] if arm["slug"] == slugs[i])
            for name, results in compared.items()
        }
        gaps = scores[i] - scores[home]
        found[slugs[i]] = {
            "verdicts": verdicts,
            "better": sum(verdict == "better" for verdict in verdicts.values()),
            "practically_equal": sum(verdict == "practically equal" for verdict in verdicts.values()),
            "undecided": sum(verdict == "undecided" for verdict in verdicts.values()),
            "worse": sum(verdict == "worse" for verdict in verdicts.values()),
            "recommended": sum(results["decision"]["recommended"] == slugs[i] for results in compared.values()),
            "higher": int((gaps > 1e-12).sum()),
            "lower": int((gaps < -1e-12).sum()),
            "median_rank_gap": float(np.median(ranks_of(scores)[home] - ranks_of(scores)[i])),
            "p": p,
            "p_holm": p_holm,
        }
    return found


def _shown_better(one: Mapping[str, Any]) -> bool:
    against = one["against_reference"]
    return against is not None and against["p_holm"] < ALPHA and against["higher"] > against["lower"]


def _shown_worse(one: Mapping[str, Any]) -> bool:
    against = one["against_reference"]
    return against is not None and against["p_holm"] < ALPHA and against["lower"] > against["higher"]


def _lower(title: str) -> str:
    """A title inside a sentence: names that open with an acronym or a letter and a dash keep their capital."""
    first = title.partition(" ")[0]
    return title if sum(map(str.isupper, first)) > 1 or "-" in first[:2] else title[:1].lower() + title[1:]
