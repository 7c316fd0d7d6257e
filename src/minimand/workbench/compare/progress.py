"""Where a comparison says how far it is: nowhere, or on a terminal's standard error."""

from __future__ import annotations

import time
from typing import Any, Protocol


class Progress(Protocol):
    """What a job tells about its progress."""

    def say(self, text: str) -> None:
        """A new part of the job begins."""

    def start(self, total: int, done: int) -> None:
        """So many trainings follow, and so many of them are in the ledger already."""

    def advance(self, key: str, record: dict[str, Any]) -> None:
        """A training has ended, and its record is safe."""

    def stop(self) -> None:
        """The trainings of this part are over."""


class Silent:
    """Says nothing."""

    def say(self, text: str) -> None: ...

    def start(self, total: int, done: int) -> None: ...

    def advance(self, key: str, record: dict[str, Any]) -> None: ...

    def stop(self) -> None: ...


class Terminal:
    """A bar with the time left on a terminal; a plain line now and then where standard error is none."""

    SECONDS_BETWEEN_LINES = 15.0

    def __init__(self) -> None:
        from rich.console import Console

        self.console = Console(stderr=True)
        self._bar: Any = None
        self._last_line = 0.0
        self._total = self._done = 0

    def say(self, text: str) -> None:
        self.console.print(text, style="dim", highlight=False, markup=False)  # names from the data are no markup

    def start(self, total: int, done: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._total, self._done = total, done
        if done:
            self.say(f"{done} of {total} trainings are in the ledger already")
        if self.console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, console=self.console)
            self._bar.start()
            self._task = self._bar.add_task("trainings", total=total, completed=done)

    def advance(self, key: str, record: dict[str, Any]) -> None:
        self._done += 1
        if self._bar is not None:
            self._bar.update(self._task, advance=1, description=key)
        elif time.monotonic() - self._last_line > self.SECONDS_BETWEEN_LINES or self._done == self._total:
            self._last_line = time.monotonic()
            self.console.print(f"{self._done} of {self._total} trainings ({key})", highlight=False, markup=False)

    def stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
