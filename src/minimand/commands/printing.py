"""Results on stdout."""

from __future__ import annotations

import json
import sys


def print_json(content: object, *, indent: int = 2) -> None:
    """Print a result as JSON, in letters that stdout has."""
    plain = (sys.stdout.encoding or "ascii").lower().replace("-", "") != "utf8"
    print(json.dumps(content, indent=indent, ensure_ascii=plain, allow_nan=False))
