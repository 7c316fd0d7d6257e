"""Files that are whole or absent: written beside their place, forced to disk, then renamed into it.

A rename inside one folder replaces the target in one step, so a reader, and a process that comes after a crash, find
the old file or the new one and never a part. A write that fails removes its temporary file; one that is killed cannot,
so the next writer of the folder clears what was left (`remove_leftovers`).
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

_LEFTOVER = ".minimand-part"


def write_atomically(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Writes a file so that it is never seen half-written.

    Args:
        path: the file to create or replace; its folder must exist.
        content: text (written as UTF-8, line ends as they are) or bytes.

    Raises:
        OSError: the disk is full, the place not writable, and so on; the target is then as it was (or, when only
            forcing the rename itself to disk failed, already new), and no temporary file is left.
    """
    target = Path(path)
    data = content.encode("utf-8") if isinstance(content, str) else content
    part = part_beside(target)
    try:
        # not tempfile, whose files only their owner may read: a report is there to be shared.
        with open(part, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, target)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


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
    finally:
        os.close(descriptor)
