"""The probes of a configuration as simulated ones, with changes in mid-year: a pace, a name, one that comes later."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from monitor.config import Config, ProbeConfig
from monitor.schedule import phases
from monitor.simulation.parameters import SECOND_MS, Settings, Watcher
from monitor.sla.intervals import Interval


def watchers_of(config: Config, interval: Interval, every_seconds: float | None = None) -> list[Watcher]:
    """The configuration's probes from the beginning of the time on, all at one pace where one is given.

    After a third of the time the first one is asked half as often, after half of it the second one is renamed, and the
    last one whose component has others comes into service after a sixth of it.
    """
    phase = phases(config.probes)
    found = [
        Watcher(probe.id, probe.component, phase[probe.id], (_settings(config, probe, interval[0], every_seconds),))
        for probe in config.probes
    ]
    return [
        replace(watcher, settings=tuple(_changed(watcher, place, _latecomer(found), interval)))
        for place, watcher in enumerate(found)
    ]


def _settings(config: Config, probe: ProbeConfig, from_ms: int, every_seconds: float | None) -> Settings:
    every = probe.every_seconds if every_seconds is None else every_seconds
    factor = config.stale_factor if every_seconds is not None else probe.stale_seconds / probe.every_seconds
    return Settings(
        from_ms=from_ms,
        every_ms=round(every * SECOND_MS),
        recheck_ms=round(min(probe.recheck_seconds, every) * SECOND_MS),
        timeout_ms=round(min(probe.timeout_seconds, every) * SECOND_MS),
        confirm_after=probe.confirm_after,
        stale_ms=round(every * factor * SECOND_MS),
        title=probe.title,
    )


def _latecomer(watchers: Sequence[Watcher]) -> str | None:
    components = [watcher.component for watcher in watchers]
    return next((each.id for each in reversed(watchers) if components.count(each.component) > 1), None)


def _changed(watcher: Watcher, place: int, latecomer: str | None, interval: Interval) -> Iterator[Settings]:
    start, end = interval
    (settings,) = watcher.settings
    if watcher.id == latecomer:
        yield replace(settings, from_ms=start + (end - start) // 6)
        return
    yield settings
    if place == 0:
        yield replace(
            settings,
            from_ms=start + (end - start) // 3,
            every_ms=2 * settings.every_ms,
            stale_ms=2 * settings.stale_ms,
        )
    elif place == 1:
        yield replace(settings, from_ms=start + (end - start) // 2, title=f"{settings.title} (renamed)")
