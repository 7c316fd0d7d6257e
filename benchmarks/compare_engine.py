"""Trainings a second: the engine of `compare` beside skorch, scikit-learn's MLPClassifier and a lean torch loop.

    pip install skorch
    python -m benchmarks.compare_engine [--adult FILE] [--repeats 5] [--out benchmarks/results/compare_engine.json]

One process, one thread, and all variants in turn in every repeat: what is reported are medians and their ratios. Every
variant trains the same network on the same rows with the same batch size and number of epochs, and computes the
accuracy of the same validation rows after each epoch. The engine trains six objectives mixed, as do the lean loop and
skorch; MLPClassifier knows cross entropy only, divides its validation rows itself, and trains with Adam.
Time is that of the processor, so that other jobs beside move the figures less.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from minimand.contracts.task import TaskInfo, bind
from minimand.losses import (
    cross_entropy_loss,
    focal_loss,
    gce_loss,
    label_smoothing_loss,
    poly1_loss,
    squentropy_loss,
)
from minimand.training.fit import Settings
from minimand.training.networks import mlp
from minimand.training.rows import Rows
from minimand.training.stacked.population import Member, members_of_a_stack, population
from minimand.workbench.environment import processor, versions

OBJECTIVES = (cross_entropy_loss, focal_loss, gce_loss, squentropy_loss, label_smoothing_loss, poly1_loss)
RATES = (3e-4, 6e-4, 1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2, 3e-2)
SETTINGS = (("digits", 64, 128), ("digits", 32, 64), ("digits", 128, 256), ("digits", 256, 256), ("adult", 128, 256))
GOALS = {
    ("digits", 64, 128): (8.0, 2.5, 2.0),
    ("digits", 32, 64): (15.0, 5.0, 5.0),
    ("digits", 128, 256): (3.0, 1.4, 1.25),
    ("digits", 256, 256): (2.0, 1.2, 0.95),
    ("adult", 128, 256): (3.0, 1.4, 1.25),
    ("adult", 256, 256): (2.0, 1.2, 0.95),
}


def digits() -> tuple[Tensor, Tensor]:
    """The digits bundled with scikit-learn, standardised."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return torch.tensor((x - x.mean(0)) / (x.std(0) + 1e-6), dtype=torch.float32), torch.tensor(y)


def adult(path: str) -> tuple[Tensor, Tensor]:
    """The census table from a file without a header, its label last, categories one-hot."""
    from minimand.estimators.encoding import TableEncoder
    from minimand.workbench.tables import prepare, read_table

    dataset = prepare(read_table(path, header=False), target="14")
    encoder = TableEncoder().fit_columns(dataset.columns(), dataset.kinds())
    return torch.from_numpy(encoder.transform_columns(dataset.columns())), torch.from_numpy(dataset.target)


def divided(x: Tensor, y: Tensor) -> tuple[Rows, Rows]:
    """Four fifths to train on, one to validate."""
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    cut = int(0.8 * len(x))
    return tuple(Rows(x[part], y[part]) for part in (order[:cut], order[cut:]))  # type: ignore[return-value]


def engine(training: Rows, validation: Rows, hidden: int, batch: int, epochs: int) -> Callable[[], int]:
    """The stack that `compare` would train; how many trainings it is."""
    n_classes = int(training.y.max()) + 1
    network = mlp(training.x.shape[1], n_classes, hidden=(hidden, hidden), seed=0)
    count = max(6, members_of_a_stack(network, batch) // 6 * 6)
    settings = Settings(batch_size=batch, max_epochs=epochs, patience=None)

    def run() -> int:
        task = TaskInfo.of(training.y, n_classes)
        members = [Member(bind(OBJECTIVES[m % 6], task), RATES[m // 6 % 8], 1e-2) for m in range(count)]
        made = population(network, members, training, validation, settings=settings, seed=0)
        while made.running:
            made.epoch()
        return count

    return run


def lean(training: Rows, validation: Rows, hidden: int, batch: int, epochs: int) -> Callable[[], int]:
    """A training loop with nothing to spare: fused AdamW, tensors indexed directly, plain functions for losses."""
    n_classes = int(training.y.max()) + 1
    x, y = training.x, training.y
    steps = len(x) // batch

    def run() -> int:
        for objective in OBJECTIVES:
            network = mlp(x.shape[1], n_classes, hidden=(hidden, hidden), seed=0)
            optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=1e-2, fused=True)
            function = LEAN_LOSSES[objective.__name__]
            for _ in range(epochs):
                for index in torch.randperm(len(x))[: steps * batch].view(steps, batch):
                    value = function(network(x.index_select(0, index)), y.index_select(0, index))
                    optimizer.zero_grad()
                    value.backward()
                    optimizer.step()
                with torch.no_grad():
                    float((network(validation.x).argmax(1) == validation.y).float().mean())
        return len(OBJECTIVES)

    return run


def _log_p(z: Tensor, y: Tensor) -> Tensor:
    return z.log_softmax(1).gather(1, y[:, None]).squeeze(1)


def _focal(z: Tensor, y: Tensor) -> Tensor:
    log_p = _log_p(z, y)
    return (-(1 - log_p.exp()).square() * log_p).mean()


def _squentropy(z: Tensor, y: Tensor) -> Tensor:
    others = z.square().sum(1) - z.gather(1, y[:, None]).squeeze(1).square()
    return nn.functional.cross_entropy(z, y) + (others / (z.shape[1] - 1)).mean()


LEAN_LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cross_entropy_loss": nn.functional.cross_entropy,
    "focal_loss": _focal,
    "gce_loss": lambda z, y: (-(0.7 * _log_p(z, y)).expm1() / 0.7).mean(),
    "squentropy_loss": _squentropy,
    "label_smoothing_loss": lambda z, y: nn.functional.cross_entropy(z, y, label_smoothing=0.1),
    "poly1_loss": lambda z, y: (-_log_p(z, y) + 1 - _log_p(z, y).exp()).mean(),
}


def skorch_nets(training: Rows, validation: Rows, hidden: int, batch: int, epochs: int) -> Callable[[], int]:
    """skorch's classifier, one objective after the other."""
    from skorch import NeuralNetClassifier
    from skorch.helper import predefined_split
    from torch.utils.data import TensorDataset

    n_classes = int(training.y.max()) + 1

    class Criterion(nn.Module):
        def __init__(self, function: Callable[[Tensor, Tensor], Tensor]) -> None:
            super().__init__()
            self.function = function

        def forward(self, scores: Tensor, target: Tensor) -> Tensor:
            return self.function(scores, target)

    def run() -> int:
        for objective in OBJECTIVES:
            net = NeuralNetClassifier(
                mlp(training.x.shape[1], n_classes, hidden=(hidden, hidden), seed=0),
                criterion=Criterion,
                criterion__function=LEAN_LOSSES[objective.__name__],
                optimizer=torch.optim.AdamW,
                lr=1e-3,
                max_epochs=epochs,
                batch_size=batch,
                iterator_train__shuffle=True,
                train_split=predefined_split(TensorDataset(validation.x, validation.y)),
                verbose=0,
            )
            net.fit(training.x.numpy(), training.y.numpy())
        return len(OBJECTIVES)

    return run


def perceptron(training: Rows, validation: Rows, hidden: int, batch: int, epochs: int) -> Callable[[], int]:
    """scikit-learn's own network, which scores a tenth of the rows after each epoch when it may stop early."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    share = len(validation) / (len(training) + len(validation))
    x = torch.cat([training.x, validation.x]).numpy()
    y = torch.cat([training.y, validation.y]).numpy()

    def run() -> int:
        model = MLPClassifier(
            (hidden, hidden),
            batch_size=batch,
            max_iter=epochs,
            early_stopping=True,
            validation_fraction=share,
            n_iter_no_change=10_000,
            random_state=0,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(x, y)
        return 1

    return run


VARIANTS = {"engine": engine, "skorch": skorch_nets, "MLPClassifier": perceptron, "lean loop": lean}


def measure(name: str, hidden: int, batch: int, data: tuple[Tensor, Tensor], repeats: int) -> dict[str, Any]:
    """Seconds of one training by every variant: medians over repeats in which they take turns."""
    training, validation = divided(*data)
    epochs = 20 if name == "digits" else 2
    runs = {variant: make(training, validation, hidden, batch, epochs) for variant, make in VARIANTS.items()}
    seconds: dict[str, list[float]] = {variant: [] for variant in runs}
    for run in runs.values():
        run()  # warm
    for _ in range(repeats):
        for variant, run in runs.items():
            start = time.process_time()
            count = run()
            seconds[variant].append((time.process_time() - start) / count)
    medians = {variant: statistics.median(found) for variant, found in seconds.items()}
    ratios = {variant: medians[variant] / medians["engine"] for variant in medians if variant != "engine"}
    goals = dict(zip(("skorch", "MLPClassifier", "lean loop"), GOALS[name, hidden, batch], strict=True))
    return {
        "data": name,
        "hidden": hidden,
        "batch": batch,
        "epochs": epochs,
        "seconds": medians,
        "ratios": ratios,
        "goals": goals,
        "met": {variant: ratios[variant] >= goal for variant, goal in goals.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adult", help="the census table, without a header; left out if not given")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", default="benchmarks/results/compare_engine.json")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    tables = {"digits": digits()} | ({"adult": adult(arguments.adult)} if arguments.adult else {})
    rows = []
    for name, hidden, batch in (*SETTINGS, ("adult", 256, 256)):
        if name not in tables:
            continue
        rows.append(measure(name, hidden, batch, tables[name], arguments.repeats))
        shown = ", ".join(f"{v} {r:.1f} (goal {rows[-1]['goals'][v]:g})" for v, r in rows[-1]["ratios"].items())
        print(f"{name} H{hidden} B{batch}: {1000 * rows[-1]['seconds']['engine']:.1f} ms a training; ratios {shown}")
    found = {"rows": rows, "versions": versions(), "processor": processor(), "repeats": arguments.repeats}
    Path(arguments.out).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
