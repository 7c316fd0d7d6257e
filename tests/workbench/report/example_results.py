"""A results.json of `compare` as a real run would write it, from seeded numbers: what the tests of the report read."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

HOSTILE = (
    "<script>alert(1)</script>",
    "</title>",
    "$x_1^2$",
    "n" * 300,
    "🙂 emoji 👩‍👩‍👧",
    "שלום עולם",
    "[bold red]markup[/] \x1b[31mred\x07",
    '"><img src=http://example.org/x.png onerror=alert(1)> & {{ 7*7 }} \u202egnp.exe',
)

OBJECTIVES = (
    # slug, title, gain over cross entropy, defines probabilities, own hyperparameter
    ("cross-entropy", "Cross entropy", 0.0, True, None),
    ("label-smoothing", "Label smoothing", 0.0012, True, "smoothing"),
    ("focal", "Focal loss", -0.0021, True, "gamma"),
    ("gce", "Generalized cross entropy", 0.0128, True, "q"),
    ("poly-1", "Poly-1", 0.0003, True, "epsilon"),
    ("squentropy", "Squentropy", 0.0046, False, None),
    ("comp-sum", "Comp-sum family", 0.0031, True, "tau"),
    ("spherical-z-loss", "Z-loss", -0.0187, False, "scale"),
    ("elr", "Early-learning regularization", 0.0062, True, "strength"),
    ("legendretron", "LegendreTron", -0.0008, True, None),
    ("logit-adjustment", "Logit adjustment", -0.0934, True, "tau"),
    ("bi-tempered", "Bi-tempered logistic", 0.0007, False, "temperature"),
)

METRICS = {
    "accuracy": 0.0,
    "balanced-accuracy": -0.07,
    "macro-f1": -0.055,
    "log-loss": -0.53,
    "brier": -0.64,
    "calibration-error": -0.83,
    "auroc": 0.055,
}


def example_results(
    *, objectives: int = 8, resamples: int = 10, seed: int = 0, classes: int = 2, bins: int = 10, epochs: int = 60
) -> dict[str, Any]:
    """A comparison of so many objectives on so many outer resamples."""
    rng = np.random.default_rng(seed)
    base = 0.853 + 0.004 * rng.standard_normal(resamples)
    arms = [_objective(rng, arm, base, resamples, bins, epochs) for arm in OBJECTIVES[:objectives]]
    best = max(arms[1:], key=lambda arm: arm["mean"])
    confirmation_reference = 0.8525 + 0.004 * rng.standard_normal(resamples)
    confirmation = confirmation_reference + 0.0096 + 0.0035 * rng.standard_normal(resamples)
    gaps = confirmation - confirmation_reference
    half = _half_width(gaps) or 0.004
    gap = float(gaps.mean())
    names = ["<=50K", ">50K"] if classes == 2 else [f"class {k}" for k in range(classes)]
    counts = [24720, 7841] if classes == 2 else [int(n) for n in np.sort(rng.integers(40, 4000, classes))[::-1]]
    return {
        "schema": 1,
        "job": "compare",
        "version": "0.1.0",
        "created": "2026-11-22T09:30:00Z",
        "command": "minimand compare adult.csv --target income --budget 30m --workers 2",
        "data": {
            "name": "adult",
            "path": "adult.csv",
            "sha256": "5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d",
            "rows": sum(counts),
            "target": "income",
            "classes": names,
            "class_counts": counts,
            "features": [
                {"name": "age", "kind": "numeric", "levels": None, "missing": 0},
                {"name": "workclass", "kind": "categorical", "levels": 8, "missing": 1836},
                {"name": "education", "kind": "categorical", "levels": 16, "missing": 0},
                {"name": "education-num", "kind": "numeric", "levels": None, "missing": 0},
                {"name": "occupation", "kind": "categorical", "levels": 14, "missing": 1843},
                {"name": "capital-gain", "kind": "numeric", "levels": None, "missing": 0},
                {"name": "hours-per-week", "kind": "numeric", "levels": None, "missing": 0},
                {"name": "native-country", "kind": "categorical", "levels": 41, "missing": 583},
            ],
            "left_out": [{"column": "id", "reason": "every value occurs once, so it names the row"}],
            "notes": ["4,262 cells were missing; each such column got a level or an indicator of its own."],
            "diagnosis": {
                "duplicate_rows": 24,
                "conflicting_rows": 5,
                "missing_cells": 4262,
                "largest_class_share": max(counts) / sum(counts),
                "imbalance_ratio": max(counts) / min(counts),
                "label_noise": {
                    "suspected": 812,
                    "share": 0.0249,
                    "false_alarm_rate": 0.0172,
                    "method": "Confident learning on 5-fold out-of-fold probabilities; the false-alarm rate is the "
                    "share of rows that the same rule flags when labels are drawn from the model's own probabilities.",
                    "examples": [
                        {
                            "row": 140 + 977 * k,
                            "given": names[k % 2],
                            "suggested": names[1 - k % 2],
                            "probability": 0.991 - 0.004 * k,
                            "values": {"age": str(31 + 3 * k), "education": "Prof-school", "capital-gain": "99999"},
                        }
                        for k in range(4)
                    ],
                },
            },
        },
        "metric": {
            "name": "accuracy",
            "title": "accuracy",
            "higher_is_better": True,
            "why": "The largest class holds less than 80 % of the rows, so that accuracy is not trivial.",
        },
        "decision": {
            "sentence": f"Train with {best['title'].lower()}: on resamples that did not choose it, its accuracy is "
            f"{100 * gap:.2f} points higher than that of well-tuned cross entropy "
            f"(95 % interval {100 * (gap - half):.2f} to {100 * (gap + half):.2f}).",
            "details": [
                f"Of {len(arms) - 1} other objectives, {sum(a['verdict'] == 'better' for a in arms)} are better than "
                "cross entropy.",
                "Gradient boosting reaches 85.10, below the best objective.",
                "Every objective had the same 8 configurations' worth of tuning, on the same folds.",
            ],
            "winner": best["slug"],
            "reference": "cross-entropy",
            "rule": "An objective is better when the corrected resampled t-test against cross entropy, with Holm's "
            "correction at 5 %, rejects and its mean gain exceeds half a point; practically equal when the corrected "
            "90 % interval lies within half a point of zero; else undecided.",
            "rope": 0.005,
            "alpha": 0.05,
            "boosting_wins": False,
            "best": best["slug"],
            "confirmation": {
                "objective": best["slug"],
                "resamples": resamples,
                "difference": gap,
                "interval": [gap - half, gap + half],
                "scores": confirmation.tolist(),
                "reference_scores": confirmation_reference.tolist(),
            },
        },
        "objectives": arms,
        "references": [
            _reference("majority", "Majority class", 0.7592, 0.0002, resamples, rng),
            _reference("logistic-regression", "Logistic regression", 0.8466, 0.004, resamples, rng),
            _reference("gradient-boosting", "Gradient boosting", 0.8510, 0.004, resamples, rng),
        ],
        "not_candidates": [
            {"slug": "zlpr", "title": "ZLPR", "why": "It is for several labels a row; here each row has one."},
            {"slug": "corn", "title": "CORN", "why": "It needs ordered classes; nothing says that these are."},
        ],
        "plan": {
            "resamples": resamples,
            "configurations": 8,
            "confirmation_resamples": resamples,
            "tuning_rows": 10000,
            "training_rows": 26048,
            "max_epochs": 200,
            "batch_size": 128,
            "split": "5-fold cross-validation, stratified by class, repeated twice",
            "budget_seconds": 1800.0,
            "estimated_seconds": 1544.0,
            "notes": ["Tuning used 10,000 of the 26,048 training rows of each resample, to fit the budget."],
            "dropped_resamples": [],
        },
        "trainings": {"count": 8 * resamples * len(arms), "stopped_early": 0.93, "diverged": 3},
        "test_file": None,
        "reproduce": {
            "command": "minimand compare adult.csv --target income --budget 30m --workers 2",
            "config": '[compare]\ndata = "adult.csv"\ntarget = "income"\nbudget = "30m"\nworkers = 2\nrope = 0.005\n',
            "seed": 0,
            "versions": {"python": "3.11.2", "torch": "2.13.0", "numpy": "2.4.0", "minimand": "0.1.0"},
            "processor": "x86_64, 2 cores, 1 thread a training",
            "files": ["train.py", "model/", "ledger.sqlite", "results.json"],
        },
        "timings": {"total_seconds": 1623.4, "workers": 2},
    }


def hostile_results(**options: Any) -> dict[str, Any]:
    """The same, with names that try to leave their place in HTML, SVG, mathtext, the terminal or the layout."""
    results = example_results(objectives=8, classes=len(HOSTILE), **options)
    data = results["data"]
    data["name"], data["target"] = HOSTILE[1], HOSTILE[0]
    data["classes"] = list(HOSTILE)
    for feature, name in zip(data["features"], HOSTILE, strict=True):
        feature["name"] = name
    data["left_out"] = [{"column": name, "reason": name} for name in HOSTILE]
    data["notes"] = list(HOSTILE)
    for example, name in zip(data["diagnosis"]["label_noise"]["examples"], HOSTILE, strict=False):
        example.update(given=name, suggested=HOSTILE[-1], values={name: HOSTILE[-2]})
    for arm, name in zip(results["objectives"], HOSTILE, strict=True):
        arm["title"], arm["why"] = name, name
    results["decision"]["sentence"] = "Undecided: " + " ".join(HOSTILE)
    results["decision"]["details"] = list(HOSTILE)
    results["reproduce"]["config"] = "\n".join(HOSTILE)
    results["reproduce"]["command"] = " ".join(HOSTILE)
    results["reproduce"]["files"] = ["javascript:alert(1)", *HOSTILE]
    return results


def _half_width(gaps: np.ndarray) -> float | None:
    if len(gaps) < 2:
        return None
    return float(2.26 * gaps.std(ddof=1) * (1 / len(gaps) + 0.25) ** 0.5)


def _objective(
    rng: np.random.Generator,
    arm: tuple[str, str, float, bool, str | None],
    base: np.ndarray,
    resamples: int,
    bins: int,
    epochs: int,
) -> dict[str, Any]:
    slug, title, gain, probabilities, own = arm
    reference = slug == "cross-entropy"
    scores = base if reference else base + gain + 0.003 * rng.standard_normal(resamples)
    gaps = scores - base
    difference, half = float(gaps.mean()), _half_width(gaps)
    p = None if reference or half is None else float(0.05 ** (abs(difference) / half))
    p_holm = None if p is None else min(1.0, 4 * p)
    if reference:
        verdict, bayes = "reference", None
    elif half is None:
        verdict, bayes = "undecided", None
    else:
        if p_holm < 0.05 and difference > 0.005:
            verdict = "better"
        elif difference + half < -0.005:
            verdict = "worse"
        elif abs(difference) + 0.8 * half < 0.005:
            verdict = "practically equal"
        else:
            verdict = "undecided"
        better = float(np.clip(0.5 + (difference - 0.005) / (2 * half), 0.001, 0.998))
        worse = float(np.clip(0.5 - (difference + 0.005) / (2 * half), 0.001, 0.999 - better))
        bayes = {"better": better, "equal": 1 - better - worse, "worse": worse}
    metrics: dict[str, Any] = {
        name: {"mean": abs(float(scores.mean()) + shift), "sd": 0.0041} for name, shift in METRICS.items()
    }
    if not probabilities:
        metrics |= dict.fromkeys(("log-loss", "brier", "calibration-error"))
    return {
        "slug": slug,
        "title": title,
        "why": "Offered for two or more classes, and the diagnosis suggests wrong labels.",
        "verdict": verdict,
        "mean": float(scores.mean()),
        "sd": float(scores.std(ddof=1)) if resamples > 1 else None,
        "scores": scores.tolist(),
        "difference": None if reference else difference,
        "interval95": None if reference or half is None else [difference - half, difference + half],
        "interval90": None if reference or half is None else [difference - 0.8 * half, difference + 0.8 * half],
        "p": p,
        "p_holm": p_holm,
        "bayes": bayes,
        "resamples_needed": 34 if verdict == "undecided" and slug != "focal" else None,
        "needs_more_rows": verdict == "undecided" and slug == "focal",
        "metrics": metrics,
        "chosen": [_chosen(rng, own, k, float(scores[k])) for k in range(resamples)],
        "search": {
            "learning_rate": {"low": 1e-4, "high": 1e-2, "scale": "log"},
            "weight_decay": {"low": 1e-6, "high": 1e-2, "scale": "log"},
            **({own: {"low": 0.1, "high": 1.0, "scale": "linear"}} if own else {}),
        },
        "edge_warning": "Its learning rate was chosen at the upper end in 4 of 10 resamples: a wider search may help."
        if slug == "gce"
        else None,
        "trainings": 8 * resamples,
        "stopped_early": 0.90 + 0.01 * (len(slug) % 9),
        "diverged": 0,
        "seconds": 120.0 + 3 * len(slug),
        "curve": _curve(rng, float(scores.mean()), epochs - len(slug) % 7),
        "reliability": _reliability(rng, bins, gain) if probabilities else None,
    }


def _chosen(rng: np.random.Generator, own: str | None, k: int, test: float) -> dict[str, Any]:
    edge = own == "q" and k % 3 == 0
    settings = {"learning_rate": float(10 ** rng.uniform(-4, -2)), "weight_decay": float(10 ** rng.uniform(-6, -2))}
    if own:
        settings[own] = float(rng.uniform(0.1, 1))
    best = int(rng.integers(18, 45))
    return {
        "resample": f"repeat-{k // 5}-fold-{k % 5}",
        "settings": settings,
        "edges": ["learning_rate at its upper end"] if edge else [],
        "validation": test + 0.002,
        "test": test,
        "best_epoch": best,
        "epochs": best + 12,
        "stopped_early": True,
    }


def _curve(rng: np.random.Generator, final: float, epochs: int) -> dict[str, Any]:
    at = np.arange(1, epochs + 1)
    mean = final - 0.09 * np.exp(-at / 5) + 0.0006 * rng.standard_normal(epochs)
    return {
        "epochs": at.tolist(),
        "mean": mean.tolist(),
        "low": (mean - 0.006).tolist(),
        "high": (mean + 0.005).tolist(),
        "loss": (0.31 + 0.3 * np.exp(-at / 6)).tolist(),
    }


def _reliability(rng: np.random.Generator, bins: int, gain: float) -> dict[str, Any]:
    edges = np.linspace(0, 1, bins + 1)
    out = []
    for low, high in pairwise(edges):
        middle = float((low + high) / 2)
        filled = high > 0.5
        accuracy = float(np.clip(middle - 8 * gain * (middle - 0.5) - 0.03 + 0.02 * rng.standard_normal(), 0, 1))
        out.append(
            {
                "low": float(low),
                "high": float(high),
                "count": int(200 + 9000 * middle**6) if filled else 0,
                "confidence": middle if filled else None,
                "accuracy": accuracy if filled else None,
            }
        )
    return {"bins": out}


def _reference(
    name: str, title: str, mean: float, sd: float, resamples: int, rng: np.random.Generator
) -> dict[str, Any]:
    scores = mean + sd * rng.standard_normal(resamples)
    return {
        "name": name,
        "title": title,
        "mean": float(scores.mean()),
        "sd": float(scores.std(ddof=1)) if resamples > 1 else None,
        "scores": scores.tolist(),
        "metrics": {
            key: None if name == "majority" and key == "auroc" else {"mean": abs(mean + shift), "sd": sd}
            for key, shift in METRICS.items()
        },
    }
