"""Whether the monitor can be believed: pace, store, coverage, seals, and whether anybody would be told."""

from grafana_foundation_sdk.models import dashboard

from grafana import frame, looks
from grafana.grid import Row, line, row
from grafana.panels import About, areas, bars, gauges, lines, states, tiles
from grafana.queries import Query, coverage, now, rounded_down
from grafana.tables import RATIO_DECIMALS, Column, rows_of

NO_DAEMON = "NO DAEMON"
PER_MINUTE = "suffix:/min"


def built(site: frame.Site) -> dashboard.Dashboard:
    about = frame.Frame(
        "uptime-monitor",
        "Uptime: Monitor itself",
        "Whether the monitor can be believed, and whether anybody would be told.",
        annotations=(frame.configuration_loads(), frame.seals(), frame.outages()),
    )
    return frame.made(about, site, _alive(), _pace(), _store(), _coverage(), _seals(), _told())


def _alive() -> Row:
    daemons = rows_of(
        "Daemons",
        "Every daemon that Prometheus scrapes. Good: all that should be, with one version and one configuration.",
        {"instance": [], "version": []},
        Column("Runs", "max by (instance, version) (uptime_build_info)", "none", texts={1: ("runs", looks.GOOD)}),
        nothing=NO_DAEMON,
    )
    loaded = tiles(
        About(
            "Configuration loaded", "When the configuration in force was loaded.", "dateTimeFromNow", no_value=NO_DAEMON
        ),
        now("max by (instance) (uptime_config_loaded_timestamp_seconds) * 1000", "{{instance}}"),
    )
    lost = tiles(
        About(
            "Results lost",
            "Results that could not be stored before a daemon was stopped. Good: 0, for ever.",
            "none",
            0,
            NO_DAEMON,
        ),
        now("sum(uptime_results_lost_total)", "lost"),
        thresholds=looks.ZERO_IS_GOOD,
    )
    scraped = states(
        About("Scrapes", "Whether Prometheus reaches what it scrapes. Good: everything.", "none"),
        Query("up", "{{job}} {{instance}}"),
        texts=looks.SCRAPED,
    )
    return row("Does it run", line(6, (daemons, 9), (loaded, 4), (lost, 3), (scraped, 8)))


def _pace() -> Row:
    buckets = "sum by (instance, le) (rate(uptime_check_lateness_seconds_bucket[$__rate_interval]))"
    lateness = lines(
        About(
            "Lateness of checks",
            "How long after its time on the grid a check began: half of them, and 99 % of them, were faster. Good: "
            "some milliseconds; seconds mean that the machine is overloaded.",
            "s",
            4,
        ),
        Query(f"histogram_quantile(0.5, {buckets})", "{{instance}} half"),
        Query(f"histogram_quantile(0.99, {buckets})", "{{instance}} 99 %"),
        calcs=("lastNotNull", "max"),
    )
    events = bars(
        About(
            "Late, skipped and overrun starts",
            "Starts per hour that were late by more than a second, skipped because the machine stood still, or due "
            "while the check before still ran. Good: empty.",
            "suffix:/h",
            1,
            "none",
        ),
        Query(
            "sum by (event, probe) (rate(uptime_schedule_events_total[$__rate_interval])) * 3600 > 0",
            "{{probe}} {{event}}",
        ),
    )
    flight = lines(
        About(
            "Checks in flight", "Checks that run now. Good: steady; a rise means that servers do not answer.", "none", 0
        ),
        Query("sum by (instance) (uptime_checks_in_flight)", "{{instance}}"),
    )
    return row("Pace", line(8, (lateness, 10), (events, 8), (flight, 6)))


def _store() -> Row:
    queue = lines(
        About("Waiting to be written", "Records that wait for the store. Good: close to 0, and back to it.", "none", 0),
        Query("sum by (instance) (uptime_store_queue_records)", "{{instance}}"),
    )
    heartbeat = lines(
        About("Age of the heartbeat", "Time since the store took the last heartbeat. Good: a few seconds.", "s", 0),
        Query("max by (instance) (uptime_heartbeat_age_seconds)", "{{instance}}"),
    )
    stored = lines(
        About("Results stored", "Results that came onto the disk, per minute. Good: steady.", PER_MINUTE, 1),
        Query("sum by (instance) (rate(uptime_results_stored_total[$__rate_interval])) * 60", "{{instance}}"),
    )
    errors = bars(
        About(
            "Store errors",
            "Failed attempts to use the store, per minute; each is tried again. Good: empty.",
            PER_MINUTE,
            2,
            "none",
        ),
        Query("sum by (instance) (rate(uptime_store_errors_total[$__rate_interval])) * 60 > 0", "{{instance}}"),
    )
    return row("Store", line(7, (queue, 6), (heartbeat, 6), (stored, 6), (errors, 6)))


def _coverage() -> Row:
    unknown = "rate(uptime_component_unknown_seconds_total[$__rate_interval])"
    covered = gauges(
        About(
            "Coverage",
            "Share of the last 30 days in which the state was really observed, for each component. Good: 100 %. Cut,"
            " not rounded.",
            "percentunit",
            RATIO_DECIMALS,
        ),
        now(rounded_down(coverage("30d")), "{{component}}"),
        thresholds=looks.thresholds(looks.BAD, (0.99, looks.WARNING), (0.999, looks.GOOD)),
    )
    causes = areas(
        About(
            "Why time is unknown",
            "Share of the time that is unknown, by cause, summed over the components. Good: 0.",
            "percentunit",
            2,
            "none unknown",
        ),
        Query(
            f"sum by (cause) (max by (component, cause) ({unknown})) > 0",
            "{{cause}}",
        ),
    )
    return row("Coverage", line(8, (covered, 12), (causes, 12)))


def _seals() -> Row:
    newest = "max(uptime_seal_timestamp_seconds > 0) * 1000"
    sealed = tiles(
        About(
            "Newest seal",
            "When the newest seal was made. Good: within a day and a half.",
            "dateTimeFromNow",
            no_value="nothing sealed yet",
        ),
        now(newest, "sealed"),
    )
    number = tiles(
        About(
            "Number of the newest seal", "Counts up by one a day. A number that falls means a changed store.", "none", 0
        ),
        now("max(uptime_seal_number)", "number"),
    )
    digest = tiles(
        About(
            "Digest of the newest seal",
            "The first 13 hexadecimal digits of the digest, as a number: a copy of the proof outside the store.",
            "none",
            0,
        ),
        now(
            "max(uptime_seal_digest_prefix and on (instance) "
            "(uptime_seal_number == on () group_left () max(uptime_seal_number)))",
            "digest",
        ),
    )
    failures = tiles(
        About("Failed attempts to seal", "In the time range chosen above. Good: 0.", "none", 0),
        now("sum(increase(uptime_seal_failures_total[$__range]))", "failed"),
        thresholds=looks.ZERO_IS_GOOD,
    )
    return row("Seals", line(5, (sealed, 6), (number, 6), (digest, 6), (failures, 6)))


def _told() -> Row:
    return row(
        "Would anybody be told",
        line(7, (_alertmanagers(), 9), (_pushes(), 6), (_alerts(), 3), (_notifications(), 6)),
        line(7, (_ping(), 9), (_pings(), 6), (_peers(), 9)),
    )


def _alertmanagers() -> dashboard.Panel:
    return states(
        About(
            "Alertmanagers",
            "Whether the newest push to each Alertmanager got through. Good: all.",
            "none",
            no_value="none configured",
        ),
        Query("min by (instance, alertmanager) (uptime_alertmanager_up)", "{{instance}} to {{alertmanager}}"),
        texts=looks.REACHED,
    )


def _pushes() -> dashboard.Panel:
    return bars(
        About(
            "Pushes",
            "Pushes to Alertmanagers per minute. Good: ok alone; none at all while nothing is down.",
            PER_MINUTE,
            1,
            "none",
        ),
        Query(
            "sum by (alertmanager, outcome) (rate(uptime_alertmanager_pushes_total[$__rate_interval])) * 60 > 0",
            "{{alertmanager}} {{outcome}}",
        ),
    )


def _alerts() -> dashboard.Panel:
    return tiles(
        About("Alerts held", "Alerts that the daemons hold up now. Good: 0.", "none", 0),
        now("max(uptime_alerts_pushed)", "alerts"),
        thresholds=looks.ZERO_IS_GOOD,
    )


def _notifications() -> dashboard.Panel:
    return bars(
        About(
            "Notifications that failed",
            "What Alertmanager could not deliver, per hour, by the way it took. Good: empty.",
            "suffix:/h",
            1,
            "none",
        ),
        Query(
            "sum by (integration) (rate(alertmanager_notifications_failed_total[$__rate_interval])) * 3600 > 0",
            "{{integration}}",
        ),
    )


def _ping() -> dashboard.Panel:
    return states(
        About(
            "Ping",
            "Whether the newest call that says the daemon lives got through. Good: it did.",
            "none",
            no_value="none configured",
        ),
        Query("min by (instance) (uptime_ping_up)", "{{instance}}"),
        texts=looks.REACHED,
    )


def _pings() -> dashboard.Panel:
    return bars(
        About(
            "Pings",
            "Calls that say the daemon lives, per minute. Good: ok alone, at a steady pace.",
            PER_MINUTE,
            1,
            "none",
        ),
        Query(
            "sum by (instance, outcome) (rate(uptime_pings_total[$__rate_interval])) * 60 > 0",
            "{{instance}} {{outcome}}",
        ),
    )


def _peers() -> dashboard.Panel:
    return rows_of(
        "Peers",
        "Other daemons that call this one, and when they last did. Good: none is silent.",
        {"peer": []},
        Column("State", "max by (peer) (uptime_peer_silent)", "none", texts=looks.SILENT),
        Column(
            "Last call",
            "max by (peer) (uptime_peer_last_ping_timestamp_seconds) * 1000",
            "dateTimeFromNow",
            no_value="never",
        ),
        nothing="none configured",
    )
