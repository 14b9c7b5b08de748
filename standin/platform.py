"""The stand-in platform as a whole: what builds its parts, starts them, and takes them down again."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from standin.background import Background
from standin.backups.part import BackupPart
from standin.clock import unix_milliseconds
from standin.coap import CoapServer
from standin.control import Control
from standin.fault_model import Interface
from standin.faults import Faults
from standin.gateway import Gateway
from standin.http_server import HttpServer
from standin.intake import Intake
from standin.mailer import Mailer
from standin.mqtt.part import MqttPart
from standin.network.part import NetworkPart
from standin.notifications.part import NotificationPart
from standin.operations.part import OperationsPart
from standin.parts import Addresses, Context, Part, address
from standin.reports.part import ReportPart
from standin.rest import BASE, Rest
from standin.scenario_player import ScenarioPlayer
from standin.sensor_service import SensorService
from standin.settings import LiveSettings, StandInSettings
from standin.storage import Storage
from standin.tokens import Tokens
from standin.webapp.part import WebPart

PARTS = (MqttPart, WebPart, ReportPart, NotificationPart, BackupPart, OperationsPart, NetworkPart, ScenarioPlayer)


class StandIn:
    """Made by `start`. `addresses` has for each interface its host, its port, and a URL to begin with."""

    def __init__(self, settings: StandInSettings, storage: Storage, background: Background) -> None:
        self.live = LiveSettings(settings)
        self.storage = storage
        self.faults = Faults(settings.now)
        intake = Intake(storage, self.faults, self.live)
        gateway = Gateway(intake, self.faults, self.live)
        tokens = Tokens(self.faults, self.live)
        rest = Rest(storage, tokens, self.faults, self.live)
        self.mailer = Mailer(self.live, background)
        context = Context(self.live, storage, self.faults, background, intake, tokens, self.mailer)
        self._parts: list[Part] = [part(context) for part in PARTS]
        routes = [route for part in self._parts for route in part.control_routes()]
        control = Control(storage, self.faults, self.live, lambda: self.addresses, routes)
        sensors = SensorService(storage, intake, self.live)
        host = settings.host
        self._coap = CoapServer(host, settings.coap_port, sensors, self.faults, background)
        self._http = {
            "gateway": HttpServer(host, settings.gateway_port, gateway.application(), background),
            "api": HttpServer(host, settings.api_port, rest.application(), background),
            "control": HttpServer(settings.control_host, settings.control_port, control.application(), background),
        }
        for interface in (Interface.GATEWAY, Interface.API):
            self.faults.watch(interface, "refuse", self._http[interface].refuse)

    @classmethod
    @asynccontextmanager
    async def start(cls, settings: StandInSettings | None = None) -> "AsyncIterator[StandIn]":
        """Everything listens when the block is entered; no task and no socket is left when it is left."""
        settings = settings or StandInSettings()
        async with Storage.open(settings.database) as storage, AsyncExitStack() as stack:
            background = Background()
            stack.push_async_callback(background.close)
            platform = cls(settings, storage, background)
            await platform._open(stack)
            stack.callback(platform.faults.close)  # the first thing to happen: it ends what waits for a fault's end
            yield platform

    @property
    def addresses(self) -> Addresses:
        settings = self.live.current
        places = {"coap": address("coap", settings.host, self._coap.port)}
        paths = {"gateway": "/api/v2/measurements", "api": BASE, "control": ""}
        for name, server in self._http.items():
            host = settings.control_host if name == "control" else settings.host
            places[name] = address("http", host, server.port, paths[name])
        for part in self._parts:
            places |= part.addresses
        return places

    async def _open(self, stack: AsyncExitStack) -> None:
        for serial in self.live.current.serials:
            await self.storage.add_point(serial, unix_milliseconds(self.live.current.now()))
        for server in self._http.values():
            stack.push_async_callback(server.close)
            await server.open()
        stack.callback(self._coap.close)
        self._coap.open()
        for part in self._parts:
            stack.push_async_callback(part.close)
            await part.open()
