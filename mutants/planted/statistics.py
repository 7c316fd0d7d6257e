"""What calls a winner: the statistics of `compare` and the verdicts of claims."""

from __future__ import annotations

from mutants.mutant import Mutant

STATISTICS = "workbench/compare/statistics.py"
DECIDE = "workbench/compare/decide.py"

MUTANTS = (
    Mutant(
        name="plain_t_test",
        what="Resamples of one data set are taken for independent.",
        history="typical slip: a paired t-test over cross-validation folds; with 10 resamples it calls one of two "
        "equals better in 21 % of data sets",
        file=STATISTICS,
        before="math.sqrt(1.0 / self.resamples + self.test_train_ratio)",
        after="math.sqrt(1.0 / self.resamples)",
    ),
    Mutant(
        name="ratio_upside_down",
        what="The correction takes rows trained on / rows tested.",
        history="typical slip: n_test / n_train and n_train / n_test",
        file=STATISTICS,
        before="math.fsum(test / train for",
        after="math.fsum(train / test for",
    ),
    Mutant(
        name="population_deviation",
        what="The spread of the differences is divided by n.",
        history="typical slip: `numpy.std` divides by n unless told otherwise",
        file=STATISTICS,
        before="np.std(values / scale, ddof=1)",
        after="np.std(values / scale)",
    ),
    Mutant(
        name="one_sided_p",
        what="The p-value is one-sided for a side that the data chose.",
        history="typical slip: half the p-value",
        file=STATISTICS,
        before="2.0 * _student_cdf",
        after="1.0 * _student_cdf",
    ),
    Mutant(
        name="one_sided_interval",
        what="The interval has the width of a one-sided one.",
        history="typical slip: alpha where alpha / 2 is meant",
        file=STATISTICS,
        before="self.degrees, (1.0 - confidence) / 2.0)",
        after="self.degrees, 1.0 - confidence)",
    ),
    Mutant(
        name="holm_off_by_one",
        what="The smallest p-value is multiplied by one comparison too few.",
        history="typical slip: ranks from 0 and from 1",
        file=STATISTICS,
        before="(len(p_values) - rank) * p_values[index]",
        after="(len(p_values) - rank - 1) * p_values[index]",
    ),
    Mutant(
        name="holm_not_monotone",
        what="A larger p-value may be adjusted to a smaller one.",
        history="typical slip: Holm without the running maximum",
        file=STATISTICS,
        before="largest = max(largest, min(1.0,",
        after="largest = max(0.0, min(1.0,",
    ),
    Mutant(
        name="equivalence_of_one_side",
        what="Probabilities below and above the region are swapped.",
        history="typical slip: the sign of a difference",
        file=STATISTICS,
        before="PracticalProbabilities(worse=worse, equal=max(0.0, 1.0 - worse - better), better=better)",
        after="PracticalProbabilities(worse=better, equal=max(0.0, 1.0 - worse - better), better=worse)",
    ),
    Mutant(
        name="lower_is_better_forgotten",
        what="With log loss the worst objective wins.",
        history="typical slip: a score and a loss",
        file=DECIDE,
        before="    sign = 1.0 if higher_is_better else -1.0\n    names = [",
        after="    sign = 1.0\n    names = [",
    ),
    Mutant(
        name="p_values_not_adjusted",
        what="Each of many objectives is tested as if it were the only one.",
        history="typical slip: twenty comparisons at 5 %",
        file=DECIDE,
        before="return [_verdict(test, p_holm, rope=rope, alpha=alpha)",
        after="return [_verdict(test, test.p, rope=rope, alpha=alpha)",
    ),
    Mutant(
        name="significance_is_enough",
        what="A difference too small to matter is called better.",
        history="typical slip: significant is not large",
        file=DECIDE,
        before="if p_holm < alpha and abs(test.mean) > rope:",
        after="if p_holm < alpha:",
    ),
    Mutant(
        name="confirmation_holds_by_its_mean",
        what="An advantage holds when its mean is positive, whatever its interval.",
        history="typical slip: the interval is drawn and not asked",
        file=DECIDE,
        before="return self.interval[0] > 0.0",
        after="return self.difference > 0.0",
    ),
    Mutant(
        name="claim_interval_one_sided",
        what="The 95 % interval of a claim covers 90 %.",
        history="typical slip: the 0.95 quantile of t for a two-sided interval",
        file="contracts/verdict.py",
        before="ppf(0.5 + LEVEL / 2, n - 1)",
        after="ppf(LEVEL, n - 1)",
    ),
    Mutant(
        name="claim_undecided_holds",
        what="An interval that reaches over the margin counts as beyond it.",
        history="typical slip: the mean is compared with the margin",
        file="contracts/verdict.py",
        before="    if low < interval.low and interval.high < high:",
        after="    if low < interval.mean < high:",
    ),
    Mutant(
        name="broken_twin_may_pass",
        what="An experiment whose deliberately broken twin passes on some seeds is believed.",
        history="typical slip: any and all",
        file="contracts/claim.py",
        before="return any(self.low <= value <= self.high for value in values)",
        after="return all(self.low <= value <= self.high for value in values)",
    ),
)
