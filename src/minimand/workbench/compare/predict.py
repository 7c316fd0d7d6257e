"""`minimand predict`: labels, and probabilities where the objective defines them, for the rows of a new file."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from minimand.workbench.compare.fitted import FittedModel, load_model
from minimand.workbench.tables import read_table

# Spreadsheets run a cell that opens like this; a quote before it makes it text again.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def predict(model: str | Path, data: str | Path, *, no_header: bool = False) -> str:
    """Predictions as CSV: the row's number from 0, the prediction, and probabilities where they are defined.

    Of classes that is the label and a column of probability for each class; of numbers the number; of several labels a
    column of 0 and 1 for each, and one of its probability.

    Args:
        model: the folder that `minimand compare` wrote, or the `model` folder in it.
        data: a file with the same columns; the target may be missing.
        no_header: the file has no line of names.

    Raises:
        InputError: the model or the file cannot be read, or do not fit each other.
    """
    fitted = load_model(model)
    dataset = fitted.empty_dataset().aligned(read_table(data, header=not no_header))
    found = fitted.prediction(dataset)
    names = [safe_cell(name) for name in fitted.classes]
    head, lines = _columns(fitted, found.scores.numpy(), names)
    if found.probabilities is not None:
        head += [f"probability of {name}" for name in fitted.classes]
        shares = found.probabilities.tolist()
        lines = [[*line, *(f"{value:.6g}" for value in row)] for line, row in zip(lines, shares, strict=True)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["row", *(safe_cell(cell) for cell in head)])
    writer.writerows([int(row), *line] for row, line in zip(dataset.row_numbers, lines, strict=True))
    return text.getvalue()


def _columns(fitted: FittedModel, scores: NDArray[Any], names: list[str]) -> tuple[list[str], list[list[object]]]:
    """The columns of predictions: their heads, and what stands in them in each row."""
    if fitted.problem == "regression":
        return ["prediction"], [[f"{value:.9g}"] for value in scores.tolist()]
    if fitted.problem == "multi-label":
        return list(fitted.classes), (scores > 0).astype(int).tolist()
    return ["prediction"], [[names[label]] for label in scores.argmax(1).tolist()]


def safe_cell(text: str) -> str:
    """A text that no spreadsheet runs as a formula; numbers stay numbers."""
    try:
        float(text)
    except ValueError:
        return f"'{text}" if text.startswith(FORMULA_STARTS) else text
    return text
