"""Alerts of the platform's servers, by what node_exporter tells of them."""

from monitor.alert_rules.model import Alert, Group, Recording, number, promql, window
from monitor.alert_rules.watching import NODE_JOB
from monitor.config import Config
from monitor.config.values import duration_text, percentage_text

AVAILABLE = "filesystem:node_available:ratio"
_FALLING_SINCE = "6h"
_NO_DISK = "tmpfs|ramfs|overlay|squashfs|iso9660|autofs"


def hosts(config: Config) -> Group:
    return Group("hosts", (_busy(config), _memory(config), _available(), _disk(config), _gone(config)))


def _busy(config: Config) -> Alert:
    rules = config.alerting.rules
    return Alert(
        "HostCpuBusy",
        '1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m])) > ' + number(rules.host_busy),
        severity="minor",
        summary="{{ $labels.instance }} is busy to {{ $value | humanizePercentage }}",
        description=f"All its processors together, for {duration_text(rules.host_busy_for)} at least.",
        for_seconds=rules.host_busy_for,
    )


def _memory(config: Config) -> Alert:
    share = config.alerting.rules.host_memory
    expr = "min by (instance) (node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)"
    return Alert(
        "HostMemoryLow",
        f"{expr} < {number(share)}",
        severity="major",
        summary="{{ $labels.instance }} has {{ $value | humanizePercentage }} of its memory left",
        description="When nothing is left the kernel ends processes, the largest first.",
        for_seconds=300,
    )


def _available() -> Recording:
    of_disks = f'{{fstype!~"{_NO_DISK}"}}'
    expr = f"""
        node_filesystem_avail_bytes{of_disks} / node_filesystem_size_bytes{of_disks}
        and
        node_filesystem_readonly == 0
    """
    return Recording(AVAILABLE, promql(expr))


def _disk(config: Config) -> Alert:
    rules = config.alerting.rules
    ahead = rules.host_disk_full_in
    expr = f"""
        min by (instance, mountpoint) (
          {AVAILABLE} < {number(rules.host_disk)}
          or
          (
            {AVAILABLE} < {number(rules.host_disk_falling)}
            and
            predict_linear(node_filesystem_avail_bytes[{_FALLING_SINCE}], {number(ahead)}) < 0
          )
        )
    """
    return Alert(
        "HostDiskFilling",
        promql(expr),
        severity="major",
        summary="{{ $labels.mountpoint }} on {{ $labels.instance }} has {{ $value | humanizePercentage }} left",
        description=f"Less than {percentage_text(rules.host_disk)}, or at the pace of the last {_FALLING_SINCE} full "
        f"within {duration_text(ahead)}.",
        for_seconds=900,
    )


def _gone(config: Config) -> Alert:
    length = window(config.alerting.rules.scrape_window)
    return Alert(
        "HostGone",
        f'avg by (instance) (avg_over_time(up{{job="{NODE_JOB}"}}[{length}])) < 0.5',
        severity="major",
        summary="{{ $labels.instance }} does not answer",
        description=f"More than half of the scrapes of its node_exporter failed in the last {length}: the server, the "
        "exporter or the way to it.",
        for_seconds=60,
    )
