"""The folder of a run: its usual name, and the claim that it is free or ours.

The name follows from job, data and options, so the same command finds its folder again and goes on there. Nothing that
is not a run of minimand is ever written into.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from minimand.errors import InputError
from minimand.whole_files import is_disk_failure, is_leftover, part_beside
from minimand.workbench.ledger.store import LEDGER_NAME, LedgerError, is_ledger

_BESIDE_LEDGER = {LEDGER_NAME + suffix for suffix in ("-journal", "-wal", "-shm", ".lock")}


def default_out(job: str, data_name: str, digest: str) -> Path:
    """The folder a run gets without `--out`: `runs/<job>-<data>-<first 8 characters of the digest>`.

    Args:
        job: the command, such as `compare`.
        data_name: the data set's name or file; everything but letters, digits, dots, dashes and underscores becomes a
        dash. digest: the hash of data and options together.
    """
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", data_name).strip("-.")[:60] or "data"
    return Path("runs") / f"{job}-{name}-{digest[:8]}"


def claim_out(path: str | os.PathLike[str]) -> Path:
    """Creates a run folder, or accepts one that is empty or holds a run of ours; the ledger goes to its `LEDGER_NAME`.

    Whether the run in it is *this* run is for `Ledger.open` to say.

    Raises:
        InputError: the path is a file, cannot be written, or is a folder with other things in it.
        LedgerError: the disk is full or failed.
    """
    folder = Path(path)
    created = False
    probe = part_beside(folder / LEDGER_NAME)
    try:
        if os.path.lexists(folder) and not folder.is_dir():
            raise InputError(f"the output {folder} is a file, not a folder: choose another --out")
        if folder.is_dir():
            _refuse_strangers(folder)
        else:
            folder.mkdir(parents=True)
            created = True
        os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        probe.unlink(missing_ok=True)  # a run in this folder may have cleared it already
    except OSError as error:
        if created:
            with contextlib.suppress(OSError):
                probe.unlink(missing_ok=True)
                folder.rmdir()
        if is_disk_failure(error):
            raise LedgerError.at(folder, error.strerror) from error
        raise InputError(f"cannot write to the output {folder} ({error.strerror}): choose another --out") from error
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"the output {str(folder)!r} is no valid path ({error}): choose another --out") from error
    return folder


def _refuse_strangers(folder: Path) -> None:
    ledger = folder / LEDGER_NAME
    if is_ledger(ledger):
        return
    # what a run leaves that was killed before its ledger was whole is ours too
    for entry in folder.iterdir():
        if entry == ledger and ledger.is_file() and ledger.stat().st_size == 0:
            continue
        if entry.name not in _BESIDE_LEDGER and not is_leftover(entry):
            if entry == ledger:
                raise InputError(f"{ledger} is not a ledger of minimand: choose another --out, or move that file away")
            raise InputError(
                f"the output {folder} is not empty and holds no run of minimand (it has {entry.name!r}): choose "
                "another --out"
            )
