"""The control interface: switches faults, changes settings, queues replies, tells the raw truth. No authentication."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aiohttp import web
from google.protobuf.json_format import ParseDict, ParseError
from pydantic import ValidationError

from probes.efento.proto.efento_pb2 import ProtoConfig
from standin import catalogue
from standin.fault_model import FaultError, UnknownFault
from standin.faults import Faults
from standin.http_server import Handler, error, errors_as_json
from standin.settings import LiveSettings
from standin.storage import Storage

Addresses = Mapping[str, Mapping[str, Any]]


class BadBody(Exception):
    """The request's body is not what it must be."""


class Control:
    """`addresses` is asked at each request, because it is complete only once everything listens; `routes` are those
    of the platform's further parts."""

    def __init__(
        self,
        storage: Storage,
        faults: Faults,
        live: LiveSettings,
        addresses: Callable[[], Addresses],
        routes: Iterable[web.RouteDef] = (),
    ) -> None:
        self._routes = tuple(routes)
        self._storage = storage
        self._faults = faults
        self._live = live
        self._addresses = addresses

    def application(self) -> web.Application:
        application = web.Application(middlewares=[errors_as_json, _refusals])
        application.router.add_routes(
            [
                web.get("/healthz", self._health),
                web.get("/addresses", self._show_addresses),
                web.get("/catalogue", self._show_catalogue),
                web.get("/faults", self._show_faults),
                web.put("/faults/{interface}/{fault}", self._switch_on),
                web.delete("/faults/{interface}/{fault}", self._switch_off),
                web.delete("/faults", self._clear),
                web.get("/settings", self._show_settings),
                web.put("/settings", self._change_settings),
                web.get("/samples", self._samples),
                web.get("/sensors/{serial}", self._sensor),
                web.post("/sensors/{serial}/replies", self._queue_reply),
                *self._routes,
            ]
        )
        return application

    async def _health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _show_addresses(self, _request: web.Request) -> web.Response:
        return web.json_response(self._addresses())

    async def _show_catalogue(self, _request: web.Request) -> web.Response:
        return web.json_response({"faults": catalogue.as_json()})

    async def _show_faults(self, _request: web.Request) -> web.Response:
        return web.json_response({"faults": self._faults.shown()})

    async def _switch_on(self, request: web.Request) -> web.Response:
        place, name = request.match_info["interface"], request.match_info["fault"]
        parameters = await _json_object(request)
        seconds = parameters.pop("for_seconds", None)
        self._faults.switch_on(place, name, for_seconds=seconds, **parameters)
        return await self._show_faults(request)

    async def _switch_off(self, request: web.Request) -> web.Response:
        self._faults.switch_off(request.match_info["interface"], request.match_info["fault"])
        return await self._show_faults(request)

    async def _clear(self, request: web.Request) -> web.Response:
        self._faults.clear()
        return await self._show_faults(request)

    async def _show_settings(self, _request: web.Request) -> web.Response:
        return web.json_response(self._live.shown())

    async def _change_settings(self, request: web.Request) -> web.Response:
        # In a thread, because a time zone's file may have to be read.
        await asyncio.to_thread(self._live.change, await _json_object(request))
        return await self._show_settings(request)

    async def _samples(self, request: web.Request) -> web.Response:
        """Everything stored of a sensor, visible in the API or not; `time` is in Unix seconds."""
        serial = request.query.get("serial", "").upper()
        point = await self._storage.point(serial)
        rows = await self._storage.samples(point) if point else []
        samples = [{key: value for key, value in dict(row).items() if key != "point_id"} for row in rows]
        return web.json_response({"serial": serial, "samples": samples})

    async def _sensor(self, request: web.Request) -> web.Response:
        serial = request.match_info["serial"].upper()
        rows = await self._storage.rows("SELECT * FROM points WHERE serial = ?", [serial])
        queued = await self._storage.queued_replies(serial)
        if not rows and not queued:
            return error(404, "Nothing has been received from this sensor, and nothing is queued for it.")
        messages = await self._storage.messages(serial)
        seen = (
            {key: rows[0][key] for key in ("uploads", "last_upload_ms", "battery_ok", "transfer_reason")}
            if rows
            else {}
        )
        return web.json_response(
            {
                "serial": serial,
                "measurement_point": rows[0]["id"] if rows else None,
                **seen,
                "queued_replies": len(queued),
                "configurations": [_message(row) for row in messages if row["endpoint"] == "configuration"],
                "device_infos": [_message(row) for row in messages if row["endpoint"] == "device_info"],
            }
        )

    async def _queue_reply(self, request: web.Request) -> web.Response:
        """Fields of `ProtoConfig`, e.g. `{"configuration_request": true}`, for the next confirmable message's reply."""
        try:
            config = ParseDict(await _json_object(request), ProtoConfig())
        except ParseError as problem:
            return error(400, f"not a configuration: {problem}")
        await self._storage.queue_reply(request.match_info["serial"].upper(), config.SerializeToString())
        return web.json_response({"queued": True}, status=201)


@web.middleware
async def _refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except UnknownFault as problem:
        return error(404, str(problem))
    except ValidationError as problem:
        return error(400, "; ".join(_sentence(each) for each in problem.errors(include_input=False)))
    except (FaultError, BadBody, ValueError) as problem:
        return error(400, str(problem))


def _sentence(problem: Mapping[str, Any]) -> str:
    return f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"


def _message(row: Any) -> dict[str, Any]:
    return {
        "received_ms": row["received_ms"],
        "confirmable": bool(row["confirmable"]),
        "fields": json.loads(row["fields"]),
    }


async def _json_object(request: web.Request) -> dict[str, Any]:
    """The body as a JSON object; no body is an empty one."""
    text = await request.text()
    try:
        parsed = json.loads(text) if text.strip() else {}
    except ValueError as problem:
        raise BadBody("the body is not JSON") from problem
    if not isinstance(parsed, dict):
        raise BadBody("the body must be a JSON object")
    return parsed
