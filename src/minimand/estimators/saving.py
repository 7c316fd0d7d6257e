"""Fitted estimators on disk: what a model is, in `model.json`, and its numbers, in `model.safetensors`; no code.

Only what minimand can build again by name is saved: the plain perceptron, losses of the catalogue, `TableEncoder` or no
encoder. A module, objective or encoder of the user's own would need its code, and a pickle would run whatever it holds.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from minimand.contracts.card import Card, card_of
from minimand.contracts.catalogue import cards
from minimand.contracts.loss import Loss
from minimand.contracts.objective import Objective
from minimand.contracts.task import TaskInfo, ValueSummary, bind
from minimand.errors import InputError
from minimand.estimators.classifier import ObjectiveClassifier
from minimand.estimators.encoding import TableEncoder
from minimand.estimators.label_classifier import ObjectiveLabelClassifier
from minimand.estimators.network_estimator import NetworkEstimator
from minimand.estimators.regressor import ObjectiveRegressor
from minimand.estimators.saved_files import read_model, write_model
from minimand.estimators.values import TargetScale, ValueFacts
from minimand.training.fit import History
from minimand.training.networks import mlp

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
    description, tensors = _parts(classifier, about)
    weight = classifier.class_weight
    description |= {"kind": "classifier", "classes": _labels_out(classifier.classes_)}
    description["settings"] |= {
        "class_weight": [list(pair) for pair in weight.items()] if isinstance(weight, Mapping) else weight,
        "classes": None if classifier.classes is None else _labels_out(np.asarray(classifier.classes)),
    }
    write_model(folder, description, tensors | {"class_counts": torch.tensor(classifier.class_counts_)})


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
    classifier: ObjectiveClassifier = _loaded(folder, "classifier", device)
    return classifier


def save_regressor(regressor: ObjectiveRegressor, folder: str | os.PathLike[str], *, about: dict[str, Any]) -> None:
    """Writes a fitted regressor into a folder, as `save_classifier` writes a classifier.

    Args:
        regressor: fitted; its default network, a loss of minimand, and `TableEncoder` or no encoder.
        folder: where to write `model.json` and `model.safetensors`.
        about: whatever should be remembered of the model, in the types of JSON.

    Raises:
        InputError: something that could not be built again, or a place that is no folder.
        NotFittedError: the regressor is not fitted.
        OSError: the folder cannot be written.
    """
    description, tensors = _parts(regressor, about)
    summary = regressor.target_summary_
    description |= {
        "kind": "regressor",
        "target_shape": list(regressor.target_shape_),
        "targets": None if summary is None else asdict(summary),
    }
    for name, scale in (("target", regressor.target_scale_), ("output", regressor.output_scale_)):
        if scale is not None:
            tensors |= {f"{name}.shift": torch.from_numpy(scale.shift), f"{name}.scale": torch.from_numpy(scale.scale)}
    write_model(folder, description, tensors)


def load_regressor(folder: str | os.PathLike[str], *, device: str = "cpu") -> ObjectiveRegressor:
    """The regressor that `save_regressor` wrote: on the same machine its predictions are bitwise the same.

    Args:
        folder: that holds `model.json` and `model.safetensors`.
        device: of torch, where it predicts.

    Returns:
        A fitted regressor; what was said about it is its attribute `about_`.

    Raises:
        InputError: a file that is missing, damaged, of another schema, or that describes what is not there.
    """
    regressor: ObjectiveRegressor = _loaded(folder, "regressor", device)
    return regressor


def save_label_classifier(
    classifier: ObjectiveLabelClassifier, folder: str | os.PathLike[str], *, about: dict[str, Any]
) -> None:
    """Writes a fitted classifier of several labels into a folder, as `save_classifier` writes one of classes.

    Raises:
        InputError: something that could not be built again, or a place that is no folder.
        NotFittedError: the classifier is not fitted.
        OSError: the folder cannot be written.
    """
    description, tensors = _parts(classifier, about)
    counts = {"class_counts": torch.tensor(classifier.class_counts_)}
    write_model(folder, description | {"kind": "label classifier"}, tensors | counts)


def load_label_classifier(folder: str | os.PathLike[str], *, device: str = "cpu") -> ObjectiveLabelClassifier:
    """The classifier that `save_label_classifier` wrote: on the same machine its predictions are bitwise the same.

    Raises:
        InputError: a file that is missing, damaged, of another schema, or that describes what is not there.
    """
    classifier: ObjectiveLabelClassifier = _loaded(folder, "label classifier", device)
    return classifier


# --- Saving ----------------------------------------------------------------------------------------------------------


def _parts(estimator: NetworkEstimator, about: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What every estimator has to be built again from, as a description and tensors."""
    check_is_fitted(estimator)
    encoder, encoder_arrays = _encoder_state(estimator)
    tensors = {f"network.{name}": value for name, value in estimator.network_.state_dict().items()}
    tensors |= {f"loss.{name}": value for name, value in estimator.loss_.state_dict().items()}
    tensors |= {f"encoder.{name}": torch.from_numpy(value) for name, value in encoder_arrays.items()}
    names = getattr(estimator, "feature_names_in_", None)
    description = {
        "about": about,
        "n_features_in": estimator.n_features_in_,
        "feature_names_in": None if names is None else list(names),
        "n_training_rows": estimator.n_training_rows_,
        "network": {"widths": _widths(estimator)},
        "objective": _objective(estimator),
        "encoder": encoder,
        "settings": _settings_out(estimator),
        "history": dict(vars(estimator.history_)),
    }
    return description, tensors


def _objective(estimator: Any) -> dict[str, Any]:
    loss, objective = estimator.loss_, estimator.objective
    card = card_of(loss)
    own = isinstance(objective, Objective) and (objective.predictions or objective.outputs or objective.scaling)
    if card is None or own or not any(card is known for known in cards("loss")):
        name = getattr(objective, "__name__", repr(objective))
        raise InputError(
            f"a model trained with {name} cannot be saved, since only the losses that minimand lists can be built "
            "again: keep the network's state_dict instead"
        )
    plain = {"ignore_index": None, "reduction": "mean"}
    hyper = {name: value for name, value in loss.hyperparameters().items() if (name, value) not in plain.items()}
    return {"id": card.id, "slug": card.slug, "parameters": hyper}


def _widths(estimator: NetworkEstimator) -> list[int]:
    if estimator.module is not None:
        raise InputError(
            "a model with a module of your own cannot be saved, since its code would be needed to build it again: keep "
            "the network's state_dict instead"
        )
    layers = [layer for layer in estimator.network_.modules() if isinstance(layer, nn.Linear)]
    return [layers[0].in_features, *(layer.out_features for layer in layers)]


def _encoder_state(estimator: NetworkEstimator) -> tuple[dict[str, Any] | None, dict[str, NDArray[Any]]]:
    encoder = estimator.encoder_
    if encoder is None:
        return None, {}
    if type(encoder) is not TableEncoder:
        raise InputError(
            f"a model with the encoder {type(encoder).__name__} cannot be saved, only one with TableEncoder or none: "
            "encode outside of the estimator, with encoder=None"
        )
    state, arrays = encoder.to_state()
    return {"automatic": isinstance(estimator.encoder, str), "state": state}, arrays


def _settings_out(estimator: Any) -> dict[str, Any]:
    metric = None if estimator.metric is None else card_of(estimator.metric)
    seed = estimator.random_state
    return {name: getattr(estimator, name) for name in _SETTINGS} | {
        "metric": None if metric is None else metric.id,
        # a generator has moved on since: it would not train this model again
        "random_state": int(seed) if isinstance(seed, int | np.integer) else None,
    }


def _labels_out(labels: NDArray[Any]) -> dict[str, Any]:
    values = labels.tolist()
    of_one_type = len({type(value) for value in values}) <= 1
    if labels.dtype.kind not in "biufUO" or not of_one_type or not isinstance(values[0], bool | int | float | str):
        raise InputError(f"a model can only be saved with numbers or text as classes, got {values}: rename them")
    return {"dtype": "object" if labels.dtype.kind == "O" else labels.dtype.str, "values": values}


# --- Loading ---------------------------------------------------------------------------------------------------------


def _loaded(folder: str | os.PathLike[str], kind: str, device: str) -> Any:
    description, numbers = read_model(folder)
    found = description.get("kind", "classifier")  # which the first versions, that had nothing else, do not say
    if found != kind:
        raise InputError(f"the model in {os.fspath(folder)} is no {kind}, but a {found}: load it as that")
    try:
        tensors = safetensors.torch.load(numbers)
        estimator = _BUILDERS[kind](description, tensors)
    except InputError as error:
        raise InputError(f"the model in {os.fspath(folder)} cannot be loaded: {error}") from None
    except (SafetensorError, KeyError, IndexError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"the model in {os.fspath(folder)} cannot be loaded, its files do not fit each other "
            f"({type(error).__name__}: {reason[:300]}): save it again"
        ) from None
    estimator.set_params(device=device)
    estimator.network_.to(device)
    estimator.loss_.to(device)
    return estimator


def _classifier(description: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> ObjectiveClassifier:
    classes = _labels_in(description["classes"])
    settings, widths = description["settings"], description["network"]["widths"]
    if widths[-1] != len(classes):
        raise InputError(f"its network has {widths[-1]} scores for {len(classes)} classes")
    weight = settings["class_weight"]
    own = {
        "class_weight": dict(weight) if isinstance(weight, list) else weight,
        "classes": None if settings["classes"] is None else _labels_in(settings["classes"]),
    }
    task = TaskInfo(len(classes), description["n_training_rows"], tensors["class_counts"])
    classifier: ObjectiveClassifier = _built(ObjectiveClassifier, description, tensors, task, own)
    classifier.classes_ = classes
    classifier.class_counts_ = tensors["class_counts"].numpy()
    return classifier


def _regressor(description: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> ObjectiveRegressor:
    shape = tuple(description["target_shape"])
    n_targets = int(np.prod(shape, dtype=np.int64))
    scale = _scale_in("target", tensors, n_targets)
    output_scale = _scale_in("output", tensors, n_targets) if "output.scale" in tensors else None
    summary = None if description["targets"] is None else ValueSummary(**description["targets"])
    task = TaskInfo(n_targets, description["n_training_rows"], values=summary)

    def following(network: nn.Module, loss: Loss) -> nn.Module:
        facts = ValueFacts.of(loss)
        if description["network"]["widths"][-1] != n_targets * facts.outputs:
            raise InputError(f"its network does not have {facts.outputs} outputs for each of {n_targets} targets")
        return facts.following(network, output_scale)

    regressor: ObjectiveRegressor = _built(ObjectiveRegressor, description, tensors, task, {}, following)
    regressor.target_scale_, regressor.output_scale_ = scale, output_scale
    regressor.target_shape_, regressor.target_summary_ = shape, summary
    regressor.value_facts_ = ValueFacts.of(regressor.loss_)
    return regressor


def _label_classifier(description: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> ObjectiveLabelClassifier:
    n_labels = int(description["network"]["widths"][-1])
    task = TaskInfo(n_labels, description["n_training_rows"], tensors["class_counts"])
    classifier: ObjectiveLabelClassifier = _built(ObjectiveLabelClassifier, description, tensors, task, {})
    classifier.n_labels_ = n_labels
    classifier.classes_ = [np.arange(2) for _ in range(n_labels)]
    classifier.class_counts_ = tensors["class_counts"].numpy()
    return classifier


_BUILDERS: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Tensor]], NetworkEstimator]] = {
    "classifier": _classifier,
    "regressor": _regressor,
    "label classifier": _label_classifier,
}


def _scale_in(name: str, tensors: Mapping[str, Tensor], n_targets: int) -> TargetScale:
    parts = [tensors[f"{name}.{part}"].numpy() for part in ("shift", "scale")]
    if any(part.shape != (n_targets,) or part.dtype != np.float64 or not np.isfinite(part).all() for part in parts):
        raise InputError(f"the tensors of its {name} scale do not fit {n_targets} targets: save it again")
    return TargetScale(*parts)


def _built(
    estimator: Any,
    description: Mapping[str, Any],
    tensors: Mapping[str, Tensor],
    task: TaskInfo,
    own: Mapping[str, Any],
    following: Callable[[nn.Module, Loss], nn.Module] = lambda network, loss: network,
) -> Any:
    """An estimator of this class as `_parts` described it.

    Args:
        estimator: the class.
        description, tensors: what was saved.
        task: what the loss knew of the training rows.
        own: parameters of the class beside those that all estimators have.
        following: the network with what follows it for this loss.
    """
    objective, settings = description["objective"], description["settings"]
    component = _component("loss", objective["id"], objective["slug"])
    loss = bind(component, task, **objective["parameters"])
    _give(loss, _under("loss.", tensors), "loss")

    widths = description["network"]["widths"]
    network = following(mlp(widths[0], widths[-1], hidden=widths[1:-1], seed=0), loss)
    _give(network, _under("network.", tensors), "network")

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

    built = estimator(
        component,
        objective_parameters=objective["parameters"] or None,
        hidden=tuple(widths[1:-1]),
        encoder=parameter,
        metric=None if settings["metric"] is None else _component("metric", settings["metric"], ""),
        random_state=settings["random_state"],
        **{name: settings[name] for name in _SETTINGS},
        **own,
    )
    built.n_features_in_ = n_features
    if description["feature_names_in"] is not None:
        built.feature_names_in_ = np.array(description["feature_names_in"], dtype=object)
    built.encoder_ = encoder
    built.network_, built.loss_ = network.eval(), loss.eval()
    built.history_ = History(**description["history"])
    built.n_iter_ = built.history_.epochs
    built.n_training_rows_ = description["n_training_rows"]
    built.about_ = description["about"]
    return built


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
