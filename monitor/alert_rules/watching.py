"""Alerts of the monitor itself: it is gone, blind, late, cannot write, cannot seal, cannot tell anybody."""

from monitor.alert_rules.model import COMPONENT, Alert, Group, Recording, number, one_of, promql, window
from monitor.config import Config, ProbeConfig
from monitor.config.values import duration_text

JOB, NODE_JOB = "efento-uptime", "node"
HEARTBEATS_MISSED = 6
LATE_FOR_SECONDS = 60.0
AGE = "probe:uptime_check_age:seconds"
# What happened once is told until support hours begin, also on Monday of Friday's: what is over by then never is.
OF_EVENTS = "3d"


def watching(config: Config) -> Group:
    return Group(
        "monitor",
        (
            _gone(config),
            _scrape_failing(config),
            _blind(config),
            _age_of_checks(),
            _late(config),
            _store_not_writable(config),
            _results_lost(),
        ),
        "Silence is never taken for health: what must be there is asked for with absent().",
    )


def telling(config: Config) -> Group:
    return Group(
        "telling",
        (
            *_others_unheard(config),
            _notifications_failing(),
            Alert(
                "DeadMansSwitch",
                "vector(1)",
                severity="none",
                summary="Alerting works",
                description="Always fires. Whoever waits for it outside and does not hear it any more knows that "
                "Prometheus, Alertmanager or the way between them has failed.",
            ),
        ),
        "Whether anybody would hear of an alert.",
    )


def warnings(config: Config) -> Group:
    return Group("warnings", (_certificate(config), _sms_credit(config)), "What probes see coming while all is well.")


def seals(config: Config) -> Group:
    overdue = (_seal_overdue(config),) if config.sealing.at is not None else ()
    return Group("seals", (*overdue, _seal_broken()), "Proof that nothing on record is changed afterwards.", 60.0)


def _gone(config: Config) -> Alert:
    return Alert(
        "MonitorGone",
        "absent(uptime_build_info)",
        severity="blocker",
        summary="Nobody watches: no daemon answers Prometheus",
        description="From now on no outage is seen, and the time counts as unknown. Alerts of outages that were open "
        f"hold on for {duration_text(config.alerting.outlive)}.",
        for_seconds=config.alerting.rules.gone_for,
    )


def _scrape_failing(config: Config) -> Alert:
    length = window(config.alerting.rules.scrape_window)
    return Alert(
        "ScrapeFailing",
        f'avg by (job, instance) (avg_over_time(up{{job!="{NODE_JOB}"}}[{length}])) < 0.5',
        severity="major",
        summary="Prometheus cannot read {{ $labels.job }} at {{ $labels.instance }}",
        description=f"More than half of the scrapes of the last {length} failed. What it would tell is not known.",
        for_seconds=60,
    )


def _blind(config: Config) -> Alert:
    outlive = window(config.alerting.outlive)
    expr = f"""
        max by (component) (last_over_time(uptime_component_state{{state="unknown"}}[{outlive}])) == 1
        and on (component)
        group by (component) (last_over_time(uptime_probe_checks_total[{outlive}]))
    """
    return Alert(
        "MonitorBlind",
        promql(expr),
        severity="major",
        summary="Whether {{ $labels.component }} works is not known",
        description="Its probes run and cannot tell, or do not run. An outage would not be seen, and the time counts "
        "against the proof of the promise. The component's page has the cause.",
        for_seconds=config.alerting.rules.unknown_for,
        about=COMPONENT,
    )


def _age_of_checks() -> Recording:
    """Of the daemon that is furthest behind. A probe that was never checked counts from the start of the daemon."""
    expr = """
        time() - min by (probe, component) (
          uptime_probe_last_check_timestamp_seconds
          or on (instance, probe, component)
          0 * uptime_probe_checks_total{verdict="up"}
            + on (instance) group_left () uptime_config_loaded_timestamp_seconds
        )
    """
    return Recording(AGE, promql(expr))


def _late(config: Config) -> Alert:
    probes: dict[float, list[str]] = {}
    for probe in config.probes:
        probes.setdefault(_late_after(probe), []).append(probe.id)
    by_pace = [f'{AGE}{{probe=~"{one_of(ids)}"}} > {number(seconds)}' for seconds, ids in sorted(probes.items())]
    return Alert(
        "ProbeLate",
        "\nor\n".join(by_pace),
        severity="major",
        summary="{{ $labels.probe }} was not checked for {{ $value | humanizeDuration }}",
        description="The daemon answers, but this probe of {{ $labels.component }} does not run: for longer than a "
        "result speaks for, so its state is unknown by now.",
        for_seconds=LATE_FOR_SECONDS,
        about=COMPONENT,
    )


def _late_after(probe: ProbeConfig) -> float:
    """A check shows when it has ended, by its start: even in order that is an interval and a check ago."""
    return max(probe.stale_seconds, probe.every_seconds + probe.timeout_seconds)


def _store_not_writable(config: Config) -> Alert:
    seconds = max(config.alerting.rules.store_silent, HEARTBEATS_MISSED * config.heartbeat_seconds)
    return Alert(
        "StoreNotWritable",
        f"max(uptime_heartbeat_age_seconds) > {number(seconds)}",
        severity="blocker",
        summary="The daemon has not written to its store for {{ $value | humanizeDuration }}",
        description="Nothing is shown before it is on disk: while this lasts no outage is seen. Results wait.",
        for_seconds=30,
    )


def _results_lost() -> Alert:
    return Alert(
        "ResultsLost",
        f"sum(increase(uptime_results_lost_total[{OF_EVENTS}])) > 0",
        severity="major",
        summary="The daemon was stopped before all results were on disk",
        description="Checks of the last minutes before the stop are missing; their time is unknown, not up. Told for "
        f"{OF_EVENTS}.",
    )


def _others_unheard(config: Config) -> tuple[Alert, ...]:
    outlive, patience = window(config.alerting.outlive), config.alerting.rules.undelivered_for
    return (
        Alert(
            "PeerSilent",
            f"max by (peer) (last_over_time(uptime_peer_silent[{outlive}])) == 1",
            severity="blocker",
            summary="The daemon {{ $labels.peer }} does not call any more",
            description="It is down, cannot reach this one, or is not well: perhaps nobody watches from there.",
        ),
        Alert(
            "PushFailing",
            f"min by (alertmanager) (last_over_time(uptime_alertmanager_up[{outlive}])) == 0",
            severity="major",
            summary="Outages cannot be pushed to the Alertmanager {{ $labels.alertmanager }}",
            description="Pages still come by way of Prometheus, some seconds to a minute later.",
            for_seconds=patience,
        ),
        Alert(
            "AlertsUntold",
            f"sum by (alertmanager) (increase(uptime_alerts_untold_total[{OF_EVENTS}])) > 0",
            severity="major",
            summary="An outage came and went before the Alertmanager {{ $labels.alertmanager }} could be told",
            description="No push got through while it lasted. If Prometheus did not tell of it either, nobody was "
            f"paged. Told for {OF_EVENTS}.",
        ),
        Alert(
            "PingFailing",
            f"min(last_over_time(uptime_ping_up[{outlive}])) == 0",
            severity="major",
            summary="The daemon's call to the outside does not get through",
            description="Whoever waits for it will soon report the daemon as dead, although it lives.",
            for_seconds=patience,
        ),
    )


def _notifications_failing() -> Alert:
    return Alert(
        "NotificationsFailing",
        # Once may be the bad moment of a service, and is repeated; twice within minutes is none.
        "sum by (integration) (increase(alertmanager_notifications_failed_total[15m])) >= 2",
        severity="blocker",
        summary="Alertmanager cannot notify by {{ $labels.integration }}",
        description="Somebody is not told of what they should know. Its log has the answer of the service.",
    )


def _figure(reduced: str, figure: str, config: Config) -> str:
    series = f'uptime_probe_figure{{figure="{figure}"}}[{window(config.alerting.outlive)}]'
    return f"{reduced} by (probe, component) (last_over_time({series}))"


def _certificate(config: Config) -> Alert:
    return Alert(
        "CertificateExpiring",
        f"{_figure('max', 'certificate_expiring', config)} == 1",
        severity="major",
        summary="The certificate that {{ $labels.probe }} looks at expires soon",
        description="It still works: the probe warns at its option warn_before. Once it has expired "
        "{{ $labels.component }} is down.",
        about=COMPONENT,
    )


def _sms_credit(config: Config) -> Alert:
    least = config.alerting.rules.sms_credit
    return Alert(
        "SmsCreditLow",
        f"{_figure('min', 'sms_credit', config)} < {least}",
        severity="major",
        summary="{{ $value }} SMS are left",
        description=f"Told below {least}. Once the pool is empty no customer is notified by SMS.",
        about=COMPONENT,
    )


def _seal_overdue(config: Config) -> Alert:
    seconds = config.alerting.rules.seal_overdue
    expr = f"""
        count(
          (time() - uptime_seal_timestamp_seconds > {number(seconds)} and uptime_seal_number > 0)
          or
          (
            uptime_seal_number == 0
            and on (instance)
            max by (instance) (uptime_component_in_service_seconds) > {number(seconds)}
          )
        ) > 0
    """
    return Alert(
        "SealOverdue",
        promql(expr),
        severity="major",
        summary=f"Nothing was sealed for more than {duration_text(seconds)}",
        description="Until the next seal nothing proves that what was recorded since the last one is unchanged.",
        for_seconds=600,
    )


def _seal_broken() -> Alert:
    # A number that goes back, or a digest that changes without its number, is another history than the one sealed.
    expr = """
        sum(increase(uptime_seal_failures_total[1h])) >= 2
        or
        max(max_over_time(uptime_seal_number[7d]) - uptime_seal_number) > 0
        or
        max(abs(changes(uptime_seal_digest_prefix[7d]) - changes(uptime_seal_number[7d]))) > 0
    """
    return Alert(
        "SealBroken",
        promql(expr),
        severity="major",
        summary="Seals cannot be made, or are not those of a few days ago",
        description="Sealing failed repeatedly, or the newest seal's number or digest was replaced. Unless a backup of "
        "the store was just put back: keep the files as they are, and run efento-uptime verify.",
    )
