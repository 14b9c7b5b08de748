"""API: does an integrator get from the token to current values and alerts?"""

from pydantic import Field

from probes.contract import Journey, ProbeFailed, ProbeOptions, Reason, probe
from probes.efento.cloud_api import ApiOptions, CloudApi
from probes.efento.cloud_schema import MeasurementPoint
from probes.option_types import Serial

ALERT_POINTS = 20
DAY = 86400


class Options(ProbeOptions):
    api: ApiOptions = Field(description="The API and who asks it")
    sensors: tuple[Serial, ...] = Field((), description="Sensors that must be listed, with a current value")
    max_organisations: int = Field(10, description="Most organisations looked into in one check", ge=1, le=1000)


@probe("api", Options)
async def api(options: Options, journey: Journey) -> None:
    client = CloudApi(options.api, journey)
    if options.api.login is not None:
        async with journey.step("login"):
            await client.login()
    async with journey.step("organisations"):
        organisations = await client.organisations()
        if not organisations:
            raise ProbeFailed(Reason.CONTENT, "no organisation is visible")
    async with journey.step("locations"):
        of_all = [await client.locations(organisation) for organisation in organisations[: options.max_organisations]]
        locations = [location for of_one in of_all for location in of_one]
        if not locations:
            raise ProbeFailed(Reason.CONTENT, "no location is visible")
    async with journey.step("measurement_points"):
        points = await client.measurement_points(locations)
        _require_sensors(options.sensors, points)
    journey.figure("measurement_points", len(points))
    async with journey.step("alerts"):
        now = int(journey.now().timestamp())
        if points:
            await client.alerts([point.id for point in points[:ALERT_POINTS]], now - DAY, now)


def _require_sensors(serials: tuple[str, ...], points: tuple[MeasurementPoint, ...]) -> None:
    by_serial = {point.device.serial_number.upper(): point for point in points if point.device}
    missing = [serial for serial in serials if serial not in by_serial]
    if missing:
        raise ProbeFailed(Reason.CONTENT, f"no measurement point has sensor {', '.join(missing)}")
    silent = [serial for serial in serials if not _has_value(by_serial[serial])]
    if silent:
        raise ProbeFailed(Reason.CONTENT, f"no current value of sensor {', '.join(silent)}")


def _has_value(point: MeasurementPoint) -> bool:
    return point.measurements is not None and any(
        channel.value is not None and channel.status.startswith("OK") for channel in point.measurements.channels
    )
