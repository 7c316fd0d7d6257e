from __future__ import annotations

from minimand.workbench.compare.decide import confirm, decide
from minimand.workbench.compare.sentence import Findings, decision_sentence, details

BASE = [0.80, 0.81, 0.79, 0.80, 0.82, 0.80, 0.78, 0.81, 0.80, 0.79]
TITLES = {"cross-entropy": "Cross entropy", "gce": "Generalized cross entropy", "elr": "Z-loss"}


def findings(gain: list[float], again: list[float], *, boosting: float = 0.5) -> Findings:
    scores = {"cross-entropy": BASE, "gce": [b + g for b, g in zip(BASE, gain, strict=True)]}
    decision = decide(scores, reference="cross-entropy", test_train_ratio=0.25)
    confirmation = confirm([b + g for b, g in zip(BASE, again, strict=True)], BASE, test_train_ratio=0.25)
    means = {name: sum(values) / 10 for name, values in scores.items()}
    references = {"majority": 0.5, "gradient-boosting": boosting}
    return Findings(decision, confirmation, "accuracy", "accuracy", TITLES, means, references, True, boosting > 0.85)


CLEAR = [0.030, 0.031, 0.029, 0.030, 0.032, 0.028, 0.030, 0.031, 0.029, 0.030]
SMALLER = [g - 0.01 for g in CLEAR]
WILD = [0.05, -0.05, 0.02, -0.04, 0.03, 0.02, -0.05, 0.05, -0.02, 0.03]
NOTHING = [0.0] * 10


def test_a_confirmed_winner_is_recommended_with_the_figure_that_did_not_choose_it():
    found = findings(CLEAR, SMALLER)
    sentence = decision_sentence(found)
    assert sentence.startswith("Train with generalized cross entropy: +2.00 points of accuracy, 95 % interval [")
    assert "+3.00" not in sentence
    assert found.recommended == "gce"


def test_the_objective_that_is_confirmed_named_and_recommended_is_one():
    wild = [g + w for g, w in zip(SMALLER, [0.3, -0.2, 0.2, -0.1, 0.1, -0.2, 0.3, -0.1, 0.0, 0.1], strict=True)]
    scores = {
        "cross-entropy": BASE,
        "gce": [b + g for b, g in zip(BASE, SMALLER, strict=True)],
        "elr": [b + g for b, g in zip(BASE, wild, strict=True)],
    }
    decision = decide(scores, reference="cross-entropy", test_train_ratio=0.25)
    assert (decision.winner, decision.best, decision.nominee) == ("gce", "elr", "gce")
    confirmation = confirm(scores["gce"], BASE, test_train_ratio=0.25)
    means = {name: sum(values) / 10 for name, values in scores.items()}
    found = Findings(decision, confirmation, "accuracy", "accuracy", TITLES, means, {}, True, False)
    assert found.recommended == "gce"
    assert decision_sentence(found).startswith("Train with generalized cross entropy: +2.00")


def test_a_budget_that_ended_before_the_confirmation_recommends_nothing_new():
    decision = findings(CLEAR, CLEAR).decision
    found = Findings(decision, None, "accuracy", "accuracy", TITLES, {}, {}, True, False)
    assert found.recommended == "cross-entropy"
    assert "the budget ended before the gain of generalized cross entropy" in decision_sentence(found)


def test_a_winner_that_is_not_confirmed_is_not_recommended():
    found = findings(CLEAR, WILD)
    assert decision_sentence(found).startswith("Stay with cross entropy: generalized cross entropy won where")
    assert found.recommended == "cross-entropy"
    assert found.decision.winner == "gce"


def test_practical_equality_and_indecision_are_said_apart():
    equal = "is judged practically equal where it was chosen (its gain: 0.00 points"
    assert equal in decision_sentence(findings(NOTHING, NOTHING))
    assert "no objective is shown to be better" in decision_sentence(findings(WILD, WILD))
    assert "every other objective is worse" in decision_sentence(findings([-g for g in CLEAR], [-g for g in CLEAR]))


def test_boosting_is_said_first_when_it_beats_all():
    sentence = decision_sentence(findings(CLEAR, SMALLER, boosting=0.9))
    assert sentence.startswith("Gradient boosting beats every objective here (accuracy 90.00 against 83.00); of the")
    assert "train with generalized cross entropy" in sentence
    assert "oosting" not in decision_sentence(findings(CLEAR, SMALLER, boosting=0.84))


def test_details_say_what_would_decide():
    lines = details(findings(WILD, WILD), ["a note"])
    assert lines[0] == "Undecided, and only more rows would decide, not more resamples: Generalized cross entropy."
    assert lines[-1] == "a note"
    assert details(findings(CLEAR, SMALLER), [])[0] == "Better than cross entropy: Generalized cross entropy."
