"""Faults of alert notifications and of the SMS provider. Other mails (reports, the pool's warnings) are not touched."""

from standin.fault_model import FaultSpec, Interface, Parameter, number, seconds

_MAIL, _SMS = Interface.MAIL, Interface.SMS
_BOTH = (_MAIL, _SMS)


def _text(name: str, default: str) -> Parameter:
    return Parameter(name, default, "a text of one line", lambda value: bool(value.strip()) and value.isprintable())


FAULTS: tuple[FaultSpec, ...] = (
    FaultSpec("no-message", _BOTH, "Alerts are raised and ended, but nothing is sent of them."),
    FaultSpec(
        "late-message",
        _BOTH,
        "Messages of alerts that change while this is on are sent that much later.",
        (seconds("seconds", 60.0),),
    ),
    FaultSpec("doubled-message", _BOTH, "Each message is sent twice."),
    FaultSpec("wrong-rule", _BOTH, "Messages name another rule.", (_text("rule", "Humidity above 95"),)),
    FaultSpec("wrong-sensor", _BOTH, "Messages name another sensor.", (_text("sensor", "282C02FFFFFE"),)),
    FaultSpec("wrong-value", _BOTH, "That amount is added to the value in messages.", (number("amount", 5.0),)),
    FaultSpec("wrong-time", _BOTH, "The time in messages is moved by so much.", (number("seconds", 3600.0),)),
    FaultSpec("no-all-clear", _BOTH, "The start of an alert is sent, its end is not."),
    FaultSpec(
        "garbled-message",
        _BOTH,
        "A mail's body is random bytes, its subject as it should be; an SMS is question marks.",
    ),
    FaultSpec(
        "cut-text",
        (_SMS,),
        "SMS end after so many characters.",
        (Parameter("characters", 40, "a number from 1 to 160", lambda value: 1 <= value <= 160),),
    ),
    FaultSpec("empty-pool", (_SMS,), "The organisation's prepaid pool is empty: the balance is 0, no SMS is sent."),
    FaultSpec("forged-signature", (_SMS,), "The provider's webhooks are signed with a wrong key."),
    FaultSpec(
        "replayed",
        (_SMS,),
        "Each webhook that was taken is posted again, to the byte the same, so much later.",
        (seconds("seconds", 1.0),),
    ),
    FaultSpec(
        "provider-down",
        (_SMS,),
        "The SMS provider, which is no part of the platform, answers 503 and holds its webhooks back.",
    ),
)
