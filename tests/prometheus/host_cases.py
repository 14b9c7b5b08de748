"""The platform's servers. Four values are a minute."""

from tests.prometheus.cases import Case, fires, looks, silent

IDLE = 'node_cpu_seconds_total{instance="web:9100", cpu="0", mode="idle"}'
AVAILABLE, TOTAL = (f'node_memory_Mem{what}_bytes{{instance="web:9100"}}' for what in ("Available", "Total"))
_DATA = 'instance="db:9100", device="/dev/sda1", fstype="ext4", mountpoint="/data"'
FREE, SIZE, READONLY = (f"node_filesystem_{what}{{{_DATA}}}" for what in ("avail_bytes", "size_bytes", "readonly"))
_WEB = {"instance": "web:9100"}
_DISK = {"instance": "db:9100", "mountpoint": "/data", "severity": "major"}

CASES = (
    Case(
        "a host that is busy for a quarter of an hour, not one that is for ten minutes",
        {IDLE: "0+15x20 300+0.75x40 345+15x40 945+0.75x100"},
        looks(silent("15m", "HostCpuBusy"), fires("48m", "HostCpuBusy", "95%", **_WEB, severity="minor")),
    ),
    Case(
        "memory runs out",
        {AVAILABLE: "20+0x20 8+0x40", TOTAL: "100+0x60"},
        looks(silent("10m", "HostMemoryLow"), fires("11m", "HostMemoryLow", "8%", **_WEB, severity="major")),
    ),
    Case(
        "a disk that is nearly full",
        {FREE: "60+0x20 40+0x100", SIZE: "1000+0x120", READONLY: "0+0x120"},
        looks(silent("19m", "HostDiskFilling"), fires("21m", "HostDiskFilling", "4%", **_DISK)),
    ),
    Case(
        "a disk that will be full tomorrow; one as full that stays so is nobody's business",
        {
            FREE: "150-0.1x100",
            SIZE: "1000+0x100",
            READONLY: "0+0x100",
            'node_filesystem_avail_bytes{instance="web:9100", device="/dev/sda1", fstype="ext4", mountpoint="/"}': (
                "150+0x100"
            ),
            'node_filesystem_size_bytes{instance="web:9100", device="/dev/sda1", fstype="ext4", mountpoint="/"}': (
                "1000+0x100"
            ),
            'node_filesystem_readonly{instance="web:9100", device="/dev/sda1", fstype="ext4", mountpoint="/"}': (
                "0+0x100"
            ),
        },
        looks(silent("14m", "HostDiskFilling"), fires("20m", "HostDiskFilling", "14.2%", **_DISK)),
    ),
    Case(
        "what nobody can write to does not fill up",
        {FREE: "0+0x100", SIZE: "1000+0x100", READONLY: "1+0x100"},
        looks(silent("20m", "HostDiskFilling")),
    ),
    Case(
        "a host that does not answer, not one that missed a few scrapes, nor another job at that address",
        {
            'up{job="node", instance="web:9100"}': "1+0x20 0+0x60",
            'up{job="node", instance="db:9100"}': "1+0x20 0 0 0 1+0x60",
            'up{job="prometheus", instance="web:9090"}': "0+0x80",
        },
        looks(silent("8m", "HostGone"), fires("9m30s", "HostGone", **_WEB, severity="major")),
    ),
)
