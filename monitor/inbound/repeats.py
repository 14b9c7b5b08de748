"""Tells a mail that its sender tried again from a mail that was sent twice.

Both look the same on the wire. But a sender tries again only where it never got our answer, so a copy counts as one
more mail only if the sender of the copies before it went on after our 250. A retry gets the key of its first try, and
is stored once; a doubled mail gets a key of its own, so that it is not hidden from whoever looks for doubles.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable

# So many different mails are remembered; of an older one, a second copy is taken for a retry.
MAILS = 1_000


class Repeats:
    """Keys of the mails that came since the start. After a restart the first copy of each is taken for a retry."""

    def __init__(self, mails: int = MAILS) -> None:
        self._mails = mails
        self._used: OrderedDict[str, set[int]] = OrderedDict()

    def key(self, content: bytes, recipients: Iterable[str]) -> str:
        """The key of one more copy, in use until it is `forget`-ed."""
        digest = hashlib.sha256("\n".join(sorted(recipients)).encode("utf-8", "surrogateescape"))
        digest.update(b"\0" + content)
        name = digest.hexdigest()
        used = self._used.setdefault(name, set())
        self._used.move_to_end(name)
        if len(self._used) > self._mails:
            self._used.popitem(last=False)
        number = next(free for free in range(len(used) + 1) if free not in used)
        used.add(number)
        return f"{name}-{number}"

    def forget(self, key: str) -> None:
        """The sender cannot know that this copy was taken: if it comes again, it is the same mail."""
        name, _, number = key.rpartition("-")
        if name in self._used:
            self._used[name].discard(int(number))
