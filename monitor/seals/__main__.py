"""`python -m monitor.seals`: seals once; the request comes by standard input, the outcome goes to standard output."""

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path

from monitor.seals.keys import KeyProblem
from monitor.seals.making import seal
from monitor.seals.sealed import Sealed
from monitor.store import Store, StoreError


async def _seal(store_url: str, key_file: str, now_ms: int, runs_before_ms: int | None) -> Sealed:
    async with await Store.open(store_url) as store:
        return await seal(store, Path(key_file), now_ms, runs_before_ms=runs_before_ms)


def _main() -> int:
    request = json.load(sys.stdin)
    try:
        sealed = asyncio.run(_seal(**request))
    except (KeyProblem, StoreError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    json.dump(asdict(sealed), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(_main())
