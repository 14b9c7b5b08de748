"""Faults that only this part has. Faults that it shares with others are in `standin.catalogue`."""

from standin.fault_model import FaultSpec, Interface, seconds

FAULTS: tuple[FaultSpec, ...] = (
    FaultSpec("missing-script", (Interface.WEB,), "The page is there; the script that it needs is answered by 404."),
    FaultSpec("broken-script", (Interface.WEB,), "The script is there, but throws an error as soon as it runs."),
    FaultSpec("login-refused", (Interface.WEB,), "The right login and password are refused."),
    FaultSpec("login-loop", (Interface.WEB,), "A login succeeds, but its session is forgotten at once."),
    FaultSpec("no-data", (Interface.WEB,), "After the login the list of measurement points is empty."),
    FaultSpec(
        "old-data",
        (Interface.WEB,),
        "The values shown are not newer than so many seconds ago, whatever came since.",
        (seconds("seconds", 3600.0),),
    ),
    FaultSpec("wrong-page", (Interface.WEB,), "In place of the application a page that says maintenance, status 200."),
)
