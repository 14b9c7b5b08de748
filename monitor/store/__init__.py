"""What is on record: results, the runs that they make, terms, heartbeats, and what became of samples.

Results are facts and are only ever added. Runs are kept in the transaction of the results that extend them, and can be
rebuilt from them. Nothing in here reads a clock: every time is given by the caller, in UTC milliseconds.

`Store` in `store.py` is the way in. The other modules hold plain functions over one open transaction, so that the same
statements serve every database.
"""

from monitor.store.ids import import_id, text_id
from monitor.store.records import Committed, Evidence, Imported, ImportRow, ScheduleEvent, StoredResult, StoreError
from monitor.store.store import Store

__all__ = [
    "Committed",
    "Evidence",
    "ImportRow",
    "Imported",
    "ScheduleEvent",
    "Store",
    "StoreError",
    "StoredResult",
    "import_id",
    "text_id",
]
