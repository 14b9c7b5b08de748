"""Lines that do not fill the width are refused, so that nothing can overlap or be left open."""

import pytest
from grafana_foundation_sdk.models.dashboard import GridPos, Panel

from grafana.grid import line, placed, row


def _place(panel: object) -> tuple[int, int, int, int]:
    place = getattr(panel, "grid_pos", None)
    assert isinstance(place, GridPos)
    return place.x, place.y, place.w, place.h


def test_lines_stand_under_each_other_and_panels_side_by_side() -> None:
    top = row("Top", line(5, (Panel(), 8), (Panel(), 16)), line(3, (Panel(), 24)))
    panels = placed((top, row("Bottom", line(2, (Panel(), 24)))))
    expected = [(0, 0, 24, 1), (0, 1, 8, 5), (8, 1, 16, 5), (0, 6, 24, 3), (0, 9, 24, 1), (0, 10, 24, 2)]
    assert [_place(panel) for panel in panels] == expected
    assert [panel.id_val for panel in panels] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(("height", "widths"), [(5, [8, 8]), (5, [20, 8]), (5, [24, 0]), (0, [24]), (5, [])])
def test_a_line_that_does_not_fill_the_width_is_refused(height: int, widths: list[int]) -> None:
    with pytest.raises(ValueError, match="expected 24 columns"):
        line(height, *((Panel(), width) for width in widths))
