"""The machines, of the platform and of the monitor: node_exporter's CPU, memory, disks, network, load, services."""

from grafana_foundation_sdk.models import dashboard

from grafana import frame, looks
from grafana.grid import Row, line, row
from grafana.panels import About, gauges, lines, tiles
from grafana.queries import Query, now
from grafana.tables import Column, rows_of

OF = 'instance=~"$instance"'
REAL_DISKS = 'fstype!~"tmpfs|ramfs|overlay|squashfs|iso9660|autofs|devtmpfs|nsfs"'
REAL_NETWORKS = 'device!~"lo|veth.*|docker.*|br-.*|cni.*|cali.*"'
NO_EXPORTER = "no node_exporter"
CPU_BUSY = f'1 - avg by (instance) (rate(node_cpu_seconds_total{{{OF}, mode="idle"}}[$__rate_interval]))'
MEMORY_USED = f"1 - max by (instance) (node_memory_MemAvailable_bytes{{{OF}}} / node_memory_MemTotal_bytes{{{OF}}})"
DISK_USED = (
    f"1 - node_filesystem_avail_bytes{{{OF}, {REAL_DISKS}}} / (node_filesystem_size_bytes{{{OF}, {REAL_DISKS}}} > 0)"
)
LOAD = f'max by (instance) (node_load5{{{OF}}}) / count by (instance) (node_cpu_seconds_total{{{OF}, mode="idle"}})'


def built(site: frame.Site) -> dashboard.Dashboard:
    about = frame.Frame(
        "uptime-hosts",
        "Uptime: Hosts",
        "The machines of the platform and of the monitor, as node_exporter sees them.",
        variables=(frame.choice("instance", "instance", "node_uname_info"),),
        annotations=(frame.outages(),),
    )
    return frame.made(about, site, _all(), _computing(), _disks(), _network(), _system())


def _all() -> Row:
    hosts = rows_of(
        "Hosts",
        "One row a machine. Good: processors and memory below 80 %, the fullest disk below 80 %, load below 1 a "
        "processor.",
        {"instance": [], "nodename": []},
        Column(
            "Running since", _named(f"max by (instance) (node_boot_time_seconds{{{OF}}}) * 1000"), "dateTimeFromNow"
        ),
        Column("Processors busy", _named(CPU_BUSY), "percentunit", 1, thresholds=looks.BUSY),
        Column("Memory used", _named(MEMORY_USED), "percentunit", 1, thresholds=looks.BUSY),
        Column("Fullest disk", _named(f"max by (instance) ({DISK_USED})"), "percentunit", 1, thresholds=looks.BUSY),
        Column(
            "Load a processor",
            _named(LOAD),
            "none",
            2,
            thresholds=looks.thresholds(looks.GOOD, (1, looks.WARNING), (2, looks.BAD)),
        ),
        nothing=NO_EXPORTER,
    )
    return row("All machines", line(8, (hosts, 24)))


def _named(expr: str) -> str:
    """With the machine's own name beside its address."""
    return f"({expr}) * on (instance) group_left (nodename) max by (instance, nodename) (node_uname_info{{{OF}}})"


def _computing() -> Row:
    cpu = lines(
        About(
            "Processors busy",
            "Share of all processors' time that is not idle. Good: below 80 %.",
            "percentunit",
            1,
            NO_EXPORTER,
        ),
        Query(CPU_BUSY, "{{instance}}"),
        calcs=("mean", "max"),
        high=1,
    )
    memory = lines(
        About(
            "Memory used",
            "Share of the memory that is not available to programs. Good: below 90 %.",
            "percentunit",
            1,
            NO_EXPORTER,
        ),
        Query(MEMORY_USED, "{{instance}}"),
        calcs=("mean", "max"),
        high=1,
    )
    load = lines(
        About(
            "Load a processor",
            "Load average of 5 minutes, divided by the processors. Good: below 1.",
            "none",
            2,
            NO_EXPORTER,
        ),
        Query(LOAD, "{{instance}}"),
        calcs=("mean", "max"),
    )
    return row("Processors and memory", line(9, (cpu, 8), (memory, 8), (load, 8)))


def _disks() -> Row:
    used = gauges(
        About("Disks used", "Share of each file system that is used. Good: below 80 %.", "percentunit", 1, NO_EXPORTER),
        now(f"max by (instance, mountpoint) ({DISK_USED})", "{{instance}} {{mountpoint}}"),
        thresholds=looks.BUSY,
    )
    free = lines(
        About(
            "Free space",
            "What is left for programs on each file system. Good: steady; a straight fall has an end.",
            "bytes",
            1,
            NO_EXPORTER,
        ),
        Query(
            f"min by (instance, mountpoint) (node_filesystem_avail_bytes{{{OF}, {REAL_DISKS}}})",
            "{{instance}} {{mountpoint}}",
        ),
        calcs=("last", "min"),
    )
    busy = lines(
        About(
            "Disks busy", "Share of the time in which a disk had work. Good: below 80 %.", "percentunit", 1, NO_EXPORTER
        ),
        Query(
            f"max by (instance, device) (rate(node_disk_io_time_seconds_total{{{OF}}}[$__rate_interval]))",
            "{{instance}} {{device}}",
        ),
        high=1,
    )
    return row("Disks", line(9, (used, 8), (free, 8), (busy, 8)))


def _traffic(direction: str, metric: str) -> dashboard.Panel:
    expr = f"sum by (instance) (rate({metric}{{{OF}, {REAL_NETWORKS}}}[$__rate_interval]))"
    about = About(
        f"Network, {direction}",
        f"Bytes a second {direction}, over all real interfaces. Good: far below the line's limit.",
        "Bps",
        1,
        NO_EXPORTER,
    )
    return lines(about, Query(expr, "{{instance}}"), calcs=("mean", "max"))


def _network() -> Row:
    errors = lines(
        About("Network errors", "Faulty and dropped packets a second. Good: 0.", "suffix:/s", 2, NO_EXPORTER),
        Query(
            " + ".join(
                f"sum by (instance) (rate(node_network_{kind}_total{{{OF}, {REAL_NETWORKS}}}[$__rate_interval]))"
                for kind in ("receive_errs", "transmit_errs", "receive_drop", "transmit_drop")
            ),
            "{{instance}}",
        ),
    )
    return row(
        "Network",
        line(
            8,
            (_traffic("received", "node_network_receive_bytes_total"), 8),
            (_traffic("sent", "node_network_transmit_bytes_total"), 8),
            (errors, 8),
        ),
    )


def _system() -> Row:
    failed = tiles(
        About(
            "Services that failed",
            "systemd's failed units. Good: none. node_exporter tells of them with `--collector.systemd` only.",
            "none",
            0,
            "none, or not collected",
        ),
        now(f'max by (instance, name) (node_systemd_unit_state{{{OF}, state="failed"}}) == 1', "{{instance}} {{name}}"),
        thresholds=looks.ZERO_IS_GOOD,
    )
    clock = lines(
        About(
            "Clock offset",
            "Estimated offset of the machine's clock. Good: below some milliseconds; a monitor's times are evidence.",
            "s",
            6,
            NO_EXPORTER,
        ),
        Query(f"max by (instance) (node_timex_offset_seconds{{{OF}}})", "{{instance}}"),
        low=None,
    )
    return row("Services and clock", line(7, (failed, 12), (clock, 12)))
