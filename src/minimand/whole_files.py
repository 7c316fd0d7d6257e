"""Files that are whole or absent: written beside their place, forced to disk, then renamed into it.

A rename inside one folder replaces the target in one step, so a reader, and a process that comes after a crash, find
the old file or the new one and never a part. A write that fails removes its temporary file; one that is killed cannot,
so the next writer of the folder clears what was left (`remove_leftovers`).
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from pathlib import Path

_LEFTOVER = ".minimand-part"
_DISK_FAILURES = {getattr(errno, name) for name in ("ENOSPC", "EDQUOT", "EIO", "EFBIG") if hasattr(errno, name)}


def write_atomically(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Writes a file so that it is never seen half-written.

    Args:
        path: the file to create or replace; its folder must exist.
        content: text (written as UTF-8, line ends as they are) or bytes.

    Raises:
        FileExistsError: a pipe or device is there, such as `/dev/null`, which a rename would replace.
        OSError: the disk is full, the place not writable, and so on; the target is then as it was (or, when only
            forcing the rename itself to disk failed, already new), and no temporary file is left.
    """
    target = Path(path)
    data = content.encode("utf-8") if isinstance(content, str) else content
    if target.exists() and not target.is_file() and not target.is_dir():
        raise FileExistsError(errno.EEXIST, "it is a pipe or a device", os.fspath(target))
    part = part_beside(target)
    try:
        # not tempfile, whose files only their owner may read: a report is there to be shared.
        with open(part, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename = os.fspath(target)  # a failed write names no file, and the part has a name that says little
        raise
    sync_folder(target.parent)


def is_disk_failure(error: OSError) -> bool:
    """Whether it is the disk that failed or is full, and not the place that was badly chosen."""
    return error.errno in _DISK_FAILURES


def part_beside(target: Path) -> Path:
    """A new name for the temporary file of a target, in the same folder."""
    # the name is cut: with the marks around it, a long file name would exceed the 255 bytes of a directory entry.
    return target.with_name(f".{target.name[:40]}.{secrets.token_hex(4)}{_LEFTOVER}")


def is_leftover(path: Path) -> bool:
    """Whether a file is the temporary file of a write that was killed."""
    return path.name.startswith(".") and path.name.endswith(_LEFTOVER)


def remove_leftovers(folder: Path) -> None:
    """Removes the temporary files that killed writers left in a folder; only its one writer may call this."""
    for path in folder.iterdir():
        if is_leftover(path):
            with contextlib.suppress(OSError):
                path.unlink()


def sync_folder(folder: Path) -> None:
    """Forces the names in a folder to disk, so that a rename or a new file survives a power cut."""
    if os.name == "nt":
        return  # Windows cannot open a folder, and orders such changes itself
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        error.filename = os.fspath(folder)  # a call on a descriptor names no file
        raise
    finally:
        os.close(descriptor)
