"""Splits, trainings and the ledger of `compare`."""

from __future__ import annotations

from mutants.mutant import Mutant

SPLITS = "workbench/compare/splits.py"
TRIAL = "workbench/compare/trial.py"
STORE = "workbench/ledger/store.py"
RECORDS = "workbench/ledger/records.py"

MUTANTS = (
    Mutant(
        name="validation_rows_train",
        what="The rows that choose settings and epoch are trained on as well.",
        history="typical slip: a split of which one half is used twice",
        file=SPLITS,
        before="    return rows[kept], rows[held]\n",
        after="    return rows, rows[held]\n",
    ),
    Mutant(
        name="groups_leak_into_validation",
        what="Rows of one group train and validate.",
        history="typical slip: patients, sessions and copies on both sides of a split",
        file=SPLITS,
        before="    groups = None if dataset.groups is None else dataset.groups[rows]\n    kept, held",
        after="    groups = None\n    kept, held",
    ),
    Mutant(
        name="future_validates_past",
        what="With a time column the earliest rows validate in place of the latest.",
        history="typical slip: the end of a sorted array that is taken for its beginning",
        file=SPLITS,
        before="return np.sort(ordered[:cut]), np.sort(ordered[cut:])",
        after="return np.sort(ordered[len(ordered) - cut :]), np.sort(ordered[: len(ordered) - cut])",
    ),
    Mutant(
        name="splits_are_not_stratified",
        what="A rare class may be missing among the rows that judge.",
        history="typical slip: ShuffleSplit for StratifiedShuffleSplit",
        file=SPLITS,
        before="selection.StratifiedShuffleSplit(",
        after="selection.ShuffleSplit(",
    ),
    Mutant(
        name="encoder_sees_the_test_rows",
        what="Means and categories are taken from all rows, those that judge included.",
        history="qlib #770, daxin007/ARMD #5, d2l-en #843: the scaler is fitted before the split",
        file=TRIAL,
        before="    known = dataset.rows(rows)\n",
        after="    known = dataset\n",
        tests=("tests/workbench/compare/test_fairness.py",),
    ),
    Mutant(
        name="objectives_are_not_paired",
        what="Each objective gets another initialisation: luck counts as a difference.",
        history="typical slip: the seed of a run in place of the seed of a split",
        file=TRIAL,
        before="random_state=named_seed(training.seed, resample, stage),",
        after="random_state=named_seed(training.seed, resample, stage, getattr(objective, '__name__', '')),",
        tests=("tests/workbench/compare/test_fairness.py",),
    ),
    Mutant(
        name="certain_rows_have_no_bin",
        what="A confidence of exactly 1 falls into a bin behind the last one, which is not shown.",
        history="torchmetrics #3510: a hidden bin for p = 1; #1646 and #1744: a crash at p = 0",
        file="workbench/compare/evidence.py",
        before=".clamp(max=RELIABILITY_BINS - 1)",
        after=".clamp(max=RELIABILITY_BINS)",
        tests=("tests/workbench/compare/test_fairness.py",),
    ),
    Mutant(
        name="best_by_the_worst_log_loss",
        what="Of the settings tried the one with the highest log loss is kept.",
        history="typical slip: argmax of a loss",
        file="workbench/compare/fitted.py",
        before="        return sign * statistics.fmean(",
        after="        return statistics.fmean(",
    ),
    Mutant(
        name="settings_differ_by_objective",
        what="An objective with hyperparameters of its own tries other learning rates than the rest.",
        history="DeepCore #4: is it the method or its tuning?",
        file="workbench/compare/search.py",
        before="SobolEngine(DIMENSIONS, scramble=True",
        after="SobolEngine(len(space), scramble=True",
    ),
    Mutant(
        name="record_is_overwritten",
        what="A finished training is replaced by whatever comes later under its key.",
        history="trackio #125: resumed runs write steps a second time",
        file=STORE,
        before='f"INSERT INTO {table}',
        after='f"INSERT OR REPLACE INTO {table}',
    ),
    Mutant(
        name="record_is_not_committed",
        what="A record waits for a commit that a kill prevents.",
        history="typical slip: the implicit transactions of Python's sqlite3",
        file=STORE,
        before="isolation_level=None, timeout=30",
        after='isolation_level="DEFERRED", timeout=30',
    ),
    Mutant(
        name="damage_is_read",
        what="A record whose checksum is wrong is believed.",
        history="typical slip: checksums that are written and never compared",
        file=STORE,
        before="        if checksum(key, text) != digest:\n",
        after="        if not digest:\n",
    ),
    Mutant(
        name="checksum_without_its_key",
        what="A record that was swapped with another one's passes.",
        history="typical slip: a checksum of the content alone",
        file=RECORDS,
        before='f"{len(key)}:{key}{text}"',
        after='f"{text}"',
    ),
    Mutant(
        name="two_writers",
        what="A second process may write the ledger of a run that is going on.",
        history="typical slip: a lock that does not exclude",
        file="workbench/ledger/writer_lock.py",
        before="fcntl.LOCK_EX | fcntl.LOCK_NB",
        after="fcntl.LOCK_SH | fcntl.LOCK_NB",
        tests=("tests/workbench/ledger/test_store.py",),
    ),
    Mutant(
        name="file_is_not_forced_to_disk",
        what="A report is renamed into its place before its bytes are on the disk.",
        history="typical slip: rename without fsync leaves an empty file after a power cut",
        file="whole_files.py",
        before="            os.fsync(file.fileno())\n",
        after="",
        tests=("tests/test_whole_files.py",),
    ),
)
