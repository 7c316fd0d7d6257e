"""What a run keeps and how it gets done: the ledger, its folder, and workers that may die."""

from minimand.workbench.ledger.pool import leave_if_worker_is_starting, open_pool, run_tasks
from minimand.workbench.ledger.records import record_of_text, text_of_record
from minimand.workbench.ledger.run_folder import claim_out, default_out
from minimand.workbench.ledger.store import LEDGER_NAME, Ledger, LedgerError, is_ledger
from minimand.workbench.ledger.tasks import Pool, TaskFailed, WorkerError

__all__ = [
    "LEDGER_NAME",
    "Ledger",
    "LedgerError",
    "Pool",
    "TaskFailed",
    "WorkerError",
    "claim_out",
    "default_out",
    "is_ledger",
    "leave_if_worker_is_starting",
    "open_pool",
    "record_of_text",
    "run_tasks",
    "text_of_record",
]
