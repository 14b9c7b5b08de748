"""Faults that only this part has. Faults that it shares with others are in `standin.catalogue`."""

from standin.fault_model import FaultSpec, Interface, Parameter

WHAT = ("user", "organization", "device", "rule", "invitation")

_WHAT = Parameter("what", "user", f"any, {', '.join(WHAT)}", lambda value: value in ("any", *WHAT))
_ANY = Parameter("what", "any", _WHAT.expected, _WHAT.accepts)
_HERE = (Interface.OPERATIONS,)

FAULTS: tuple[FaultSpec, ...] = (
    FaultSpec("create-refused", _HERE, "Nothing of that sort can be created: 500.", (_WHAT,)),
    FaultSpec("create-dropped", _HERE, "Creating is answered by 201 and a number, and nothing is there.", (_ANY,)),
    FaultSpec("created-twice", _HERE, "What is created is there twice.", (_ANY,)),
    FaultSpec("wrong-fields", _HERE, "What is created has other contents than those sent.", (_ANY,)),
    FaultSpec("undeletable", _HERE, "What is there cannot be deleted: 500.", (_WHAT,)),
    FaultSpec("delete-dropped", _HERE, "Deleting is answered by 204, and all is still there.", (_ANY,)),
)
