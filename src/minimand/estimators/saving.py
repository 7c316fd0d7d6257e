"""Classifiers on disk: `model.json` says what the model is, `model.safetensors` holds its numbers. Nothing is executed.

Only what minimand can build again by name is saved: the plain perceptron, losses of the catalogue, `TableEncoder` or no
encoder. A module, objective or encoder of the user's own would need its code, and a pickle would run whatever it holds.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

import minimand
from minimand.contracts.card import Card, card_of
from minimand.contracts.catalogue import cards
from minimand.contracts.task import TaskInfo, bind
from minimand.errors import InputError
from minimand.estimators.classifier import ObjectiveClassifier
from minimand.estimators.encoding import TableEncoder
from minimand.training.fit import History
from minimand.training.networks import mlp
from minimand.whole_files import write_atomically

SCHEMA = 1
DESCRIPTION = "model.json"
NUMBERS = "model.safetensors"

_SETTINGS = ("learning_rate", "weight_decay", "batch_size", "max_epochs", "patience", "validation_fraction")


def save_classifier(classifier: ObjectiveClassifier, folder: str | os.PathLike[str], *, about: dict[str, Any]) -> None:
    """Writes a fitted classifier into a folder, which is created; an older model there is replaced.

    Each of the two files is whole or absent at any moment, and the description holds the checksum of the numbers: a
    pair that does not belong together is refused when it is loaded.

    Args:
        classifier: fitted; its default network, an objective of minimand, and `TableEncoder` or no encoder.
        folder: where to write `model.json` and `model.safetensors`.
        about: whatever should be remembered of the model, in the types of JSON.

    Raises:
        InputError: something that could not be built again, or a place that is no folder.
        NotFittedError: the classifier is not fitted.
        OSError: the folder cannot be written.
    """
    check_is_fitted(classifier)
    encoder, encoder_arrays = _encoder_state(classifier)
    tensors = {f"network.{name}": value for name, value in classifier.network_.state_dict().items()}
    tensors |= {f"loss.{name}": value for name, value in classifier.loss_.state_dict().items()}
    tensors |= {f"encoder.{name}": torch.from_numpy(value) for name, value in encoder_arrays.items()}
    tensors["class_counts"] = torch.tensor(classifier.class_counts_)
    numbers = safetensors.torch.save({name: value.detach().cpu().contiguous() for name, value in tensors.items()})

    history = classifier.history_
    names = getattr(classifier, "feature_names_in_", None)
    description = {
        "schema": SCHEMA,
        "version": minimand.__version__,
        "checksum": hashlib.sha256(numbers).hexdigest(),
        "about": about,
        "classes": _labels_out(classifier.classes_),
        "n_features_in": classifier.n_features_in_,
        "feature_names_in": None if names is None else list(names),
        "n_training_rows": classifier.n_training_rows_,
        "network": {"widths": _widths(classifier)},
        "objective": _objective(classifier),
        "encoder": encoder,
        "settings": _settings_out(classifier),
        "history": dict(vars(history)),
    }
    text = json.dumps(_packed(description), indent=1, allow_nan=False)
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise InputError(f"a model cannot be saved in {place}, which is or lies in a file: name a folder") from None
    # the numbers first: a description is never there before what it describes.
    write_atomically(place / NUMBERS, numbers)
    write_atomically(place / DESCRIPTION, text.encode("ascii"))


def load_classifier(folder: str | os.PathLike[str], *, device: str = "cpu") -> ObjectiveClassifier:
    """The classifier that `save_classifier` wrote: on the same machine its predictions are bitwise the same.

    Args:
        folder: that holds `model.json` and `model.safetensors`.
        device: of torch, where it predicts.

    Returns:
        A fitted classifier; what was said about it is its attribute `about_`.

    Raises:
        InputError: a file that is missing, damaged, of another schema, or that describes what is not there.
    """
    place = Path(folder)
    description = _read_description(place / DESCRIPTION)
    numbers = _read(place / NUMBERS)
    if hashlib.sha256(numbers).hexdigest() != description.get("checksum"):
        raise InputError(
            f"{place / NUMBERS} is damaged or belongs to another {DESCRIPTION}, its checksum is not the one that was "
            "saved: save the model again"
        )
    try:
        tensors = safetensors.torch.load(numbers)
        classifier = _built(description, tensors)
    except InputError as error:
        raise InputError(f"the model in {place} cannot be loaded: {error}") from None
    except (SafetensorError, KeyError, IndexError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"the model in {place} cannot be loaded, its files do not fit each other ({type(error).__name__}: "
            f"{reason[:300]}): save it again"
        ) from None
    classifier.set_params(device=device)
    classifier.network_.to(device)
    classifier.loss_.to(device)
    return classifier


# --- Saving ----------------------------------------------------------------------------------------------------------


def _objective(classifier: ObjectiveClassifier) -> dict[str, Any]:
    loss = classifier.loss_
    card = card_of(loss)
    if card is None or not any(card is known for known in cards("loss")):
        name = getattr(classifier.objective, "__name__", repr(classifier.objective))
        raise InputError(
            f"a model trained with {name} cannot be saved, since only the losses that minimand lists can be built "
            "again: keep the network's state_dict instead"
        )
    plain = {"ignore_index": None, "reduction": "mean"}
    hyper = {name: value for name, value in loss.hyperparameters().items() if (name, value) not in plain.items()}
    return {"id": card.id, "slug": card.slug, "parameters": hyper}


def _widths(classifier: ObjectiveClassifier) -> list[int]:
    if classifier.module is not None:
        raise InputError(
            "a model with a module of your own cannot be saved, since its code would be needed to build it again: keep "
            "the network's state_dict instead"
        )
    layers = [layer for layer in classifier.network_.modules() if isinstance(layer, nn.Linear)]
    return [layers[0].in_features, *(layer.out_features for layer in layers)]


def _encoder_state(classifier: ObjectiveClassifier) -> tuple[dict[str, Any] | None, dict[str, NDArray[Any]]]:
    encoder = classifier.encoder_
    if encoder is None:
        return None, {}
    if type(encoder) is not TableEncoder:
        raise InputError(
            f"a model with the encoder {type(encoder).__name__} cannot be saved, only one with TableEncoder or none: "
            "encode outside of the classifier, with encoder=None"
        )
    state, arrays = encoder.to_state()
    return {"automatic": isinstance(classifier.encoder, str), "state": state}, arrays


def _settings_out(classifier: ObjectiveClassifier) -> dict[str, Any]:
    metric = None if classifier.metric is None else card_of(classifier.metric)
    weight = classifier.class_weight
    seed = classifier.random_state
    return {name: getattr(classifier, name) for name in _SETTINGS} | {
        "metric": None if metric is None else metric.id,
        "class_weight": [list(pair) for pair in weight.items()] if isinstance(weight, Mapping) else weight,
        "classes": None if classifier.classes is None else _labels_out(np.asarray(classifier.classes)),
        # a generator has moved on since: it would not train this model again
        "random_state": int(seed) if isinstance(seed, int | np.integer) else None,
    }


def _labels_out(labels: NDArray[Any]) -> dict[str, Any]:
    values = labels.tolist()
    of_one_type = len({type(value) for value in values}) <= 1
    if labels.dtype.kind not in "biufUO" or not of_one_type or not isinstance(values[0], bool | int | float | str):
        raise InputError(f"a model can only be saved with numbers or text as classes, got {values}: rename them")
    return {"dtype": "object" if labels.dtype.kind == "O" else labels.dtype.str, "values": values}


def _packed(value: Any) -> Any:
    """A value in the types of JSON, which has no infinity and no NaN.

    Raises:
        InputError: a value of another type.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value) or value.keys() == {"not finite"}:
            raise InputError(f"a model can only be saved with text as the keys of its description, got {list(value)}")
        return {key: _packed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_packed(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"not finite": repr(value)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise InputError(f"a model can only be saved with a description of numbers, text, lists and dicts, got {value!r}")


# --- Loading ---------------------------------------------------------------------------------------------------------


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise InputError(f"no model is saved in {path.parent}: {path.name} is missing, name another folder") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): make it readable") from None


def _read_description(path: Path) -> dict[str, Any]:
    content = _read(path)
    try:
        description = json.loads(content.decode("utf-8"), object_hook=_finite_or_not)
    except (ValueError, RecursionError):
        raise InputError(f"{path} is damaged, it is no JSON: save the model again") from None
    schema = description.get("schema") if isinstance(description, dict) else None
    if schema != SCHEMA:
        raise InputError(f"{path} has schema {schema!r}, and this version of minimand reads schema {SCHEMA}")
    return dict(description)


def _finite_or_not(found: dict[str, Any]) -> Any:
    return float(found["not finite"]) if found.keys() == {"not finite"} else found


def _built(description: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> ObjectiveClassifier:
    classes = _labels_in(description["classes"])
    n_classes = len(classes)
    widths, settings = description["network"]["widths"], description["settings"]
    if widths[-1] != n_classes:
        raise InputError(f"its network has {widths[-1]} scores for {n_classes} classes")
    network = mlp(widths[0], widths[-1], hidden=widths[1:-1], seed=0)
    _give(network, _under("network.", tensors), "network")

    objective = description["objective"]
    component = _component("loss", objective["id"], objective["slug"])
    task = TaskInfo(n_classes, description["n_training_rows"], tensors["class_counts"])
    loss = bind(component, task, **objective["parameters"])
    _give(loss, _under("loss.", tensors), "loss")

    encoder: Any = None
    parameter: Any = None
    if description["encoder"] is not None:
        arrays = {name: value.numpy() for name, value in _under("encoder.", tensors).items()}
        encoder = TableEncoder.from_state(description["encoder"]["state"], arrays)
        parameter = "auto" if description["encoder"]["automatic"] else clone(encoder)
    n_features = description["n_features_in"]
    columns, inputs = (n_features, n_features) if encoder is None else (encoder.n_features_in_, encoder.n_features_out_)
    if (columns, inputs) != (n_features, widths[0]):
        raise InputError(f"its {n_features} columns are encoded as {inputs} inputs of a network that takes {widths[0]}")

    weight, metric = settings["class_weight"], settings["metric"]
    classifier = ObjectiveClassifier(
        component,
        objective_parameters=objective["parameters"] or None,
        hidden=tuple(widths[1:-1]),
        encoder=parameter,
        metric=None if metric is None else _component("metric", metric, ""),
        class_weight=dict(weight) if isinstance(weight, list) else weight,
        classes=None if settings["classes"] is None else _labels_in(settings["classes"]),
        random_state=settings["random_state"],
        **{name: settings[name] for name in _SETTINGS},
    )
    classifier.classes_ = classes
    classifier.n_features_in_ = n_features
    if description["feature_names_in"] is not None:
        classifier.feature_names_in_ = np.array(description["feature_names_in"], dtype=object)
    classifier.encoder_ = encoder
    classifier.network_ = network.eval()
    classifier.loss_ = loss.eval()
    classifier.history_ = History(**description["history"])
    classifier.n_iter_ = classifier.history_.epochs
    classifier.class_counts_ = tensors["class_counts"].numpy()
    classifier.n_training_rows_ = description["n_training_rows"]
    classifier.about_ = description["about"]
    return classifier


def _labels_in(found: Mapping[str, Any]) -> NDArray[Any]:
    return np.array(found["values"], dtype=np.dtype(found["dtype"]))


def _component(kind: str, name: str, slug: str) -> Any:
    """What is called so now: by its id, else (rooms may be rearranged, slugs never change) by its slug alone."""
    known: list[Card] = [card for card in cards(kind) if card.id == name]
    known = known or [card for card in cards(kind) if slug and card.slug == slug]
    if len(known) != 1:
        raise InputError(f"the {kind} {name} is not installed: install the package that brings it, or a newer minimand")
    return known[0].component


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _give(module: nn.Module, state: dict[str, Tensor], what: str) -> None:
    """Puts a saved state into a module that must have been made for it.

    Raises:
        InputError: names, shapes or dtypes that differ; `load_state_dict` alone would cast the dtypes.
    """
    own = {name: (tuple(value.shape), value.dtype) for name, value in module.state_dict().items()}
    given = {name: (tuple(value.shape), value.dtype) for name, value in state.items()}
    wrong = sorted(name for name in own.keys() | given.keys() if own.get(name) != given.get(name))
    if wrong:
        raise InputError(f"the tensors of its {what} do not fit its description, such as {wrong[0]}: save it again")
    module.load_state_dict(state)
