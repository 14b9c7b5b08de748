"""Faults that only this part has. Faults that it shares with others are in `standin.catalogue`."""

from standin.fault_model import FaultSpec, Interface, Parameter, number, seconds

_HERE = (Interface.BACKUPS,)
_HOURS = Parameter("hours", 30.0, "a number of hours, 0 or more", lambda value: 0 <= value < 100_000)
_PART = Parameter("every", 2, "a whole number from 1 to 1000", lambda value: 1 <= value <= 1000)

FAULTS: tuple[FaultSpec, ...] = (
    FaultSpec("stale-backup", _HERE, "No backup is made any more; the newest looks that old.", (_HOURS,)),
    FaultSpec("no-backups", _HERE, "There is no backup, and none is made."),
    FaultSpec("same-place", _HERE, "The backups lie where the data are."),
    FaultSpec("failing-restore", _HERE, "Every restore fails."),
    FaultSpec("slow-restore", _HERE, "Every restore takes that much longer.", (seconds("seconds", 60.0),)),
    FaultSpec("lost-restore", _HERE, "A restore begins and is not known any more."),
    FaultSpec("incomplete-restore", _HERE, "Of what is restored, one in so many samples is missing.", (_PART,)),
    FaultSpec("altered-restore", _HERE, "That amount is added to every restored value.", (number("amount", 1.0),)),
    FaultSpec("doubled-restore", _HERE, "Every sample is there twice in what is restored."),
    FaultSpec(
        "shifted-restore", _HERE, "Every restored sample's time is moved by so much.", (number("seconds", 3600.0),)
    ),
    FaultSpec("undeletable-restore", _HERE, "What was restored cannot be removed: 500."),
)
