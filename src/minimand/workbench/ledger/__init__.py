"""What a run keeps and how it gets done: the ledger, its folder, and workers that may die."""

from minimand.workbench.ledger.pool import TaskFailed, WorkerError, leave_if_worker_is_starting, run_tasks
from minimand.workbench.ledger.records import record_of_text, text_of_record
from minimand.workbench.ledger.run_folder import claim_out, default_out
from minimand.workbench.ledger.store import LEDGER_NAME, Ledger, LedgerError, is_ledger

__all__ = [
    "LEDGER_NAME",
    "Ledger",
    "LedgerError",
    "TaskFailed",
    "WorkerError",
    "claim_out",
    "default_out",
    "is_ledger",
    "leave_if_worker_is_starting",
    "record_of_text",
    "run_tasks",
    "text_of_record",
]
