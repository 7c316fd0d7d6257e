"""`minimand predict`: labels, and probabilities where the objective defines them, for the rows of a new file."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

from minimand.workbench.compare.fitted import load_model
from minimand.workbench.tables import read_table

# Spreadsheets run a cell that opens like this; a quote before it makes it text again.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def predict(model: str | Path, data: str | Path, *, no_header: bool = False) -> str:
    """Predictions as CSV: the row's number from 0, the label, and a column of probability for each class.

    Args:
        model: the folder that `minimand compare` wrote, or the `model` folder in it.
        data: a file with the same columns; the target may be missing.
        no_header: the file has no line of names.

    Raises:
        InputError: the model or the file cannot be read, or do not fit each other.
    """
    fitted = load_model(model)
    dataset = fitted.empty_dataset().aligned(read_table(data, header=not no_header))
    labels = np.asarray(fitted.scores(dataset)).argmax(1)
    probabilities = fitted.probabilities(dataset)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    head = ["row", "prediction"]
    if probabilities is not None:
        head += [f"probability of {name}" for name in fitted.classes]
    writer.writerow([safe_cell(cell) for cell in head])
    names = [safe_cell(name) for name in fitted.classes]
    for position, (row, label) in enumerate(zip(dataset.row_numbers, labels, strict=True)):
        line: list[object] = [int(row), names[label]]
        if probabilities is not None:
            line += [f"{value:.6g}" for value in probabilities[position]]
        writer.writerow(line)
    return text.getvalue()


def safe_cell(text: str) -> str:
    """A text that no spreadsheet runs as a formula; numbers stay numbers."""
    try:
        float(text)
    except ValueError:
        return f"'{text}" if text.startswith(FORMULA_STARTS) else text
    return text
