"""`python -m standin.backups.restore BACKUP_FILE SCRATCH_DIR`: restores a backup and prints its samples.

One sample of one channel a line, as JSON or CSV, `time` in Unix seconds; all of the history, or a part.
"""

import argparse
import csv
import json
import sqlite3
import sys
from pathlib import Path

from standin.backups import scratch

COLUMNS = ("serial", "time", "channel", "value")
_QUERY = """
SELECT points.serial, samples.time, samples.channel, samples.value FROM samples
JOIN points ON points.id = samples.point_id
WHERE points.serial LIKE ? AND samples.time BETWEEN ? AND ? ORDER BY serial, time, copy, channel
"""


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0, or 1 for a backup that cannot be restored."""
    given = _parser().parse_args(arguments)
    try:
        restored = scratch.restore(given.backup, given.scratch.absolute())
        samples = scratch.rows(restored, _QUERY, (given.serial, given.first, given.last))
    except (OSError, sqlite3.Error) as error:
        sys.stderr.write(f"the backup cannot be restored: {error}\n")
        return 1
    if given.csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(tuple(row) for row in samples)
    else:
        sys.stdout.writelines(json.dumps(dict(zip(COLUMNS, row, strict=True))) + "\n" for row in samples)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Restore a backup of the stand-in and print its samples.")
    parser.add_argument("backup", type=Path, help="the backup's file")
    parser.add_argument("scratch", type=Path, help="the directory to restore into")
    parser.add_argument("--serial", default="%", help="only this sensor")
    parser.add_argument("--first", type=int, default=0, help="only from this time on, in Unix seconds")
    parser.add_argument("--last", type=int, default=2**53, help="only up to this time, in Unix seconds")
    parser.add_argument("--csv", action="store_true", help="CSV with a heading instead of JSON lines")
    return parser


if __name__ == "__main__":
    sys.exit(main())
