"""What a comparison is the same as: the hash of data, options and objects by which a run is found and resumed."""

from __future__ import annotations

import functools
import hashlib
import inspect
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

import minimand
from minimand.contracts.card import card_of
from minimand.workbench.compare.options import Options
from minimand.workbench.ledger import claim_out, default_out
from minimand.workbench.tables import Dataset

SCHEMA = "1"


def identity_of(
    options: Options,
    dataset: Dataset,
    objectives: Mapping[str, Any] | None,
    model: Callable[[int, int], nn.Module] | None,
) -> dict[str, str]:
    """What must be the same for a ledger to be gone on with."""
    return {
        "schema": SCHEMA,
        "job": "compare",
        "version": minimand.__version__,
        "data": dataset.digest,
        "options": options_digest(options, objectives, model),
    }


def run_folder(
    options: Options,
    dataset: Dataset,
    objectives: Mapping[str, Any] | None,
    model: Callable[[int, int], nn.Module] | None,
) -> Path:
    """The folder of the run, made if need be: the one asked for, or one named by data and options."""
    if options.out is not None:
        return claim_out(options.out)
    digest = hashlib.sha256((dataset.digest + options_digest(options, objectives, model)).encode()).hexdigest()
    return claim_out(default_out("compare", dataset.name, digest))


def options_digest(
    options: Options, objectives: Mapping[str, Any] | None, model: Callable[[int, int], nn.Module] | None
) -> str:
    """A hash of what decides the result besides the data."""
    own = {name: fingerprint(objective) for name, objective in (objectives or {}).items()}
    return options.digest(objectives=own, model=None if model is None else fingerprint(model))


def fingerprint(obj: Any) -> str:
    """A hash that differs when an object from Python would compute something else.

    Functions count by their code, defaults and what they close over, modules by their text and their tensors. What
    cannot be looked into gets a hash of its own each time: a run with it is never taken for another, nor resumed.
    """
    digest = hashlib.sha256()
    for part in _parts(obj, depth=0):
        digest.update(f"\x1e{part}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _parts(obj: Any, *, depth: int) -> list[str]:
    card = card_of(obj) if inspect.isfunction(obj) or inspect.isclass(obj) else None
    if card is not None:
        return [card.id]
    if obj is None or isinstance(obj, (str, bytes, bool, int, float, complex)):
        return [repr(obj)]
    if isinstance(obj, torch.Tensor):
        return [str(obj.dtype), str(obj.detach().cpu().tolist())]
    if depth > 5:
        return [uuid.uuid4().hex]
    if isinstance(obj, (list, tuple, set, frozenset)):
        items = sorted(obj, key=repr) if isinstance(obj, (set, frozenset)) else obj
        return [type(obj).__name__, *(part for item in items for part in _parts(item, depth=depth + 1))]
    if isinstance(obj, dict):
        return ["dict", *(part for pair in obj.items() for part in _parts(pair, depth=depth + 1))]
    if isinstance(obj, functools.partial):
        return ["partial", *_parts((obj.func, obj.args, obj.keywords), depth=depth + 1)]
    if inspect.isfunction(obj):
        closed_over = [cell.cell_contents for cell in obj.__closure__ or ()]
        bound = (obj.__defaults__, obj.__kwdefaults__, closed_over)
        return [obj.__qualname__, *_code(obj.__code__), *_parts(bound, depth=depth + 1)]
    if isinstance(obj, nn.Module):
        state = [(name, tensor) for name, tensor in obj.state_dict().items()]
        return [f"{type(obj).__module__}.{type(obj).__qualname__}", repr(obj), *_parts(state, depth=depth + 1)]
    if inspect.isclass(obj) or inspect.isbuiltin(obj):
        return [f"{obj.__module__}.{obj.__qualname__}"]
    if hasattr(obj, "__dict__") and not inspect.ismodule(obj):
        return [f"{type(obj).__module__}.{type(obj).__qualname__}", *_parts(vars(obj), depth=depth + 1)]
    return [uuid.uuid4().hex]


def _code(code: Any) -> list[str]:
    """Byte code, names and constants of a function and of the functions written inside it."""
    inner = [part for constant in code.co_consts if inspect.iscode(constant) for part in _code(constant)]
    plain = [repr(constant) for constant in code.co_consts if not inspect.iscode(constant)]
    return [code.co_code.hex(), repr(code.co_names), *plain, *inner]
