"""The file that a bundle is: a ZIP archive with the same bytes for the same content, and a reader that trusts nothing.

Whoever hands over a bundle may mean ill. So nothing in it is ever written to a file of the name that it gives, names
are those of the format or the whole is refused, and no more is unpacked than the limits allow, whatever it says.
"""

import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType

from monitor.seals.canonical import TABLES

MANIFEST = "bundle.json"
RUNS, EVIDENCE, NAMES = "record/runs.csv", "record/evidence.json", "record/names.json"
# Whatever has another name is no part of a bundle.
_NAMES = re.compile(
    r"bundle\.json|report/uptime\.(html|pdf|csv|json)|record/(runs\.csv|evidence\.json|names\.json)"
    r"|keys/[0-9a-f]{16}\.pem|method/[a-z-]{1,40}\.md"
    rf"|seals/[0-9]{{6}}/(header\.json|signature|leaves)|(seals/[0-9]{{6}}|unsealed)/({'|'.join(TABLES)})\.rows",
    re.ASCII,
)
_RESULTS = re.compile(r"[a-z]+(/[0-9]+)?/(results|imported)\.rows", re.ASCII)

MEBIBYTE = 2**20
MOST_FILES = 100_000
LARGEST_FILE = 256 * MEBIBYTE  # of all but results, which are read piece by piece
LARGEST_TOTAL = 2**30  # the same of all of them together
LARGEST_RESULTS = 16 * 2**30  # results of all seals together; a year of eight probes asked every 30 s has 1 GiB
BLOCK = MEBIBYTE
# The beginning of what ZIP can say, for want of a time that would be the same whenever a bundle is made.
_NO_TIME = (1980, 1, 1, 0, 0, 0)
_READABLE = 0o100644 << 16
_UNIX, _ENCRYPTED = 3, 1


class BundleError(Exception):
    """This is no bundle that can be read; the text says why, and names the file inside."""


def seal_folder(number: int) -> str:
    return f"seals/{number:06}"


class BundleWriter:
    """Writes files into a new archive, one after the other; what they are told is all that its bytes depend on.

    (And the version of the library that compresses.) Use it in a `with` statement. Raises `OSError`.
    """

    def __init__(self, place: Path) -> None:
        self._archive = zipfile.ZipFile(place, "w")

    def __enter__(self) -> "BundleWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._archive.close()

    def add(self, name: str, content: Iterable[bytes] | bytes) -> None:
        """Content that comes in pieces takes no more memory than the largest of them."""
        entry = zipfile.ZipInfo(name, _NO_TIME)
        entry.create_system, entry.external_attr = _UNIX, _READABLE
        entry.compress_type = zipfile.ZIP_DEFLATED
        with self._archive.open(entry, "w", force_zip64=True) as opened:
            for piece in (content,) if isinstance(content, bytes) else content:
                opened.write(piece)


class BundleFile:
    """A bundle that is being read. Every method raises `BundleError`. Use it in a `with` statement.

    `on_bytes` is told of results as they are unpacked.
    """

    def __init__(self, place: Path, on_bytes: Callable[[int], None] = lambda _count: None) -> None:
        self._on_bytes = on_bytes
        try:
            self._archive = zipfile.ZipFile(place)
        except OSError as error:
            raise BundleError(f"{place} cannot be read: {error.strerror}") from error
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise BundleError(f"{place} is no bundle: {error}") from error
        self._sizes: dict[str, int] = {}
        # By whether they are results. What does not agree is read again, to see where.
        self._left = {True: 2 * LARGEST_RESULTS, False: 4 * LARGEST_TOTAL}
        try:
            self._sizes = _checked(self._archive.infolist())
        except BaseException:
            self._archive.close()
            raise

    def __enter__(self) -> "BundleFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._archive.close()

    def __contains__(self, name: str) -> bool:
        return name in self._sizes

    def names(self) -> list[str]:
        return list(self._sizes)

    def bytes_of_results(self) -> int:
        return sum(size for name, size in self._sizes.items() if _RESULTS.fullmatch(name))

    def read(self, name: str) -> bytes:
        """A whole file; nothing where it is not there."""
        return b"".join(self.blocks(name)) if name in self else b""

    def needed(self, name: str) -> bytes:
        if name not in self:
            raise BundleError(f"{name} is missing")
        return self.read(name)

    def blocks(self, name: str) -> Iterator[bytes]:
        """A file piece by piece; nothing where it is not there."""
        if name not in self:
            return
        results = _RESULTS.fullmatch(name) is not None
        # Counted again as it is unpacked: what the archive says of sizes is only what it says.
        left = self._sizes[name]
        try:
            with self._archive.open(name) as opened:
                while block := opened.read(BLOCK):
                    left -= len(block)
                    self._left[results] -= len(block)
                    if left < 0 or self._left[results] < 0:
                        raise BundleError(f"{name} is larger than it says, or was read too often")
                    if results:
                        self._on_bytes(len(block))
                    yield block
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
            raise BundleError(f"{name} is damaged: {error}") from error


def _checked(entries: list[zipfile.ZipInfo]) -> dict[str, int]:
    """The sizes by name. Raises `BundleError`."""
    if len(entries) > MOST_FILES:
        raise BundleError(f"there are {len(entries):,} files in it, and {MOST_FILES:,} is the most")
    sizes: dict[str, int] = {}
    total = {True: 0, False: 0}
    for entry in entries:
        name = entry.filename
        if not _NAMES.fullmatch(name) or name in sizes:
            raise BundleError(f"{name[:100]!r} is {'in it twice' if name in sizes else 'no file of a bundle'}")
        if entry.flag_bits & _ENCRYPTED or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BundleError(f"{name} is packed in a way that bundles are not")
        results = _RESULTS.fullmatch(name) is not None
        sizes[name] = entry.file_size
        total[results] += entry.file_size
        if not results and entry.file_size > LARGEST_FILE:
            raise BundleError(f"{name} is larger than {LARGEST_FILE:,} bytes")
    for results, most in ((True, LARGEST_RESULTS), (False, LARGEST_TOTAL)):
        if total[results] > most:
            raise BundleError(f"unpacked it would have {total[results]:,} bytes, and {most:,} is the most")
    return sizes
