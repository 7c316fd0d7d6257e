"""A model on disk in two files: `model.json` says what it is, `model.safetensors` holds its numbers.

Nothing in them is executed, each is whole or absent at any moment, and the description holds the checksum of the
numbers: a pair that does not belong together is refused when it is loaded.
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
from torch import Tensor

import minimand
from minimand.errors import InputError
from minimand.whole_files import write_atomically

SCHEMA = 1
DESCRIPTION = "model.json"
NUMBERS = "model.safetensors"


def write_model(
    folder: str | os.PathLike[str], description: Mapping[str, Any], tensors: Mapping[str, Tensor]
) -> None:
    """Writes both files into a folder, which is created; an older model there is replaced.

    Raises:
        InputError: a description that JSON cannot hold, or a place that is no folder.
        OSError: the folder cannot be written.
    """
    numbers = safetensors.torch.save({name: value.detach().cpu().contiguous() for name, value in tensors.items()})
    heading = {"schema": SCHEMA, "version": minimand.__version__, "checksum": hashlib.sha256(numbers).hexdigest()}
    text = json.dumps(_packed(heading | dict(description)), indent=1, allow_nan=False)
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise InputError(f"a model cannot be saved in {place}, which is or lies in a file: name a folder") from None
    # the numbers first: a description is never there before what it describes.
    write_atomically(place / NUMBERS, numbers)
    write_atomically(place / DESCRIPTION, text.encode("ascii"))


def read_model(folder: str | os.PathLike[str]) -> tuple[dict[str, Any], bytes]:
    """The description and the content of the file of numbers, which belong together.

    Raises:
        InputError: a file that is missing, damaged or of another schema.
    """
    place = Path(folder)
    description = _read_description(place / DESCRIPTION)
    numbers = _read(place / NUMBERS)
    if hashlib.sha256(numbers).hexdigest() != description.get("checksum"):
        raise InputError(
            f"{place / NUMBERS} is damaged or belongs to another {DESCRIPTION}, its checksum is not the one that was "
            "saved: save the model again"
        )
    return description, numbers


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
