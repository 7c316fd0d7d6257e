"""The ledger: one SQLite file that keeps every finished training of a run, so that no kill can lose it.

A record is one committed transaction, and `put` returns only after the commit. The file is in WAL mode with
`synchronous=FULL`: a committed record survives `kill -9` of the process, and also a power cut as far as the disk keeps
its promise to have written what it was told to force out. (`NORMAL` would be enough for `kill -9`, but may drop the
last records in a power cut. The price of `FULL` is one forced write a record, some milliseconds beside a training of
seconds.) WAL wants a local disk.

One process writes at a time (`WriterLock`); any number may read meanwhile. A ledger knows what it is the ledger *of*,
its identity: the hashes of data and options and the schema of its records. Opened with another identity it refuses,
since mixing two runs would be worse than losing one.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from minimand.errors import InputError
from minimand.whole_files import is_disk_failure, remove_leftovers, sync_folder
from minimand.workbench.ledger.records import checksum, record_of_text, same_record, text_of_record
from minimand.workbench.ledger.writer_lock import WriterLock

LEDGER_NAME = "ledger.sqlite"
"""The name of the ledger in a run folder."""

_APPLICATION_ID = 0x6D6E6D64  # "mnmd", in the header of every ledger
_LAYOUT = 1  # of the tables below; the schema of the records is part of the identity
_MAGIC = b"SQLite format 3\x00"
_DISK_FAILURES = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}
_PLAN = "plan"
_TABLES = (
    "CREATE TABLE identity (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE plan (name TEXT PRIMARY KEY, text TEXT NOT NULL, checksum TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE records (key TEXT PRIMARY KEY, text TEXT NOT NULL, checksum TEXT NOT NULL) WITHOUT ROWID",
)


class LedgerError(RuntimeError):
    """A record that could not be written, most often because the disk is full; what was committed before is safe."""

    exit_code = 3

    @classmethod
    def at(cls, place: Path, reason: object) -> Self:
        """The sentence about a place where nothing could be written."""
        return cls(
            f"cannot write to {place} ({reason}): make room or mend the disk, then give the same command to go on"
        )


class Ledger:
    """The finished trainings of a run by key, each a dict of plain values, kept in one SQLite file.

    Made by `Ledger.open` (to write) or `Ledger.read`; a context manager. Keys and items come in the order of the keys,
    which does not depend on the order in which workers finished.
    """

    def __init__(
        self, connection: sqlite3.Connection, path: Path, identity: Mapping[str, str], lock: WriterLock | None
    ) -> None:
        """Used by `open` and `read` only."""
        self._connection = connection
        self._lock = lock
        self.path = path
        self.identity = dict(identity)

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, identity: Mapping[str, str]) -> Self:
        """Opens a ledger for writing, and creates it if it is not there.

        Args:
            path: the file; its folder must exist.
            identity: what the run is of, such as `{"schema": "1", "job": "compare", "data": <hash>, "options":
                <hash>}`.

        Raises:
            InputError: the file is no ledger or damaged, another process writes it, or it belongs to another identity.
            LedgerError: the disk is full or failed.
        """
        for name, value in identity.items():
            if not isinstance(name, str) or not isinstance(value, str):
                raise TypeError(f"identity must map strings to strings, got {name!r}: {value!r}")
        path = Path(path)
        if not path.parent.is_dir():
            raise InputError(f"the folder {path.parent} does not exist: create it first, or choose another --out")
        _refuse_foreign(path)  # before the lock: nothing is written beside a file that is not ours
        try:
            lock = WriterLock(path.with_name(path.name + ".lock"))
        except OSError as error:
            if is_disk_failure(error):
                raise LedgerError.at(path.parent, error.strerror) from error
            raise InputError(f"cannot write in {path.parent} ({error.strerror}): choose another --out") from error
        with contextlib.ExitStack() as undo:
            undo.callback(lock.release)
            remove_leftovers(path.parent)
            connection = _connect(path, "rwc")
            undo.callback(connection.close)
            try:
                with _reading(path):
                    _prepare(connection, path, identity)
                    stored = _stored_identity(connection, path)
            except OSError as error:
                raise LedgerError.at(path, error.strerror) from error
            except LedgerError as error:
                raise LedgerError.at(path, error.__cause__) from error.__cause__
            _require_same_identity(path, stored, identity)
            undo.pop_all()
        return cls(connection, path, stored, lock)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """Opens a ledger for reading, also while another process writes it.

        Raises:
            InputError: there is no file, or it is no ledger, or damaged.
        """
        path = Path(path)
        if not path.exists():
            raise InputError(f"there is no ledger {path}: give the folder of a run that was started")
        _refuse_foreign(path)
        connection = _connect(path, "ro")
        try:
            with _reading(path):
                try:
                    identity = _stored_identity(connection, path)
                except sqlite3.OperationalError as error:
                    # What a failed disk has cut off in mid-transaction must be rolled back, which SQLite does safely.
                    # Else a WAL file cannot be shared where nothing may be created, as on a read-only disk: read it
                    # alone.
                    cut_off = error.sqlite_errorcode == sqlite3.SQLITE_READONLY_ROLLBACK
                    connection.close()
                    connection = _connect(path, "rw" if cut_off else "ro&immutable=1")
                    identity = _stored_identity(connection, path)
        except BaseException:
            connection.close()
            raise
        return cls(connection, path, identity, None)

    def get(self, key: str) -> dict[str, Any] | None:
        """The record of a key, or None; InputError if it was damaged on the disk."""
        with _reading(self.path):
            row = self._connection.execute("SELECT text, checksum FROM records WHERE key = ?", (key,)).fetchone()
        return None if row is None else self._checked(key, *row)

    def put(self, key: str, record: dict[str, Any]) -> None:
        """Commits a record; when this returns, the record is safe.

        The same record again is accepted and changes nothing; a finished training is never overwritten by another.

        Raises:
            ValueError: the key holds another record.
            TypeError: the record holds something that would not come back as it is.
            LedgerError: it could not be written.
        """
        if not isinstance(key, str):
            raise TypeError(f"key must be a string, got {key!r}")
        self._write_once("records", "key", key, text_of_record(record))

    def put_all(self, records: Mapping[str, dict[str, Any]]) -> None:
        """Commits several records at once: when this returns they are all safe, and if it fails none of them is there.

        Raises:
            ValueError: a key holds another record.
            TypeError: a record holds something that would not come back as it is.
            LedgerError: they could not be written.
        """
        texts = {key: text_of_record(record) for key, record in records.items()}
        with self._transaction():
            for key, text in texts.items():
                self._write_once("records", "key", key, text)

    def keys(self) -> list[str]:
        """The keys of all records, sorted."""
        with _reading(self.path):
            return [key for (key,) in self._connection.execute("SELECT key FROM records ORDER BY key")]

    def items(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The records with their keys, in the order of the keys, as they stand at the call."""
        with _reading(self.path):
            rows = self._connection.execute("SELECT key, text, checksum FROM records ORDER BY key").fetchall()
        return ((key, self._checked(key, text, digest)) for key, text, digest in rows)

    def count(self) -> int:
        """The number of records."""
        with _reading(self.path):
            return int(self._connection.execute("SELECT count(*) FROM records").fetchone()[0])

    @property
    def plan(self) -> dict[str, Any] | None:
        """What the run set out to do, or None before it is decided; set once, since resuming follows the plan.

        Setting an equal plan again is accepted; another one raises ValueError.
        """
        with _reading(self.path):
            row = self._connection.execute("SELECT text, checksum FROM plan WHERE name = ?", (_PLAN,)).fetchone()
        return None if row is None else self._checked(_PLAN, *row)

    @plan.setter
    def plan(self, plan: dict[str, Any]) -> None:
        self._write_once("plan", "name", _PLAN, text_of_record(plan))

    def close(self) -> None:
        """Folds the write-ahead log into the file and gives the lock back; a second call does nothing."""
        self._connection.close()
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Ledger({str(self.path)!r})"

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        """All of what is written inside, or nothing."""
        if self._lock is None:
            raise ValueError(f"{self!r} was opened for reading")
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            yield
            self._connection.execute("COMMIT")
        except BaseException as error:
            with contextlib.suppress(sqlite3.Error):  # what failed may have ended the transaction
                self._connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.ProgrammingError):
                raise self._unwritable(error) from error
            raise

    def _unwritable(self, error: sqlite3.Error) -> LedgerError:
        return LedgerError(
            f"cannot write to {self.path} ({error}): make room or mend the disk, then give the same command to go on"
        )

    def _write_once(self, table: str, column: str, key: str, text: str) -> None:
        if self._lock is None:
            raise ValueError(f"{self!r} was opened for reading")
        row = (key, text, checksum(key, text))
        try:
            # one statement in autocommit mode is one transaction: it is committed when execute returns.
            self._connection.execute(f"INSERT INTO {table} ({column}, text, checksum) VALUES (?, ?, ?)", row)
        except sqlite3.IntegrityError:
            held = self._connection.execute(f"SELECT text FROM {table} WHERE {column} = ?", (key,)).fetchone()[0]
            if not same_record(held, text):
                what = "plan" if table == "plan" else f"record for {key!r}"
                raise ValueError(f"{self!r} already holds another {what}, and never overwrites one") from None
        except sqlite3.ProgrammingError:
            raise  # a closed ledger or a wrong thread is the caller's error, not the disk's
        except sqlite3.Error as error:
            raise LedgerError.at(self.path, error) from error

    def _checked(self, key: str, text: str, digest: str) -> dict[str, Any]:
        if checksum(key, text) != digest:
            raise _damaged(self.path, f"the checksum of {key!r} is wrong")
        return record_of_text(text)


def is_ledger(path: str | os.PathLike[str]) -> bool:
    """Whether a file bears the mark of a ledger in its header."""
    try:
        if not Path(path).is_file():  # to open a pipe would wait for its other end
            return False
        with Path(path).open("rb") as file:
            header = file.read(100)
    except OSError:
        return False
    return len(header) == 100 and header.startswith(_MAGIC) and _application_id(header) == _APPLICATION_ID


def _application_id(header: bytes) -> int:
    return int(struct.unpack(">I", header[68:72])[0])


def _refuse_foreign(path: Path) -> None:
    """Raises InputError for anything but a ledger, an empty file or no file, without opening it as a database."""
    # SQLite itself would already change another program's database, by recovering its journal.
    if not path.exists() or is_ledger(path):
        return
    if not path.is_file():
        raise InputError(f"{path} is not a file: choose another --out")
    try:
        empty = path.stat().st_size == 0
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
    except OSError as error:
        raise InputError(f"cannot read {path} ({error.strerror}): choose another --out") from error
    if not empty:
        what = "is another program's database" if start == _MAGIC else "is not a ledger of minimand"
        raise InputError(f"{path} {what}: choose another --out, or move that file away")


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    try:
        # autocommit: transactions begin and end where this file says so, not where the driver guesses.
        return sqlite3.connect(f"{path.resolve().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=30)
    except sqlite3.Error as error:
        if mode == "rwc":
            raise LedgerError.at(path, error) from error  # that the folder can be written is known
        raise InputError(f"cannot open {path} ({error}): choose another --out") from error


def _prepare(connection: sqlite3.Connection, path: Path, identity: Mapping[str, str]) -> None:
    connection.execute("PRAGMA synchronous = FULL")
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
        # Before WAL, in one transaction: the header with our mark then reaches the file itself, and a process killed
        # here leaves an empty file or a whole ledger, never a database without an owner.
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {_LAYOUT}")
        for table in _TABLES:
            connection.execute(table)
        connection.executemany("INSERT INTO identity VALUES (?, ?)", sorted(identity.items()))
        connection.execute("COMMIT")
        sync_folder(path.parent)
    else:
        problem = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if problem != "ok":
            raise _damaged(path, problem.splitlines()[-1])  # the first line only names the database
    connection.execute("PRAGMA journal_mode = WAL")


def _stored_identity(connection: sqlite3.Connection, path: Path) -> dict[str, str]:
    layout = connection.execute("PRAGMA user_version").fetchone()[0]
    if layout != _LAYOUT and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise InputError(
            f"{path} was written by another version of minimand (layout {layout}, this one has {_LAYOUT}): use that "
            "version, choose another --out, or delete the folder"
        )
    try:
        return dict(connection.execute("SELECT name, value FROM identity ORDER BY name"))
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            raise InputError(f"{path} is empty: its run was stopped before it began, so start it again") from None
        raise


def _require_same_identity(path: Path, stored: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    names = [name for name in dict.fromkeys([*wanted, *stored]) if stored.get(name) != wanted.get(name)]
    if not names:
        return
    differences = [
        f"{name.replace('_', ' ')} ({_short(stored.get(name))} there, {_short(wanted.get(name))} now)" for name in names
    ]
    listed = differences[0] if len(differences) == 1 else f"{', '.join(differences[:-1])} and {differences[-1]}"
    raise InputError(
        f"the run in {path.resolve().parent} differs from this one in its {listed}: choose another --out, or delete "
        "that folder to start again"
    )


def _short(value: str | None) -> str:
    if value is None:
        return "absent"
    return value if len(value) <= 20 else value[:12]


def _damaged(path: Path, problem: str) -> InputError:
    return InputError(
        f"the ledger {path} is damaged ({problem}): restore it from a copy, or delete the folder to start again"
    )


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turns what SQLite says of a broken file into one sentence for the user."""
    try:
        yield
    except sqlite3.ProgrammingError:
        raise
    except sqlite3.OperationalError as error:
        said = f"cannot read the ledger {path} ({error}): see to its disk and permissions, or choose another --out"
        if error.sqlite_errorcode & 0xFF in _DISK_FAILURES:
            raise LedgerError(said) from error
        raise InputError(said) from error
    except sqlite3.DatabaseError as error:
        raise _damaged(path, str(error)) from error
