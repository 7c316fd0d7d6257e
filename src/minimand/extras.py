"""Optional libraries, imported where they are used, with an error that names the extra to install."""

from __future__ import annotations

import importlib
from types import ModuleType


class MissingExtraError(ImportError):
    """An optional library is not installed."""


def require(module: str, *, extra: str) -> ModuleType:
    """The imported module, or an error that says which extra brings it.

    Args:
        module: dotted name, such as `"sklearn.metrics"`.
        extra: the extra of minimand that lists the library, such as `"workbench"`.

    Raises:
        MissingExtraError: the library is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        library = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != library:
            raise  # the library is there, but something that it needs is not: say that, not something else
        sentence = f"this needs {library}, which is not installed: pip install 'minimand[{extra}]'"
        raise MissingExtraError(sentence) from error
