"""Recovery: is there a young backup at another place, and does a restore from it bring every sample back?"""

from pydantic import Field

from probes.contract import Journey, probe
from probes.efento.ingest import SensorOptions
from probes.efento.recovery_drill import drill
from probes.efento.recovery_manifest import Backup, fetch_manifest, newest_elsewhere
from probes.efento.recovery_options import DAY, DrillOptions, Duration, ManifestOptions
from probes.efento.snapshots import before, keep, recorded, seen_now


class Options(SensorOptions):
    manifest: ManifestOptions = Field(description="Where the platform lists its backups")
    max_age: Duration = Field(DAY, description="Oldest that the newest backup may be; they are made once a day")
    grace: Duration = Field(7200.0, description="How much longer a backup may take to be made and listed (assumption)")
    home_location: str | None = Field(
        None, description="Where the data are, so that backups must be elsewhere; none: as the list says (assumption)"
    )
    drill: DrillOptions | None = Field(None, description="The restore for practice; none: only the list is looked at")

    def longest_seconds(self) -> float:
        """Seconds that the journey may take by these options; the probe's timeout must not be shorter."""
        return self.manifest.timeout + (self.drill.wait if self.drill else 0.0)


@probe("recovery", Options)
async def recovery(options: Options, journey: Journey) -> None:
    snapshots = recorded(journey)
    if options.drill:
        known = seen_now(options.sensors, journey, options.drill.window, options.drill.ages)
        snapshots = keep(journey, known)
    backup = await _newest_backup(options, journey)
    if options.drill:
        # In the backup are the samples that had been seen in the platform before it was begun.
        seen = before(snapshots, backup.taken_at - options.drill.clock_tolerance)
        await drill(options, options.drill, journey, backup, seen)


async def _newest_backup(options: Options, journey: Journey) -> Backup:
    async with journey.step("manifest"):
        manifest = await fetch_manifest(options.manifest, journey)
    async with journey.step("newest_backup"):
        now = journey.now().timestamp()
        if manifest.backups:
            newest = max(backup.taken_at for backup in manifest.backups)
            journey.figure("backup_age_seconds", max(0.0, now - newest))
        home = manifest.source_location if options.home_location is None else options.home_location
        backup = newest_elsewhere(manifest, now, options.max_age + options.grace, [home])
        if backup.bytes is not None:
            journey.figure("backup_bytes", backup.bytes)
    return backup
