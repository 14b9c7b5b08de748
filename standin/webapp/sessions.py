"""Who is logged in to the web application. The people are the platform's own."""

from datetime import datetime, timedelta

from standin.fault_model import Interface
from standin.parts import Context


class Sessions:
    """A session lasts as long as an access token (`token_lifetime_seconds`)."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._begun: dict[str, datetime] = {}

    def begin(self, login: str, password: str) -> str | None:
        """A new session, or None for wrong credentials."""
        faults = self._context.faults
        session = self._context.tokens.log_in(login, password)
        if session is None or faults.active(Interface.WEB, "login-refused"):
            return None
        if not faults.active(Interface.WEB, "login-loop"):
            self._begun[session] = self._context.live.current.now()
        return session

    def knows(self, session: str) -> bool:
        self._forget_old()
        return session in self._begun

    def end(self, session: str) -> None:
        self._begun.pop(session, None)

    def _forget_old(self) -> None:
        settings = self._context.live.current
        oldest = settings.now() - timedelta(seconds=settings.token_lifetime_seconds)
        self._begun = {session: begun for session, begun in self._begun.items() if begun > oldest}
