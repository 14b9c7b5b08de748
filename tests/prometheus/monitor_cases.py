"""The monitor itself: gone, blind, late, not able to write, to seal or to tell. Four values are a minute."""

from tests.prometheus.cases import Case, fires, looks, silent

BUILD = 'uptime_build_info{version="1"}'
UNKNOWN = 'uptime_component_state{component="api", state="unknown"}'
CHECKS = 'uptime_probe_checks_total{probe="api", component="api", location="x", verdict="up", instance="a:8080"}'
NEWEST = 'uptime_probe_last_check_timestamp_seconds{probe="api", component="api", location="x", instance="a:8080"}'
LOADED = 'uptime_config_loaded_timestamp_seconds{instance="a:8080"}'
HEARTBEAT = "uptime_heartbeat_age_seconds"
LOST = "uptime_results_lost_total"
NUMBER, DIGEST, SEALED = "uptime_seal_number", "uptime_seal_digest_prefix", "uptime_seal_timestamp_seconds"
UNTOLD_B = 'uptime_alerts_untold_total{alertmanager="b:9093"}'
SEAL_FAILURES = "uptime_seal_failures_total"
SERVICE = 'uptime_component_in_service_seconds{component="api", instance="a:8080"}'

_API = {"component": "api", "severity": "major"}
_PROBE = {"probe": "api", "component": "api", "severity": "major"}
_MAJOR, _BLOCKER = {"severity": "major"}, {"severity": "blocker"}

WATCHING = (
    Case(
        "no daemon at all is told after two minutes, a restart is not",
        {BUILD: "1+0x7 stale _x3 1+0x7 stale _x40"},
        looks(silent("3m", "MonitorGone"), silent("6m", "MonitorGone"), fires("8m", "MonitorGone", **_BLOCKER)),
    ),
    Case(
        "a daemon that was never there is gone, too",
        {},
        looks(silent("1m45s", "MonitorGone"), fires("2m", "MonitorGone", **_BLOCKER)),
    ),
    Case(
        "a job whose scrapes mostly fail is told of, one that failed twice is not; hosts have an alert of their own",
        {
            'up{job="efento-uptime", instance="a:8080"}': "1+0x20 0+0x40",
            'up{job="alertmanager", instance="a:9093"}': "1+0x20 0 0 1+0x40",
            'up{job="node", instance="a:9100"}': "1+0x20 0+0x40",
        },
        looks(
            silent("8m", "ScrapeFailing"),
            fires("9m30s", "ScrapeFailing", job="efento-uptime", instance="a:8080", **_MAJOR),
        ),
    ),
    Case(
        "a component of which nothing is known for five minutes, over a restart that changes nothing",
        {UNKNOWN: "0+0x3 1+0x9 stale _x3 1+0x20", CHECKS: "0+0x13 stale _x3 0+0x20"},
        looks(silent("5m45s", "MonitorBlind"), fires("6m", "MonitorBlind", **_API)),
    ),
    Case(
        "five minutes begin anew with a moment in which it was known",
        {UNKNOWN: "1+0x12 0 1+0x18", CHECKS: "0+0x40"},
        looks(silent("7m", "MonitorBlind")),
    ),
    Case(
        "a component that no probe watches is not unknown by accident",
        {'uptime_component_state{component="reports", state="unknown"}': "1+0x40"},
        looks(silent("9m", "MonitorBlind")),
    ),
    Case(
        "a probe that does not run is late, once its result does not speak for the present any more",
        {CHECKS: "0+0x60", LOADED: "0+0x60", NEWEST: "0 0 30 30 60+0x56"},
        looks(silent("3m", "ProbeLate"), fires("4m", "ProbeLate", "3m 0s", **_PROBE)),
    ),
    Case(
        "a probe that was never checked is late since the daemon began, not before",
        {CHECKS: "0+0x60", LOADED: "600+0x60"},
        looks(silent("12m", "ProbeLate"), fires("12m30s", "ProbeLate", "2m 30s", **_PROBE)),
    ),
    Case(
        "after a day without the daemon its first checks are waited for",
        {CHECKS: "0+0x60", LOADED: "0+0x60", NEWEST: "-86400+0x2 30+0x2 60+0x2"},
        looks(silent("1m30s", "ProbeLate")),
    ),
    Case(
        "a probe at a slower pace has more time",
        {
            'uptime_probe_last_check_timestamp_seconds{probe="email", component="notifications"}': "0+0x80",
        },
        looks(
            silent("13m", "ProbeLate"),
            fires("14m", "ProbeLate", "14m 0s", probe="email", component="notifications", **_MAJOR),
        ),
    ),
    Case(
        "the store does not take what is seen; a slow moment of it is none",
        {HEARTBEAT: "2 5 20 35 2 5 20 35 50 65 80 95"},
        looks(silent("45s", "StoreNotWritable"), fires("2m30s", "StoreNotWritable", "1m 20s", **_BLOCKER)),
    ),
    Case(
        "results were lost",
        {LOST: "0+0x7 3+0x40"},
        looks(silent("1m45s", "ResultsLost"), fires("2m15s", "ResultsLost", **_MAJOR)),
    ),
)
TELLING = (
    Case(
        "a peer is silent as soon as the daemon says so, and over a restart",
        {'uptime_peer_silent{peer="dublin"}': "0+0x3 1+0x3 stale _x7 1 0+0x3"},
        looks(
            silent("45s", "PeerSilent"),
            fires("1m", "PeerSilent", peer="dublin", **_BLOCKER),
            fires("3m", "PeerSilent", peer="dublin", **_BLOCKER),
            silent("4m30s", "PeerSilent"),
        ),
    ),
    Case(
        "pushes do not get through to one of two Alertmanagers; a restart of the other is no news",
        {
            'uptime_alertmanager_up{alertmanager="a:9093"}': "1+0x3 0+0x20",
            'uptime_alertmanager_up{alertmanager="b:9093"}': "1+0x3 0+0x3 1+0x20",
        },
        looks(silent("2m45s", "PushFailing"), fires("3m", "PushFailing", alertmanager="a:9093", **_MAJOR)),
    ),
    Case(
        "an outage came and went untold to one of two Alertmanagers",
        {'uptime_alerts_untold_total{alertmanager="a:9093"}': "0+0x7 1+0x20", UNTOLD_B: "0+0x27"},
        looks(
            silent("1m45s", "AlertsUntold"),
            fires("2m15s", "AlertsUntold", alertmanager="a:9093", **_MAJOR),
        ),
    ),
    Case(
        "the call to the outside does not get through",
        {"uptime_ping_up": "1+0x3 0+0x20"},
        looks(silent("2m45s", "PingFailing"), fires("3m", "PingFailing", **_MAJOR)),
    ),
    Case("who calls nobody cannot fail at it", {BUILD: "1+0x40"}, looks(silent("9m", "PingFailing", "PushFailing"))),
    Case(
        "two notifications failed; a single one is tried again",
        {
            'alertmanager_notifications_failed_total{integration="webhook"}': "0+0x7 1+0x3 2+0x90",
            'alertmanager_notifications_failed_total{integration="email"}': "0+0x7 1+0x90",
        },
        looks(
            silent("2m30s", "NotificationsFailing"),
            fires("3m15s", "NotificationsFailing", integration="webhook", **_BLOCKER),
            silent("19m", "NotificationsFailing"),
        ),
    ),
    Case(
        "the dead man's switch fires, whatever happens",
        {},
        looks(fires("0s", "DeadMansSwitch", severity="none"), fires("9m", "DeadMansSwitch", severity="none")),
    ),
)
WARNINGS = (
    Case(
        "a certificate expires soon",
        {
            'uptime_probe_figure{probe="api", component="api", figure="certificate_expiring"}': "0+0x3 1 1 stale _x9",
            'uptime_probe_figure{probe="other", component="api", figure="certificate_expiring"}': "0+0x30",
        },
        looks(
            silent("45s", "CertificateExpiring"),
            fires("1m", "CertificateExpiring", **_PROBE),
            fires("3m", "CertificateExpiring", **_PROBE),  # the newest check did not come to it
        ),
    ),
    Case(
        "few SMS are left",
        {'uptime_probe_figure{probe="sms", component="notifications", figure="sms_credit"}': "100+0x3 98+0x3"},
        looks(
            silent("45s", "SmsCreditLow"),
            fires("1m", "SmsCreditLow", "98", probe="sms", component="notifications", **_MAJOR),
        ),
    ),
)
SEALS = (
    Case(
        "nothing was sealed for a day and a half, of which a day and some hours had passed when this began",
        {NUMBER: "3+0x120", SEALED: "-128400+0x120"},
        looks(silent("29m", "SealOverdue"), fires("31m", "SealOverdue", **_MAJOR)),
    ),
    Case(
        "nothing was ever sealed since the daemon is in service",
        {'uptime_seal_number{instance="a:8080"}': "0+0x120", SERVICE: "128400+15x120"},
        looks(silent("29m", "SealOverdue"), fires("31m", "SealOverdue", **_MAJOR)),
    ),
    Case(
        "a new installation has not sealed yet",
        {'uptime_seal_number{instance="a:8080"}': "0+0x120", SERVICE: "0+15x120", SEALED: "0+0x120"},
        looks(silent("29m", "SealOverdue")),
    ),
    Case(
        "the next seal has the next number and another digest, and one attempt of it may fail",
        {NUMBER: "3+0x7 4+0x20", DIGEST: "111+0x7 222+0x20", SEAL_FAILURES: "0+0x5 1+0x20"},
        looks(silent("3m", "SealBroken"), silent("5m", "SealBroken")),
    ),
    Case(
        "seals cannot be made",
        {SEAL_FAILURES: "0+0x3 1+0x39 2+0x40"},
        looks(silent("10m", "SealBroken"), fires("12m", "SealBroken", **_MAJOR)),
    ),
    Case(
        "the newest seal is an older one than before",
        {NUMBER: "4+0x7 3+0x20", DIGEST: "222+0x7 111+0x20"},
        looks(silent("1m", "SealBroken"), fires("3m", "SealBroken", **_MAJOR)),
    ),
    Case(
        "the newest seal is another one of the same number, which a restart does not hide",
        {NUMBER: "4+0x7 stale _x7 4+0x20", DIGEST: "222+0x7 stale _x7 333+0x20"},
        looks(silent("1m", "SealBroken"), fires("5m", "SealBroken", **_MAJOR)),
    ),
)
CASES: tuple[Case, ...] = (*WATCHING, *TELLING, *WARNINGS, *SEALS)

# Of Friday afternoon on Monday morning; an hour is six values.
SLOW_CASES = (
    Case(
        "what happened once is told until support hours begin, over restarts, and then no more",
        {LOST: "0 3+0x30 stale _ 0+0x500", UNTOLD_B: "0 1+0x30 stale _ 0+0x500"},
        looks(
            fires("64h", "ResultsLost", **_MAJOR),
            fires("64h", "AlertsUntold", alertmanager="b:9093", **_MAJOR),
            silent("73h", "ResultsLost", "AlertsUntold"),
        ),
        "10m",
    ),
)
