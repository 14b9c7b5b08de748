"""What the status page says beside a verdict."""

import pytest

from monitor.web.figures import headline


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("alarm_delivery_seconds", 0.8312, "alarm delivered in 831 ms"),
        ("all_clear_delivery_seconds", 1.44, "all-clear delivered in 1.4 s"),
        ("late_seconds", 119.94, "a message of an earlier round came after 119.9 s"),
        ("ready_seconds", 120.0, "report ready after 2 min"),
        ("restore_seconds", 7199.0, "restored in 120 min"),
        ("restore_seconds", 7200.0, "restored in 2 h"),
        ("backup_age_seconds", 86_400.0, "newest backup is 24 h old"),
        ("last_drill_age_seconds", 604_800.0, "last drill was 7 days ago"),
        ("certificate_expires_in_seconds", 1_814_400.0, "certificate expires in 21 days"),
        ("sms_credit", 12_345.0, "SMS left 12,345"),
    ],
)
def test_a_figure_is_said_in_words(name: str, value: float, shown: str) -> None:
    assert headline({name: value}) == [shown]


def test_the_order_is_fixed_and_unknown_figures_are_left_to_the_metrics() -> None:
    figures = {"all_clear_delivery_seconds": 2.0, "attempts": 1.0, "alarm_delivery_seconds": 1.0}
    assert headline(figures) == ["alarm delivered in 1.0 s", "all-clear delivered in 2.0 s"]
