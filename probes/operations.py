"""Operations: can users, organisations, devices, alert rules and invitations be made and undone?

Whatever a round makes is registered to be undone before it is asked for, and what a killed process left behind is
removed by a later check, recognised by its name.
"""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from probes.contract import Journey, ProbeFailed, ProbeOptions, Reason, Undo, probe
from probes.efento.cloud_api import ApiOptions
from probes.efento.operations_api import Id, OperationsApi, text_at
from probes.efento.operations_names import Naming
from probes.efento.operations_options import FieldValue, InterfaceOptions, Operation, OperationsSet
from probes.option_types import Seconds

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 1.0
MOST_LEFTOVERS = 20  # removed in one check; more wait for the next


class Options(ProbeOptions):
    interface: InterfaceOptions = Field(description="The interface and who asks it")
    operations: OperationsSet = Field(default_factory=OperationsSet, description="What is done and undone")
    prefix: str = Field(
        "efento-uptime", description="Names of what is made begin with it", pattern=r"^[a-z][a-z0-9-]{1,22}[a-z0-9]$"
    )
    installation: str = Field(
        "", description="Tells installations apart that watch one account with probes of the same id", max_length=100
    )
    serial_prefix: str = Field(
        "282C02FE",
        description="Beginning of the serial number of the device made (assumption)",
        pattern="^282C02[0-9A-F]{2}$",
    )
    api: ApiOptions | None = Field(
        None, description="The API, asked in the interface's name who is to blame for a refusal; none: operations are"
    )
    visible_within: Seconds = Field(
        3.0, description="Seconds until what was made is shown, and what was deleted is not (assumption)"
    )
    leftover_after: float = Field(
        900.0,
        description="Seconds after which what was not undone is removed; longer than any check takes",
        ge=60,
        le=30 * 86_400,
    )


@probe("operations", Options)
async def operations(options: Options, journey: Journey) -> None:
    naming = Naming(options.prefix, options.installation, journey.probe)
    api = OperationsApi(options.interface, journey, options.api)
    async with journey.step("login"):
        await api.login()
    async with journey.step("leftovers"):
        stuck = await _remove_leftovers(options, naming, api, journey)
    one = _Round(options, journey, api, naming.fresh(journey.now()))
    made = []
    for what, operation in options.operations.chosen().items():
        made.append(await one.make(what, operation))
    for thing in reversed(made):
        await one.undo(thing)
    if stuck:  # told last, so that it hides no other failure
        async with journey.step("leftovers"):
            raise stuck


async def _remove_leftovers(
    options: Options, naming: Naming, api: OperationsApi, journey: Journey
) -> ProbeFailed | None:
    """What checks that were killed made. Not beside a daemon, whose own check may be under way; it does it itself.

    In the reverse order of making, so that an organisation is empty when its turn comes. Returns the failure of what
    could not be removed; raises `ProbeFailed` where nothing can even be listed.
    """
    removed, stuck, now = 0, None, journey.now()
    for operation in reversed(options.operations.chosen().values()):
        for entry in await api.named(operation, naming.beginning):
            made_at = naming.made_at(_name_of(operation, entry))
            old = made_at is not None and (now - made_at).total_seconds() > options.leftover_after
            if journey.one_shot or not old or removed >= MOST_LEFTOVERS:
                continue
            try:
                await api.delete(operation, entry["id"])
                removed += 1
            except ProbeFailed as failure:
                stuck = ProbeFailed(Reason.LEFTOVER, f"of an earlier check: {failure.reason}: {failure.detail}")
    journey.figure("leftovers_removed", removed)
    return stuck


def _name_of(operation: Operation, entry: Mapping[str, Any]) -> str | None:
    """The name inside the field, e.g. the part of an address before its @; None where the field is another."""
    before, after = str(operation.fields[operation.name_field]).split("{name}", 1)
    value = entry.get(operation.name_field)
    fits = isinstance(value, str) and value.startswith(before) and value.endswith(after)
    return value[len(before) : len(value) - len(after)] if fits and isinstance(value, str) else None


@dataclass
class _Thing:
    """Something that was asked for. `number` is known once the answer came."""

    what: str
    operation: Operation
    sent: dict[str, FieldValue]
    undo: Undo | None = None
    number: Id | None = None

    @property
    def name(self) -> str:
        return str(self.sent[self.operation.name_field])


@dataclass
class _Round:
    """What one check makes, all under one name."""

    options: Options
    journey: Journey
    api: OperationsApi
    name: str
    ids: dict[str, Id] = field(default_factory=dict)

    async def make(self, what: str, operation: Operation) -> _Thing:
        thing = _Thing(what, operation, self._filled(operation))
        thing.undo = self.journey.undo(what, lambda: self._removed(thing))
        async with self.journey.step(f"create_{what}"):
            thing.number = await self.api.create(operation, thing.sent)
            self.ids[what] = thing.number
        async with self.journey.step(f"check_{what}"):
            await self._check(thing)
        return thing

    async def undo(self, thing: _Thing) -> None:
        async with self.journey.step(f"undo_{thing.what}"):
            try:
                await self._removed(thing)
            except ProbeFailed as failure:
                if failure.reason is Reason.AUTH:  # perhaps of the API: that step answers for it
                    raise
                raise ProbeFailed(Reason.LEFTOVER, f"{thing.name}: {failure.reason}: {failure.detail}") from failure
        assert thing.undo
        thing.undo.done()

    def _filled(self, operation: Operation) -> dict[str, FieldValue]:
        known: dict[str, Id] = {"name": self.name, "serial": self._serial(), **self.ids}
        return {field: _filled(value, known) for field, value in operation.fields.items()}

    def _serial(self) -> str:
        return self.options.serial_prefix + secrets.token_hex(2).upper()

    async def _check(self, thing: _Thing) -> None:
        """Shown by its number and in the list, once, and as it was sent."""
        assert thing.number is not None
        until, pause = self.journey.monotonic() + self.options.visible_within, FIRST_PAUSE
        while True:
            shown = await self.api.read(thing.operation, thing.number)
            listed = await self._listed(thing)
            if (shown is not None and listed) or self.journey.monotonic() >= until:
                break
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)
        self._judge(thing, shown, listed)

    def _judge(self, thing: _Thing, shown: dict[str, Any] | None, listed: list[dict[str, Any]]) -> None:
        if shown is None:
            raise ProbeFailed(Reason.MISSING, f"{thing.what} {thing.number} was made, and is not there")
        _require_as_sent(thing, shown)
        if not listed:
            raise ProbeFailed(Reason.MISSING, f"{thing.what} {thing.number} was made, and is not in the list")
        if len(listed) > 1:
            raise ProbeFailed(Reason.DOUBLED, f"one {thing.what} was made, {len(listed)} are there")
        if listed[0]["id"] != thing.number:
            raise ProbeFailed(Reason.CONTENT, f"{thing.what} {thing.number} has another number in the list")
        _require_as_sent(thing, {**shown, **listed[0]})

    async def _listed(self, thing: _Thing) -> list[dict[str, Any]]:
        """Those of our name, and the one of our number whatever its name is."""
        return [
            entry
            for entry in await self.api.named(thing.operation, self.name)
            if entry["id"] == thing.number or entry.get(thing.operation.name_field) == thing.name
        ]

    async def _removed(self, thing: _Thing) -> None:
        """Deletes what carries our name, and sees that nothing of it is left."""
        for number in await self._left(thing):
            await self.api.delete(thing.operation, number)
        until, pause = self.journey.monotonic() + self.options.visible_within, FIRST_PAUSE
        while await self._left(thing):
            if self.journey.monotonic() >= until:
                raise ProbeFailed(Reason.LEFTOVER, f"{thing.what} was deleted, and is still there")
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)

    async def _left(self, thing: _Thing) -> list[Id]:
        """The number that we were told counts only if what is there carries our name: it might be somebody else's."""
        numbers = [entry["id"] for entry in await self._listed(thing)]
        if thing.number is not None and thing.number not in numbers:
            shown = await self.api.read(thing.operation, thing.number)
            if shown is not None and self.name in text_at(shown, thing.operation.name_field):
                numbers.append(thing.number)
        return numbers


def _filled(value: FieldValue, known: Mapping[str, Id]) -> FieldValue:
    if not isinstance(value, str):
        return value
    alone = value.removeprefix("{").removesuffix("}")
    if value == f"{{{alone}}}" and alone in known:
        return known[alone]  # an id keeps its type
    return value.format_map(known)


def _require_as_sent(thing: _Thing, shown: Mapping[str, Any]) -> None:
    checked = thing.operation.checked
    wrong = [
        name
        for name, value in thing.sent.items()
        if (checked is None or name in checked) and (name not in shown or shown[name] != value)
    ]
    if wrong:
        raise ProbeFailed(Reason.ALTERED, f"{thing.what} {thing.number}: not as it was sent: {', '.join(wrong)}")
