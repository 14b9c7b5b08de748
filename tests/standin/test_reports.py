"""The stand-in's reports: what is in a file, how a job goes, and that each fault shows while it is on."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader

from standin.catalogue import CATALOGUE
from standin.fault_model import Interface
from standin.reports import files
from tests.standin.customer import deliver
from tests.standin.receivers import Mailbox, configure, until
from tests.standin.world import SERIAL, SILENCE_SECONDS, HttpExchange, World, http_exchange

PATH = "/api/v2/reports"
PERIOD = {"from": "2026-09-21 14:00:00", "to": "2026-09-21 14:30:00"}
"""Around T, in the zone of requests."""
Shows = Callable[[World], Awaitable[bool]]
EVIDENCE: dict[str, Shows] = {}


def evidence(*faults: str) -> Callable[[Shows], Shows]:
    def register(shows: Shows) -> Shows:
        EVIDENCE.update(dict.fromkeys(faults, shows))
        return shows

    return register


async def ask(world: World, form: str = "csv", **headers: str) -> HttpExchange:
    body = f'{{"format": "{form}", "sensors": ["{SERIAL}"], "from": "{PERIOD["from"]}", "to": "{PERIOD["to"]}"}}'
    headers = {"Authorization": world.api_token, "Content-Type": "application/json", **headers}
    return await http_exchange(world.port("reports"), "POST", PATH, headers, body.encode(), SILENCE_SECONDS)


async def get(world: World, path: str) -> tuple[int, str, bytes]:
    headers = {"Authorization": world.api_token}
    async with world.http.get(world.url("reports") + path, headers=headers) as response:
        return response.status, response.content_type, await response.read()


async def state_of(world: World, number: int) -> str:
    """Once it is settled; pending where that takes too long."""
    for _ in range(50):
        async with world.http.get(
            f"{world.url('reports')}/{number}", headers={"Authorization": world.api_token}
        ) as got:
            state = str((await got.json())["state"])
        if state != "pending":
            return state
        await asyncio.sleep(0.01)
    return "pending"


async def report(world: World, form: str = "csv") -> bytes:
    number = (await ask(world, form)).json()["id"]
    assert await state_of(world, number) == "ready"
    return (await get(world, f"/{number}/file"))[2]


async def lines(world: World) -> list[str]:
    return (await report(world)).decode(errors="replace").splitlines()


@pytest.fixture(autouse=True)
def _at_once(world: World) -> None:
    world.platform.live.change({"reports": {"delay_seconds": 0.0}})


@pytest.fixture(autouse=True)
async def delivered(world: World) -> list[int]:
    return [await deliver(world, "gateway") for _ in range(3)]


async def test_every_format_holds_the_same_rows(world: World, delivered: list[int]) -> None:
    wanted = [["2026-09-21 16:15:00", SERIAL, "TEMPERATURE", "21.5"], ["2026-09-21 16:15:00", SERIAL, "HUMIDITY", "44"]]
    rows = [line.split(",") for line in await lines(world)]
    assert rows[0] == ["Measurements from 2026-09-21 16:00:00 to 2026-09-21 16:30:00"]
    assert rows[1:4] == [list(files.COLUMNS), *wanted]
    assert len(rows) == 2 + 2 * len(delivered)
    book = load_workbook(io.BytesIO(await report(world, "xlsx")))
    cells = [[str(cell) for cell in row if cell is not None] for row in book.worksheets[0].iter_rows(values_only=True)]
    assert cells == rows
    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(await report(world, "pdf"))).pages)
    assert " ".join(wanted[0]) in " ".join(text.split())


async def test_the_same_data_make_the_same_file(world: World) -> None:
    assert [await report(world, form) for form in ("pdf", "csv")] == [
        await report(world, form) for form in ("pdf", "csv")
    ]


async def test_a_file_is_handed_out_under_its_name_and_type(world: World) -> None:
    number = (await ask(world, "pdf")).json()["id"]
    assert await state_of(world, number) == "ready"
    headers = {"Authorization": world.api_token}
    async with world.http.get(f"{world.url('reports')}/{number}/file", headers=headers) as response:
        assert response.content_type == "application/pdf"
        assert response.headers["Content-Disposition"] == 'attachment; filename="report.pdf"'


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"format": "pdf"}', b'{"format": "doc", "sensors": ["1"], "from": "", "to": ""}']
)
async def test_what_is_no_order_is_refused(world: World, body: bytes) -> None:
    headers = {"Authorization": world.api_token}
    assert (await http_exchange(world.port("reports"), "POST", PATH, headers, body)).status == 400


async def test_strangers_get_nothing(world: World) -> None:
    assert (await ask(world, Authorization="no token")).status == 401


async def test_old_jobs_are_forgotten(world: World) -> None:
    number = (await ask(world)).json()["id"]
    await state_of(world, number)
    world.clock.advance(601)
    await report(world)
    assert (await get(world, f"/{number}"))[0] == 404


async def test_scheduled_reports_are_mailed(world: World) -> None:
    async with Mailbox().open() as mailbox:
        await configure(world, smtp_host="127.0.0.1", smtp_port=mailbox.port)
        world.platform.live.change({"reports": {"scheduled": {"every_seconds": 60.0, "format": "csv"}}})
        world.clock.advance(61)
        await until(lambda: mailbox.mails)
    (message,) = mailbox.mails
    assert str(message["Subject"]).startswith("Scheduled report 2026-09-21 16:")
    (attached,) = message.iter_attachments()
    assert (attached.get_filename(), attached.get_content_type()) == ("report.csv", "text/csv")


@evidence("refuse")
async def refused(world: World) -> bool:
    return (await ask(world)).ending == "refused"


@evidence("timeout")
async def silent(world: World) -> bool:
    answer = await ask(world)
    return (answer.received, answer.ending) == (b"", "silent")


@evidence("reset")
async def reset(world: World) -> bool:
    return (await ask(world)).ending == "reset"


@evidence("slow")
async def slow(world: World) -> bool:
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with world.http.post(world.url("reports")) as response:
        await response.read()
    return loop.time() - began >= 0.3


@evidence("wrong-status")
async def wrong_status(world: World) -> bool:
    return (await ask(world)).status == 500


@evidence("redirect-loop")
async def redirected(world: World) -> bool:
    return (await ask(world)).status == 307


@evidence("garbage")
async def garbage(world: World) -> bool:
    return not (await ask(world)).received.startswith(b"HTTP/")


@evidence("wrong-schema")
async def wrong_schema(world: World) -> bool:
    return "id" not in (await ask(world)).json()


@evidence("wrong-content-type")
async def wrong_content_type(world: World) -> bool:
    return "text/html" in (await ask(world)).headers["content-type"]


@evidence("truncated")
async def truncated(world: World) -> bool:
    answer = await ask(world)
    return len(answer.body) < int(answer.headers.get("content-length", 0)) and answer.ending == "closed"


@evidence("half-open")
async def half_open(world: World) -> bool:
    answer = await ask(world)
    return 0 < len(answer.body) < int(answer.headers.get("content-length", 0)) and answer.ending == "silent"


@evidence("endless")
async def endless(world: World) -> bool:
    return (await ask(world)).headers.get("transfer-encoding") == "chunked"


@evidence("report-never-ready")
async def never_ready(world: World) -> bool:
    return await state_of(world, (await ask(world)).json()["id"]) == "pending"


@evidence("report-failed")
async def failed(world: World) -> bool:
    return await state_of(world, (await ask(world)).json()["id"]) == "failed"


@evidence("corrupt-report")
async def corrupt(world: World) -> bool:
    return b"\x00" in await report(world)


@evidence("empty-report")
async def empty(world: World) -> bool:
    return len(await lines(world)) == 2


@evidence("other-format")
async def other_format(world: World) -> bool:
    return (await report(world)).startswith(b"<!doctype html>")


@evidence("other-period")
async def other_period(world: World) -> bool:
    return "2026-09-20" in (await lines(world))[0]


@evidence("missing-samples")
async def missing(world: World) -> bool:
    return len(await lines(world)) < 8


@evidence("altered-samples")
async def altered(world: World) -> bool:
    return any("22.5" in line for line in await lines(world))


@evidence("doubled-samples")
async def doubled(world: World) -> bool:
    return len(await lines(world)) == 14


@evidence("no-scheduled-report")
async def not_mailed(world: World) -> bool:
    mailer = world.platform.mailer
    before = len(mailer.mails)
    world.platform.live.change({"reports": {"scheduled": {"every_seconds": 60.0, "format": "csv"}}})
    world.clock.advance(61)
    with suppress(TimeoutError):
        async with asyncio.timeout(SILENCE_SECONDS):
            await until(lambda: len(mailer.mails) > before)
    return len(mailer.mails) == before


PARAMETERS: dict[str, dict[str, Any]] = {"slow": {"seconds": 0.4}}


def test_every_fault_has_a_case() -> None:
    fitting = {spec.name for spec in CATALOGUE.values() if Interface.REPORTS in spec.interfaces}
    assert fitting == EVIDENCE.keys()


@pytest.mark.parametrize("fault", sorted(EVIDENCE))
async def test_every_fault_shows_while_it_is_on_and_only_then(world: World, fault: str) -> None:
    shows = EVIDENCE[fault]
    assert not await shows(world)
    world.platform.faults.switch_on("reports", fault, **PARAMETERS.get(fault, {}))
    assert await shows(world)
    world.platform.faults.switch_off("reports", fault)
    assert not await shows(world)
