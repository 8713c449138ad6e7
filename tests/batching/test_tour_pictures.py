"""The tutorial's pictures are what the code draws."""

from pathlib import Path

import pytest

from omscore.batching import Floor

PAGES = Path(__file__).resolve().parents[2] / "docs" / "tutorial"
FLOOR = Floor.parallel(aisles=6, cells=12, aisle_mm=4000, cell_mm=1000)
PICKS = ["1-4", "2-3", "2-8", "3-10", "4-3", "4-4", "4-7", "5-11"]


@pytest.mark.parametrize("rule", FLOOR.rules)
def test_the_picture_of_a_rule_is_the_one_drawn(rule: str) -> None:
    assert f"picks = {PICKS}".replace("'", '"') in (PAGES / "pick-tours.md").read_text("utf-8")
    drawn = FLOOR.svg(FLOOR.tour(PICKS, rule), width=240)
    assert (PAGES / f"tour-{rule}.svg").read_text("utf-8") == drawn + "\n"
