"""Reading a table by the name of a file or of a bundled set; whatever is wrong with it becomes one sentence."""

from __future__ import annotations

import difflib
import errno
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from minimand.errors import InputError
from minimand.workbench.tables.bundled import bundled_names, bundled_table, is_bundled
from minimand.workbench.tables.table import Table, shown

DELIMITED = (".csv", ".tsv", ".txt", ".tab", ".data", ".psv")
SUFFIXES = (*DELIMITED, ".parquet", ".pq", ".npz")

_LARGEST_MODEST = 1 << 28
"""Bytes in memory up to which it does not matter from how few a table was unpacked."""
_MOST_TIMES = 100
_SPARSE_FROM = 1 << 30


def read_table(source: str | Path, *, header: bool = True) -> Table:
    """The table at a path, or a bundled one.

    Args:
        source: CSV or TSV (the delimiter is found among comma, semicolon, tab and bar), Parquet, NumPy's `.npz`, or the
            name of a bundled set. A path is taken literally: no wildcards, no address is opened.
        header: whether the first line of a CSV or TSV holds names. Without, columns are called "0", "1", ...

    Raises:
        InputError: the file cannot be read as a table; the message is one sentence.
    """
    if isinstance(source, str) and is_bundled(source) and not os.path.exists(source):
        return bundled_table(source)
    path = check_file(source)
    suffix = path.suffix.lower()
    try:
        if suffix in (".parquet", ".pq"):
            from minimand.workbench.tables.stored import read_parquet

            return read_parquet(path)
        if suffix == ".npz":
            from minimand.workbench.tables.stored import read_npz

            return read_npz(path)
        from minimand.workbench.tables.delimited import read_delimited

        return read_delimited(path, header=header)
    except PermissionError:
        raise InputError(f"{shown_path(path)} may not be read: permission denied.") from None
    except MemoryError:
        raise InputError(f"{shown_path(path)} does not fit into memory: give a sample of its rows.") from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            raise  # of the folder for temporary files: the data are not at fault
        raise InputError(f"{shown_path(path)} cannot be read: {error.strerror or type(error).__name__}.") from None


def check_file(source: str | Path) -> Path:
    """The path of a regular, readable file that is not empty and has a suffix we know.

    Raises:
        InputError: it is anything else.
    """
    text = os.fspath(source)
    if not text or "\0" in text:
        raise InputError("the path of the data is empty or has a NUL character in it: give the path of a file.")
    path = Path(text)
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(_not_found(text)) from None
    except PermissionError:
        raise InputError(f"{shown_path(path)} may not be read: permission denied.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise InputError(f"{shown_path(path)} cannot be read: {reason}.") from None
    if stat.S_ISDIR(status.st_mode):
        raise InputError(f"{shown_path(path)} is a folder: give the path of one file ({', '.join(SUFFIXES)}).")
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{shown_path(path)} is not a regular file but a pipe or device: save its content as a file.")
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(
            f"{shown_path(path)} has the unknown suffix {shown(path.suffix)!r}: known are {', '.join(SUFFIXES)}."
        )
    if status.st_size == 0:
        raise InputError(f"{shown_path(path)} is empty.")
    if status.st_size > _SPARSE_FROM and getattr(status, "st_blocks", status.st_size) * 512 < status.st_size // 100:
        # holes take no room but the time to read them
        raise InputError(
            f"{shown_path(path)} says that it is {in_words(status.st_size)} long, but nearly all of it was never "
            "written: give the whole file."
        )
    if not os.access(path, os.R_OK):
        raise InputError(f"{shown_path(path)} may not be read: permission denied.")
    return path


def _not_found(text: str) -> str:
    if Path(text).suffix.lower() in SUFFIXES or os.sep in text:
        folder = Path(text).parent
        try:
            beside = [name for name in os.listdir(folder) if Path(name).suffix.lower() in SUFFIXES]
        except OSError:
            beside = []
        near = difflib.get_close_matches(Path(text).name, beside, n=3, cutoff=0.6)
        hint = f": in that folder there is {', '.join(shown(name) for name in near)}" if near else ""
        return f"{shown_path(text)} does not exist{hint}."
    near = difflib.get_close_matches(text.lower(), bundled_names(), n=3, cutoff=0.5)
    hint = f"the nearest are {', '.join(near)}" if near else f"bundled are {', '.join(bundled_names())}"
    return f"{shown(text)!r} is neither a file nor the name of a bundled set: {hint}."


def shown_path(path: str | Path) -> str:
    """A path, safe to print."""
    return shown(os.fspath(path), most=300)


def refuse_bomb(path: Path, unpacked: int, *, cure: str) -> None:
    """Refuse a small file that claims to be a large table.

    Args:
        path: of the file.
        unpacked: bytes that its table takes in memory, by what the file says of itself.
        cure: what else to do with an honest file, as the end of the sentence.

    Raises:
        InputError: it takes more than 256 MiB and more than 100 times the file.
    """
    packed = max(1, path.stat().st_size)
    if unpacked > max(_LARGEST_MODEST, _MOST_TIMES * packed):
        raise InputError(
            f"{shown_path(path)} unpacks from {in_words(packed)} to {in_words(unpacked)}, as files do that are made to "
            f"fill the memory: give a sample of its rows, or {cure}."
        )


def in_words(size: int) -> str:
    """Bytes in the largest unit of which there is at least one."""
    for unit, power in (("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if size >= 1 << power:
            return f"{size / (1 << power):.3g} {unit}" if size < 1000 << power else f"{size >> power} {unit}"
    return f"{size} bytes"


def content_digest(path: Path) -> str:
    """sha256 of the bytes of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def literal_path(path: Path, suffix: str) -> Iterator[str]:
    """Another path to the same file that holds no character with a meaning to duckdb (`* ? [ ] '`, `://`)."""
    with tempfile.TemporaryDirectory(prefix="minimand-") as folder:
        link = Path(folder) / f"data{suffix}"
        try:
            link.symlink_to(path.resolve())
        except OSError:  # Windows without the right to make links
            import shutil

            shutil.copyfile(path, link)
        yield str(link)
