"""Timelines as text, one letter a minute, and strategies that make them up.

Results: `u` up, `D` down, `?` unknown (blocked), `.` no result. States: `u` up, `b` blip, `D` down, `!` unconfirmed,
`?` blocked, `l` daemon late, `s` stopped, `k` killed, `n` not in service, `-` any other cause.
"""

from collections.abc import Iterable, Sequence

from hypothesis import strategies as st

from monitor.sla.model import Cause, Ledger, Life, Observation, ProbeTerms, Span, State, Verdict
from monitor.sla.runs import runs_of

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
T0 = 1_767_225_600_000  # 2026-01-01T00:00:00Z
STALE = 2 * MINUTE
HERE = "frankfurt"

_VERDICTS = {"u": Verdict.UP, "D": Verdict.DOWN, "?": Verdict.UNKNOWN}
_REASONS = {Verdict.UP: "", Verdict.DOWN: "refused", Verdict.UNKNOWN: "blocked"}
_CAUSES = {
    Cause.UNCONFIRMED: "!",
    Cause.BLOCKED: "?",
    Cause.DAEMON_LATE: "l",
    Cause.DAEMON_STOPPED: "s",
    Cause.DAEMON_KILLED: "k",
    Cause.NOT_IN_SERVICE: "n",
}
_CAUSE_OF_LETTER = {letter: cause for cause, letter in _CAUSES.items()}


def observation(
    started_ms: int,
    verdict: Verdict,
    *,
    stale_ms: int = STALE,
    confirm_after: int = 2,
    reason: str | None = None,
    step: str = "",
) -> Observation:
    return Observation(
        started_ms, verdict, stale_ms, confirm_after, _REASONS[verdict] if reason is None else reason, step
    )


def observations(
    timeline: str, start_ms: int = T0, *, stale_ms: int = STALE, confirm_after: int = 2, reason: str | None = None
) -> list[Observation]:
    return [
        observation(
            start_ms + minute * MINUTE,
            _VERDICTS[letter],
            stale_ms=stale_ms,
            confirm_after=confirm_after,
            reason=reason if letter == "D" else None,
        )
        for minute, letter in enumerate(timeline)
        if letter != "."
    ]


def letters(spans: Sequence[Span], step_ms: int = MINUTE) -> str:
    """The spans as text; every boundary must lie on a full step, so that nothing hides between two letters."""
    text = ""
    for span in spans:
        count, rest = divmod(span.end_ms - span.start_ms, step_ms)
        assert rest == 0, f"not on full steps: {span}"
        text += _letter(span) * count
    return text


def spans(text: str, start_ms: int = T0, step_ms: int = MINUTE) -> list[Span]:
    """The opposite of `letters`, one span a letter; a blank is no span at all."""
    return [
        _span(letter, start_ms + index * step_ms, start_ms + (index + 1) * step_ms)
        for index, letter in enumerate(text)
        if letter != " "
    ]


def terms(
    probe: str = "probe",
    *,
    location: str = HERE,
    from_ms: int = T0,
    component: str | None = "api",
    every_ms: int = MINUTE,
) -> ProbeTerms:
    return ProbeTerms(probe, location, from_ms, component, every_ms, STALE, 2)


def ledger(
    results: dict[str, str] | None = None,
    *,
    more_terms: Iterable[ProbeTerms] = (),
    lives: Iterable[Life] | None = None,
    confirm_after: int = 2,
) -> Ledger:
    """Probes of the component `api`, in service from T0 on, each with its timeline; `probe@location` names a place."""
    places = {
        (name.partition("@")[0], name.partition("@")[2] or HERE): timeline for name, timeline in (results or {}).items()
    }
    runs = {place: runs_of(observations(line, confirm_after=confirm_after)) for place, line in places.items()}
    known = [terms(probe, location=location) for probe, location in places]
    always = [Life(location, T0 - DAY, T0 + 4000 * DAY, False) for location in {HERE, *(place[1] for place in places)}]
    return Ledger(runs, [*known, *more_terms], always if lives is None else list(lives))


def minutes(count: int) -> tuple[int, int]:
    """The first so many minutes from T0 on."""
    return T0, T0 + count * MINUTE


def _letter(span: Span) -> str:
    if span.cause is not None:
        return _CAUSES.get(span.cause, "-")
    if span.state is State.UP:
        return "b" if span.blip else "u"
    return "D"


def _span(letter: str, start_ms: int, end_ms: int) -> Span:
    if letter in "ub":
        return Span(start_ms, end_ms, State.UP, None, letter == "b")
    if letter == "D":
        return Span(start_ms, end_ms, State.DOWN)
    return Span(start_ms, end_ms, State.UNKNOWN, _CAUSE_OF_LETTER.get(letter, Cause.OTHER))


@st.composite
def _observation(draw: st.DrawFn) -> Observation:
    verdict = draw(st.sampled_from([Verdict.UP, Verdict.DOWN, Verdict.DOWN, Verdict.UNKNOWN]))
    unknown = st.sampled_from(["blocked", "probe_bug", "martian"])
    return Observation(
        started_ms=T0 + draw(st.integers(0, 120)) * SECOND,
        verdict=verdict,
        stale_ms=draw(st.sampled_from([5, 12, 40])) * SECOND,
        confirm_after=draw(st.integers(1, 3)),
        reason=draw(unknown) if verdict is Verdict.UNKNOWN else _REASONS[verdict],
    )


any_observations = st.lists(_observation(), max_size=25)
"""Results at full seconds of two minutes, in any order, several of them perhaps at the same time, settings mixed."""


def of_one_setting(stale_seconds: int, confirm_after: int) -> st.SearchStrategy[list[Observation]]:
    """Results of a probe whose settings never change, at different times, sorted."""
    times = st.lists(st.integers(0, 120), max_size=25, unique=True).map(sorted)
    verdicts = st.sampled_from(list(Verdict))
    return times.flatmap(
        lambda seconds: st.lists(verdicts, min_size=len(seconds), max_size=len(seconds)).map(
            lambda found: [
                observation(T0 + second * SECOND, verdict, stale_ms=stale_seconds * SECOND, confirm_after=confirm_after)
                for second, verdict in zip(seconds, found, strict=True)
            ]
        )
    )
