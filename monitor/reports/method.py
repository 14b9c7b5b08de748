"""How the figures come about, in the words of the report. `docs/method.md` has it in full."""

METHOD: tuple[tuple[str, str], ...] = (
    (
        "What is measured",
        "Probes behave like customers, around the clock: they send measurements, log in, call the API, wait for "
        "the alarm. A check is one such journey. What it found holds from its start to the start of the next "
        "check, but never longer than two and a half intervals (or what the probe is set to); after that nothing "
        "is known.",
    ),
    (
        "Downtime",
        "A failed check is repeated at once. Only failures in a row make an outage, which then begins with the "
        "first of them and ends with the first check that succeeds. A failure whose repetition succeeds is a "
        "blip: it is counted and shown, but is no downtime in the observed figure.",
    ),
    (
        "Unknown time",
        "Time that was not observed is neither up nor down. It is shown with its cause: the monitor was stopped, "
        "its own network was out, another component failed first. Silence is never taken for uptime.",
    ),
    (
        "Three figures",
        "Observed is up / (up + down). At least: as if all time that is not certainly up were downtime, unknown "
        "time and the gaps between the last success and the first failure included. At most: as if only the time "
        "from the first to the last failed check of each outage were downtime. Coverage is the share of time that "
        "was observed.",
    ),
    (
        "The outcome",
        "A promise is kept if even the lowest figure reaches it, not kept if even the highest one does not, and "
        "else undecided. Time is added up in whole milliseconds, compared exactly, and rounded down only when it "
        "is shown: 99.4999 % is never shown as 99.5 %. A year is the sum of its time, not the mean of its months.",
    ),
    (
        "What the bounds do not cover",
        "An outage that begins and ends between two checks is seen by nobody. The bounds hold for every course of "
        "events without such outages.",
    ),
    (
        "Windows",
        "Maintenance, restores and exclusions are declared with an author and a reason. What is declared after it "
        "began is marked retroactive. Every figure is given with the windows and as if none had been declared.",
    ),
    (
        "What an evidence reference is",
        "An outage names the check that it began with: the name of its result on record, or the probe and the "
        "step. efento-uptime explain, followed by the outage, shows every check around it.",
    ),
)
