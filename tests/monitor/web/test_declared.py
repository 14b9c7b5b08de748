"""The API for what people declare, served for real and asked over HTTP."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from monitor.clock import iso
from monitor.declaring import Declaring
from monitor.sla.clock_events import ClockEventKind
from monitor.store import Store
from monitor.web.app import inbound_application
from monitor.web.declared import BODY_BYTES, routes
from tests.monitor.declarations import NOW_MS, OUTAGE, TOKENS, declaring

ANNA = {"Authorization": f"Bearer {TOKENS['anna'].get_secret_value()}"}
RESTORE = {"kind": "restore", "from": iso(NOW_MS - 60_000), "text": "From last night's backup"}
PATHS = [
    ("GET", "/api/v1/windows"),
    ("POST", "/api/v1/windows"),
    ("POST", "/api/v1/windows/1/end"),
    ("POST", "/api/v1/windows/1/revoke"),
    ("POST", "/api/v1/outages/abc/events"),
    ("POST", "/api/v1/alertmanager"),
]


class Api:
    def __init__(self, client: aiohttp.ClientSession, declare: Declaring, store: Store) -> None:
        self.client = client
        self.declare = declare
        self.store = store

    async def ask(self, method: str, path: str, headers: Mapping[str, str] = ANNA, **body: Any) -> tuple[int, Any]:
        async with self.client.request(method, path, headers=headers, **body) as answer:
            assert answer.headers["Cache-Control"] == "no-store"
            is_json = answer.content_type == "application/json"
            return answer.status, await answer.json() if is_json else await answer.text()

    async def post(self, path: str, value: Any) -> tuple[int, Any]:
        return await self.ask("POST", path, json=value)


@asynccontextmanager
async def serving(folder: Path, tokens: Mapping[str, SecretStr] = TOKENS) -> AsyncIterator[Api]:
    async with declaring(folder, tokens) as (declare, store):
        server = TestServer(inbound_application(routes(declare)))
        async with server, aiohttp.ClientSession(server.make_url("/")) as client:
            yield Api(client, declare, store)


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_without_tokens_there_is_nothing(tmp_path: Path, method: str, path: str) -> None:
    async with serving(tmp_path, {}) as api:
        assert (await api.ask(method, path, json={}))[0] == 404


@pytest.mark.parametrize(
    "header", [None, "Bearer", "Bearer ", "Bearer wrong", "Basic token-of-anna-1234", "Bearer Ærø"]
)
async def test_whoever_has_no_token_learns_nothing(tmp_path: Path, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    async with serving(tmp_path) as api:
        for method, path in PATHS:
            assert await api.ask(method, path, headers, data=b"no JSON") == (401, "")
        assert await api.store.windows() == [] and await api.store.clock_events() == []


async def test_a_window_is_declared_ended_revoked_and_listed(tmp_path: Path) -> None:
    async with serving(tmp_path) as api:
        status, declared = await api.post("/api/v1/windows", RESTORE)
        # Nobody is named, so it is who the token belongs to.
        assert (status, declared["number"], declared["by"], declared["replaces"]) == (201, 1, "anna", None)
        assert declared["window"] == {"from": RESTORE["from"], "to": None}
        status, ended = await api.post("/api/v1/windows/1/end", {"at": iso(NOW_MS - 1000), "by": "Bert"})
        assert (status, ended["number"], ended["by"], ended["replaces"]) == (201, 2, "Bert", 1)
        status, revoked = await api.post("/api/v1/windows/2/revoke", {"text": "It was another platform"})
        assert (status, revoked["replaces"], revoked["window"]) == (201, 2, None)
        assert await api.ask("GET", "/api/v1/windows") == (200, {"windows": []})
        _status, listed = await api.ask("GET", "/api/v1/windows?all=1")
        assert [(each["number"], each["state"]) for each in listed["windows"]] == [(1, "replaced"), (2, "revoked")]


async def test_mistakes_are_answered_with_their_paths(tmp_path: Path) -> None:
    async with serving(tmp_path) as api:
        assert await api.post("/api/v1/windows", {**RESTORE, "kind": "outage", "to": 7}) == (
            400,
            {
                "mistakes": [
                    {"path": "kind", "expected": "found 'outage'; expected one of maintenance, restore, excluded"},
                    {
                        "path": "to",
                        "expected": "found something else; expected a time such as 2026-11-23T02:00:00Z, "
                        "or wall time of Europe/Warsaw such as 2026-11-23 02:00",
                    },
                ]
            },
        )
        status, answer = await api.post("/api/v1/windows/7/end", {})
        assert (status, answer["mistakes"][0]["path"]) == (409, "number")
        assert await api.store.windows() == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),  # an empty object: what is needed is missing
        (b"[]", 400),
        (b"{", 400),
        (b"\xff", 400),
        (b"[" * BODY_BYTES, 400),
        (b"[" * (BODY_BYTES + 1), 413),
    ],
)
async def test_bodies_that_are_refused(tmp_path: Path, body: bytes, status: int) -> None:
    async with serving(tmp_path) as api:
        for data in (body, _pieces(body)):
            found, answer = await api.ask("POST", "/api/v1/windows", data=data)
            assert (found, list(answer["mistakes"][0])) == (status, ["path", "expected"])


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    """Chunked: its length is not known beforehand."""
    yield body[:5]
    yield body[5:]


async def test_a_compressed_body_is_refused(tmp_path: Path) -> None:
    async with serving(tmp_path) as api:
        headers = {**ANNA, "Content-Encoding": "gzip"}
        assert (await api.ask("POST", "/api/v1/windows", headers, data=b"x"))[0] == 415


async def test_a_store_that_fails_asks_to_try_again(tmp_path: Path) -> None:
    async with declaring(tmp_path) as (declare, _store):
        pass
    async with await Store.open(declare.config.store_url, read_only=True) as store:
        read_only = Declaring(store, declare.config, declare._clock)
        server = TestServer(inbound_application(routes(read_only)))
        async with server, aiohttp.ClientSession(server.make_url("/")) as client:
            api = Api(client, read_only, store)
            status, answer = await api.post("/api/v1/windows", RESTORE)
            assert status == 503 and "try again" in answer["mistakes"][0]["expected"]


async def test_what_was_done_about_an_outage_is_recorded(tmp_path: Path) -> None:
    async with serving(tmp_path) as api:
        path = f"/api/v1/outages/{OUTAGE}/events"
        status, answer = await api.post(path, {"kind": "worked_around", "note": "restarted", "at": iso(NOW_MS - 1000)})
        assert (status, answer["outage"], answer["by"], answer["at"]) == (201, OUTAGE, "anna", iso(NOW_MS - 1000))
        [event] = await api.store.clock_events()
        assert (event.kind, event.via, event.note) == (ClockEventKind.WORKED_AROUND, "api", "restarted")
        assert (await api.post("/api/v1/outages/none/events", {"kind": "corrected"}))[0] == 409


def _webhook(*alerts: dict[str, Any], receiver: str = "uptime") -> dict[str, Any]:
    """As Alertmanager 0.25 sends it."""
    return {
        "version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0, "status": "firing", "receiver": receiver,
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://am",
        "alerts": list(alerts),
    }  # fmt: skip


def _alert(status: str = "firing", annotations: dict[str, str] | None = None, **labels: str) -> dict[str, Any]:
    return {
        "status": status, "labels": {"alertname": "x", **labels}, "annotations": annotations or {},
        "startsAt": "2026-09-21T14:14:00.739266876Z", "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "", "fingerprint": "1",
    }  # fmt: skip


async def test_an_alert_that_says_who_works_on_it_acknowledges_the_outage_once(tmp_path: Path) -> None:
    async with serving(tmp_path) as api:
        sent = _webhook(_alert(outage=OUTAGE, acknowledged_by="Bert"), _alert(alertname="other"))
        counts = {"acknowledged": 1, "repeated": 0, "passed_over": 1, "refused": []}
        assert await api.post("/api/v1/alertmanager", sent) == (200, counts)
        # Alertmanager tells it again every few hours.
        counts = {**counts, "acknowledged": 0, "repeated": 1}
        assert await api.post("/api/v1/alertmanager", sent) == (200, counts)
        [event] = await api.store.clock_events()
        # From now, not from the alert's own start: that may be the outage's.
        assert (event.outage, event.author, event.at_ms, event.via) == (OUTAGE, "Bert", NOW_MS, "alertmanager")


async def test_an_alert_that_names_the_outage_by_the_beginning_of_its_id_acknowledges_once(tmp_path: Path) -> None:
    async with serving(tmp_path) as api:
        sent = _webhook(_alert(outage=OUTAGE[:6].upper(), acknowledged_by="Bert"))
        answers = [(await api.post("/api/v1/alertmanager", sent))[1] for _ in range(2)]
        assert [(each["acknowledged"], each["repeated"]) for each in answers] == [(1, 0), (0, 1)]


@pytest.mark.parametrize(
    ("address", "acknowledged", "passed_over"),
    [
        (f"https://uptime.example/outages/{OUTAGE}", 1, 0),  # as it stands in an alert that the daemon pushes
        (f"http://127.0.0.1:8080/behind/a/proxy/outages/{OUTAGE}/?from=mail#top", 1, 0),
        ("https://uptime.example/", 0, 1),
        (f"ftp://uptime.example/outages/{OUTAGE}", 0, 0),
        ("https://[uptime.example/outages", 0, 0),
    ],
)
async def test_an_outage_may_be_named_by_the_address_of_its_page(
    tmp_path: Path, address: str, acknowledged: int, passed_over: int
) -> None:
    async with serving(tmp_path) as api:
        sent = _webhook(_alert(annotations={"outage": address}), receiver="acknowledged")
        status, answer = await api.post("/api/v1/alertmanager", sent)
        assert (status, answer["acknowledged"], answer["passed_over"]) == (200, acknowledged, passed_over)
        assert [event.outage for event in await api.store.clock_events()] == [OUTAGE] * acknowledged


async def test_a_receiver_of_that_name_acknowledges_in_the_name_of_the_token(tmp_path: Path) -> None:
    async with serving(tmp_path) as api:
        sent = _webhook(_alert(annotations={"outage": OUTAGE}), receiver="acknowledged")
        assert (await api.post("/api/v1/alertmanager", sent))[1]["acknowledged"] == 1
        [event] = await api.store.clock_events()
        assert event.author == "anna"


async def test_alerts_that_acknowledge_nothing_are_passed_over(tmp_path: Path) -> None:
    async with serving(tmp_path) as api:
        sent = _webhook(
            _alert(outage=OUTAGE),  # the outage's own alert
            _alert("resolved", outage=OUTAGE, acknowledged_by="Bert"),
            _alert(acknowledged_by="Bert"),
            {"status": "firing", "labels": ["outage"]},
        )
        assert (await api.post("/api/v1/alertmanager", sent))[1]["passed_over"] == 4
        assert await api.store.clock_events() == []


async def test_an_unknown_outage_is_refused_without_the_others(tmp_path: Path) -> None:
    async with serving(tmp_path) as api:
        alerts = (_alert(outage=each, acknowledged_by="Bert") for each in ("none", OUTAGE))
        status, answer = await api.post("/api/v1/alertmanager", _webhook(*alerts))
        assert (status, answer["acknowledged"], [each["path"] for each in answer["refused"]]) == (200, 1, ["outage"])


@pytest.mark.parametrize(
    "payload", [{}, {"version": "3", "alerts": []}, {"version": "4"}, {"version": "4", "alerts": [1]}]
)
async def test_what_is_not_alertmanagers_is_refused(tmp_path: Path, payload: dict[str, Any]) -> None:
    async with serving(tmp_path) as api:
        assert (await api.post("/api/v1/alertmanager", payload))[0] == 400


async def test_head_and_other_methods_do_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path) as api:
        assert (await api.ask("PUT", "/api/v1/windows", json=RESTORE))[0] == 405
