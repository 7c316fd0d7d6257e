"""What a check of a component found: promises kept, skipped and broken, with a sentence where there is one to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class PromiseReport:
    """What `check_loss`, `check_metric` and their kin found, by the names of the promises."""

    name: str
    kept: tuple[str, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        counts = f"{len(self.kept)} promises kept, {len(self.broken)} broken, {len(self.skipped)} skipped"
        lines = [f"{self.name}: {counts}"]
        lines += [f"  broken  {name}: {why}" for name, why in self.broken.items()]
        lines += [f"  skipped {name}: {why}" for name, why in self.skipped.items()]
        return "\n".join([*lines, *(f"  kept    {name}" for name in self.kept)])


class BrokenPromisesError(AssertionError):
    """At least one promise is broken; `report` has all of them."""

    def __init__(self, report: PromiseReport) -> None:
        self.report = report
        what = "; ".join(f"{name}: {why}" for name, why in report.broken.items())
        super().__init__(f"{report.name} breaks {len(report.broken)} promises: {what}")
