"""Account and device operations over HTTP. Invented: no public document describes them.

`POST /users` with JSON → 201 `{"id": 501}`; `GET /users?name=…` → `{"users": […]}`, those whose name holds the text;
`GET /users/501` → the user; `DELETE /users/501` → 204. The same for organizations, devices, rules, invitations.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Middleware

from standin.clock import unix_milliseconds
from standin.fault_model import Interface
from standin.http_server import Handler, error
from standin.operations.objects import Object, Objects
from standin.parts import Context
from standin.rest import BASE, ORGANIZATION_ID


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of thing: its name in faults, its path, the fields that it must have."""

    name: str
    path: str
    required: tuple[str, ...]


KINDS = (
    Kind("user", "users", ("name", "email", "organizationId")),
    Kind("organization", "organizations", ("name",)),
    Kind("device", "devices", ("name", "serialNumber", "organizationId")),
    Kind("rule", "rules", ("name", "organizationId", "parameter", "condition", "threshold")),
    Kind("invitation", "invitations", ("name", "email", "organizationId")),
)
ALWAYS_THERE = Object(ORGANIZATION_ID, {"name": "Stand-in"})


class Operations:
    def __init__(self, context: Context) -> None:
        self._context = context
        self.objects = Objects(context.storage)

    def routes(self) -> Iterable[web.RouteDef]:
        yield web.post(f"{BASE}/login", self._log_in)
        for kind in KINDS:
            yield web.post(f"{BASE}/{kind.path}", self._bound(kind, self._create))
            yield web.get(f"{BASE}/{kind.path}", self._bound(kind, self._list))
            yield web.get(f"{BASE}/{kind.path}/{{id:[0-9]+}}", self._bound(kind, self._show))
            yield web.delete(f"{BASE}/{kind.path}/{{id:[0-9]+}}", self._bound(kind, self._delete))

    def guard(self) -> Middleware:
        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path != f"{BASE}/login" and not self._context.tokens.allows(request.headers):
                return error(401, "The access token is missing, wrong or expired.")
            return await handler(request)

        return guard

    def _bound(self, kind: Kind, act: Any) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            answer: web.StreamResponse = await act(kind, request)
            return answer

        return handle

    async def _log_in(self, request: web.Request) -> web.Response:
        login, password = request.headers.get("X-USER-LOGIN", ""), request.headers.get("X-USER-PASSWORD", "")
        token = self._context.tokens.log_in(login, password)
        if token is None:
            return error(401, "Login or password is wrong.")
        return web.json_response({"accessToken": token})

    async def _create(self, kind: Kind, request: web.Request) -> web.Response:
        try:
            fields = await request.json()
        except ValueError:
            return error(400, "The body is not JSON.")
        if not isinstance(fields, dict) or not isinstance(fields.get("name"), str):
            return error(400, "The body must be an object with a name.")
        lacking = [name for name in kind.required if fields.get(name) in (None, "")]
        if lacking:
            return error(400, f"Required: {', '.join(lacking)}.")
        if "organizationId" in kind.required and not await self._organization_exists(fields["organizationId"]):
            return error(400, "There is no such organization.")
        if self._hit("create-refused", kind):
            return error(500, f"The {kind.name} could not be created.")
        if self._hit("wrong-fields", kind):
            fields |= {"name": f"{fields['name']} (2)"}
        copies = 0 if self._hit("create-dropped", kind) else 2 if self._hit("created-twice", kind) else 1
        created_ms = unix_milliseconds(self._context.live.current.now())
        number = await self.objects.create(kind.name, fields, created_ms, copies=copies)
        return web.json_response({"id": number}, status=201)

    async def _list(self, kind: Kind, request: web.Request) -> web.Response:
        wanted = request.query.get("name", "")
        there = [*self._always_there(kind), *await self.objects.all(kind.name)]
        shown = [each.shown() for each in there if wanted in each.fields["name"]]
        return web.json_response({kind.path: shown})

    async def _show(self, kind: Kind, request: web.Request) -> web.Response:
        number = int(request.match_info["id"])
        found = next((each for each in self._always_there(kind) if each.id == number), None)
        found = found or await self.objects.one(kind.name, number)
        return web.json_response(found.shown()) if found else _no_such(kind)

    async def _delete(self, kind: Kind, request: web.Request) -> web.StreamResponse:
        number = int(request.match_info["id"])
        if any(each.id == number for each in self._always_there(kind)):
            return error(403, f"This {kind.name} cannot be deleted.")
        if self._hit("undeletable", kind):
            return error(500, f"The {kind.name} could not be deleted.")
        if self._hit("delete-dropped", kind) or await self.objects.delete(kind.name, number):
            return web.Response(status=204, body=b"")
        return _no_such(kind)

    def _always_there(self, kind: Kind) -> tuple[Object, ...]:
        return (ALWAYS_THERE,) if kind.name == "organization" else ()

    async def _organization_exists(self, number: object) -> bool:
        if not isinstance(number, int):
            return False
        return number == ORGANIZATION_ID or await self.objects.one("organization", number) is not None

    def _hit(self, fault: str, kind: Kind) -> bool:
        active = self._context.faults.active(Interface.OPERATIONS, fault)
        return active is not None and active.text("what") in ("any", kind.name)


def _no_such(kind: Kind) -> web.Response:
    return error(404, f"There is no such {kind.name}.")
