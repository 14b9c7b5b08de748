"""The part as the platform sees it: opened with the others, closed with them."""

from collections.abc import Iterable

from aiohttp import web

from standin.fault_model import MQTT
from standin.mqtt.broker import Broker
from standin.mqtt.listener import Listener
from standin.parts import Addresses, Context, address


class MqttPart:
    def __init__(self, context: Context) -> None:
        settings = context.live.current
        broker = Broker(context.intake, context.faults, context.live)
        self._host = settings.host
        self._listener = Listener(settings.host, settings.mqtt_port, broker.serve, context.background)
        context.faults.watch(MQTT, "refuse", self._listener.refuse)

    @property
    def addresses(self) -> Addresses:
        return {str(MQTT): address("mqtt", self._host, self._listener.port)}

    def control_routes(self) -> Iterable[web.RouteDef]:
        return ()

    async def open(self) -> None:
        self._listener.open()

    async def close(self) -> None:
        self._listener.close()
