"""The right to write a ledger: held by one live process, and given up by its death.

It is an advisory lock on a small file beside the ledger. The system drops it when the process ends, however it ends, so
a killed run never has to be unlocked by hand. The file stays (removing it would let two processes lock two files of one
name) and holds the number of the process that has, or last had, the lock.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from pathlib import Path

from minimand.errors import InputError

_BUSY = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}
_FAR = 1 << 30  # Windows locks bytes against reading too: lock one that holds nothing


class WriterLock:
    """The lock of one ledger, taken on construction, given back by `release`."""

    def __init__(self, path: Path) -> None:
        """Takes the lock.

        Raises:
            InputError: another process (or another `Ledger` of this one) holds it, or the file system has no locks.
        """
        # a link here would have the file that it leads to emptied below
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        try:
            _lock(descriptor)
        except OSError as error:
            holder = os.read(descriptor, 32).decode("ascii", "replace").strip()
            os.close(descriptor)
            folder = path.resolve().parent
            if error.errno in _BUSY:
                who = f"process {holder}" if holder.isdigit() else "another process"
                raise InputError(
                    f"{folder} is in use by {who}, which is still running: wait for it to end, stop it, or choose "
                    "another --out"
                ) from None
            raise InputError(
                f"{folder} is on a file system without file locks ({error.strerror}): choose an --out on a local disk"
            ) from error
        with contextlib.suppress(OSError):  # the number is a courtesy; the lock holds without it
            os.ftruncate(descriptor, 0)
            os.lseek(descriptor, 0, os.SEEK_SET)
            os.write(descriptor, f"{os.getpid()}\n".encode("ascii"))
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """Gives the lock back; a second call does nothing."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        # flock, not fcntl's record locks: those are lost as soon as any descriptor of the file is closed in this
        # process.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
