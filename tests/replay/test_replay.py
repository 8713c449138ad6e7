"""A replayed day ends with nothing oversold and every unit somewhere, however often it was stopped."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import cache
from pathlib import Path

import pytest

import omscore as oms
from omscore.adapters import SqliteStore
from omscore.replay import Replay, Report, main, page, read, report
from tests.shared_data import ROOT, shared

MORNING = ROOT / "examples" / "data" / "retail_2011-10-06"


def replayed(folder: Path) -> tuple[Replay, Report]:
    replay = Replay(read(folder), oms.MemoryStore)
    replay.run()
    return replay, report(replay)


@cache
def published(folder: Path) -> tuple[Replay, Report]:
    """A day whose files nobody changes, replayed once for all tests that only look at what came out."""
    return replayed(folder)


def check(done: Report) -> None:
    assert done.oversold == 0
    assert done.stock["cells that do not add up"] == 0
    assert done.units_in == done.units_out_and_held
    explained, orders = done.shares["orders explained"]
    assert explained == orders == done.orders["in"]
    assert done.stock["received"] == done.stock["on hand"] + done.stock["shipped"] - done.stock["came back"]


def test_the_morning_that_ships_with_the_project() -> None:
    replay, done = published(MORNING)
    check(done)
    assert done.orders["in"] == 36
    assert done.rejected_rows == ()
    assert 0 < done.walk_mm["in batches"] < done.walk_mm["order by order"]
    for id_ in replay.orders:
        assert "attempt 1" in replay.shop.explain(id_) or "not routed" in replay.shop.explain(id_)


@pytest.mark.parametrize("name", ["uk_day_2011-10-06", "olist_ordinary_2018-05-07_16", "brunel"])
def test_the_published_days(name: str) -> None:
    _, done = published(shared("replay", name))
    check(done)


def test_small_baskets_split_as_seldom_as_nearest_first_routing_says() -> None:
    """First come, nearest node that has it all, else nearest first: the data's own figures are 2.0 % split."""
    _, done = published(shared("replay", "olist_ordinary_2018-05-07_16"))
    split, routed = done.shares["orders split over nodes"]
    assert 0.015 < split / routed < 0.025


def test_what_comes_back_after_it_left_is_restocked_once() -> None:
    replay, done = published(shared("replay", "uk_day_2011-10-06"))
    assert done.units["returned"] == done.stock["came back"]
    assert done.units["cancelled"] > 0
    assert len(replay.day.taken_back) > 0


def test_the_page_needs_nothing_else_and_shows_the_pictures() -> None:
    replay, done = published(MORNING)
    html = page(replay, done)
    assert html.startswith("<!doctype html>")
    assert html.count("<svg") >= 4
    assert not re.search(r"(src|href)=", html)


def _facts(text: str) -> str:
    """The printed report without the times, which are the machine's."""
    return re.sub(r"time by stage.*?\n\n", "", text, flags=re.DOTALL)


def _command(folder: Path, home: Path) -> list[str]:
    return [
        sys.executable,
        "-m",
        "omscore",
        "replay",
        str(folder),
        "--db",
        str(home / "r.db"),
        "--page",
        str(home / "r.html"),
    ]


def _environment() -> dict[str, str]:
    """The project's own source, compiled once for all runs."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPATH": str(ROOT / "src")}


def _killed(command: list[str], home: Path, moments: Iterator[float]) -> int:
    """Start a replay again and again and kill -9 each at its moment; returns how many were cut."""
    cut = 0
    for moment in moments:
        run = subprocess.Popen(command, cwd=home, env=_environment(), stdout=subprocess.DEVNULL)
        time.sleep(moment)
        if run.poll() is None:
            run.send_signal(signal.SIGKILL)
            cut += 1
        run.wait()
    return cut


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs a system that can kill a process outright")
def test_a_run_that_is_killed_ten_times_ends_with_the_report_of_an_uncut_one(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir()
    cut.mkdir()
    began = time.monotonic()
    uncut = subprocess.run(
        _command(MORNING, whole), cwd=whole, env=_environment(), capture_output=True, text=True, check=True
    )
    length = time.monotonic() - began
    rng = random.Random(7)
    # Each run gets a little further than the last; with the start-up cost some are cut before the first step.
    moments = (length * (0.15 + 0.5 * rng.random()) for _ in range(10))
    assert _killed(_command(MORNING, cut), cut, moments) >= 3
    resumed = subprocess.run(
        _command(MORNING, cut), cwd=cut, env=_environment(), capture_output=True, text=True, check=True
    )
    assert _facts(resumed.stdout).replace(str(cut), "") == _facts(uncut.stdout).replace(str(whole), "")


OneFile = Callable[[oms.ManualClock], SqliteStore]


@pytest.fixture
def one_file(tmp_path: Path) -> Iterator[OneFile]:
    """Opens the same file for each run; all are given back in the end."""
    with ExitStack() as opened:
        yield lambda clock: opened.enter_context(
            closing(SqliteStore(tmp_path / "r.db", clock=clock, durability="process-crash"))
        )


def test_a_run_cut_at_any_step_goes_on_and_does_nothing_twice(one_file: OneFile) -> None:
    class Stop(Exception):
        pass

    expected = published(MORNING)[1].facts()
    day = read(MORNING)
    stops = iter((1, 7, 20, 21, 40, 52))

    def stop_at(step: int) -> object:
        def progress(done: int, total: int) -> None:
            if done == step:
                raise Stop

        return progress

    for step in stops:
        run = Replay(day, one_file)
        with pytest.raises(Stop):
            run.run(stop_at(step))  # type: ignore[arg-type]
    last = Replay(day, one_file)
    last.run()
    assert report(last).facts() == expected
    last.run()
    assert report(last).facts() == expected


def test_a_store_that_holds_another_day_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other"
    _own_day(other, [GOOD])
    args = ["--db", str(tmp_path / "r.db"), "--page", str(tmp_path / "r.html")]
    assert main(["replay", str(other), *args]) == 0
    (other / "orders.jsonl").write_text((other / "orders.jsonl").read_text().replace('"units": 1', '"units": 2'))
    assert main(["replay", str(other), *args]) == 2
    assert "with other data" in capsys.readouterr().err


def test_explain_tells_why_an_order_went_where_it_went(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["--db", str(tmp_path / "r.db"), "--page", str(tmp_path / "r.html")]
    assert main(["replay", str(MORNING), *args]) == 0
    number = next(iter(read(MORNING).wishes)).draft.external_id
    capsys.readouterr()
    assert main(["explain", number, *args[:2]]) == 0
    assert "attempt 1: assigned" in capsys.readouterr().out
    assert main(["explain", "no such order", *args[:2]]) == 2
    assert "no order with id 'no such order'" in capsys.readouterr().err
    other = tmp_path / "other.db"
    other.write_bytes(b"")
    assert main(["explain", number, "--db", str(other)]) == 2
    assert other.read_bytes() == b""


# -- bad input --


def _own_day(folder: Path, orders: list[str], stock: str = "node,item,units\nghent,A,5\n") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nodes.json").write_text('{"currency": "EUR", "nodes": [{"id": "ghent", "country": "BE"}]}')
    (folder / "stock.csv").write_text(stock)
    (folder / "orders.jsonl").write_text("\n".join(orders) + "\n")


GOOD = (
    '{"external_id": "good", "currency": "EUR", "placed_at": "2026-03-02T09:00:00Z", "payment": "paid",'
    ' "ship_to": {"country": "BE"}, "lines": [{"item": "A", "units": 1, "unit_price": "5.00"}]}'
)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('"units": 1', '"units": -1'), "row 1: web: order bad: line 1: quantity must be at least 1"),
        (('"units": 1', '"units": 1.5'), "row 1: web: order bad: line 1: field 'units' must be a whole number"),
        (("09:00:00Z", "09:00:00"), "field 'placed_at' carries no time zone"),
        (('"EUR"', '"USD"'), "field 'currency' is USD, the network's is EUR"),
        (('"EUR"', '"euro"'), "currency must be an ISO 4217 code"),
        (('"unit_price": "5.00"', '"unit_price": "5.001"'), "has more decimals than EUR's 2"),
        (('"5.00"}]}', '"5.00"'), "not JSON"),
        (('"item": "A", ', ""), "field 'item' is missing"),
    ],
)
def test_a_bad_order_is_named_by_file_row_and_field_and_the_day_goes_on(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    bad = GOOD.replace('"good"', '"bad"').replace(*change)
    _own_day(tmp_path, [bad, GOOD])
    _, done = replayed(tmp_path)
    check(done)
    assert done.orders["in"] == 1
    (row,) = done.rejected_rows
    assert row.startswith("orders.jsonl, row 1:")
    assert message in row.replace("orders.jsonl, ", "")


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("stock.csv", "node,item,units\nghent,A,5\nghent,B,-1\n", "stock.csv, row 3: field 'units'"),
        ("stock.csv", "node,item,units\nghent,A,5\nghent,,1\n", "stock.csv, row 3: field 'item' is empty"),
        ("stock.csv", "node,item,units\nghent,A,5\nghent,B,99999999999999999999\n", "stock.csv, row 3"),
        ("stock.csv", "node,item,units\nghent,A,5\nparis,B,1\n", "'paris' is no node of nodes.json"),
        ("items.csv", "sku,weight_grams\nA,0\nB\n", "items.csv, row 3: 1 fields instead of 2"),
    ],
)
def test_a_bad_row_of_another_file_is_named_and_the_day_goes_on(
    tmp_path: Path, file: str, text: str, message: str
) -> None:
    _own_day(tmp_path, [GOOD])
    (tmp_path / file).write_text(text)
    _, done = replayed(tmp_path)
    check(done)
    assert done.units["delivered"] == 1
    assert any(message in row for row in done.rejected_rows), done.rejected_rows


def test_no_stock_and_no_weight_are_figures_like_others(tmp_path: Path) -> None:
    _own_day(tmp_path, [GOOD], "node,item,units\nghent,A,0\n")
    (tmp_path / "items.csv").write_text("sku,weight_grams\nA,0\n")
    _, done = replayed(tmp_path)
    check(done)
    assert not done.rejected_rows
    assert not done.rejected_orders
    assert done.units["backordered"] == 1


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("nodes.json", "{", "nodes.json: "),
        ("nodes.json", '{"nodes": []}', "nodes.json: there is no node"),
        ("nodes.json", '{"nodes": [{"id": "ghent", "ships_to": 5}]}', "nodes.json: "),
        ("nodes.json", '{"nodes": [{"id": "ghent"}], "services": 5}', "nodes.json: "),
        ("policy.json", '{"routes": 5}', "policy.json: "),
        ("orders.jsonl", "", "the file of orders is empty"),
    ],
)
def test_a_file_that_the_whole_day_rests_on_ends_the_run_before_it_begins(
    tmp_path: Path, file: str, text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _own_day(tmp_path / "day", [GOOD])
    (tmp_path / "day" / file).write_text(text)
    assert main(["replay", str(tmp_path / "day"), "--db", str(tmp_path / "r.db")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "r.db").exists()


def test_an_order_told_again_is_taken_once_and_the_first_content_stands(tmp_path: Path) -> None:
    _own_day(tmp_path, [GOOD, GOOD, GOOD.replace('"units": 1', '"units": 2')])
    _, done = replayed(tmp_path)
    check(done)
    assert done.units["ordered"] == 1
    assert ["row 2" in row or "row 3" in row for row in done.rejected_rows] == [True, True]
    assert "with other content" in done.rejected_rows[1]


def test_two_channels_may_use_the_same_number(tmp_path: Path) -> None:
    shop = GOOD.replace('"external_id"', '"channel": "shop", "external_id"')
    _own_day(tmp_path, [GOOD, shop])
    back = '{"at": "2026-03-02T09:10:00Z", "order": "good", "line": "1", "units": 1'
    (tmp_path / "cancellations.jsonl").write_text(f'{back}}}\n{back}, "channel": "shop"}}\n')
    replay, done = replayed(tmp_path)
    check(done)
    assert done.orders["in"] == 2
    assert replay.shop.order("shop-good").state == "cancelled"
    assert replay.shop.order("web-good").state == "closed"
    assert "several channels" in done.rejected_rows[0]


@pytest.mark.parametrize(
    ("change", "back", "message"),
    [
        (('"paid",', '"pending", "paid_at": "2026-03-01T09:00:00Z",'), "", "paid before it was placed"),
        (("2026-03-02", "9999-12-31"), "", "was placed in 9999"),
        (("", ""), '{"at": "2026-03-01T09:00:00Z", "order": "bad", "line": "1", "units": 1}', "before it was placed"),
    ],
)
def test_times_that_cannot_be_are_named_and_the_day_goes_on(
    tmp_path: Path, change: tuple[str, str], back: str, message: str
) -> None:
    _own_day(tmp_path, [GOOD.replace('"good"', '"bad"').replace(*change, 1), GOOD])
    (tmp_path / "cancellations.jsonl").write_text(back + "\n")
    _, done = replayed(tmp_path)
    check(done)
    assert any(message in row for row in done.rejected_rows), done.rejected_rows


def test_days_far_apart_are_replayed_without_a_wave_for_every_hour_between(tmp_path: Path) -> None:
    _own_day(tmp_path, [GOOD, GOOD.replace('"good"', '"old"').replace("2026-03-02", "2006-03-02")])
    replay, done = replayed(tmp_path)
    check(done)
    assert len(replay.steps) < 10_000


def test_a_second_run_on_the_same_file_takes_over_and_the_first_stops(one_file: OneFile) -> None:
    day = read(MORNING)

    def run() -> Replay:
        return Replay(day, one_file)

    first, second = run(), run()

    def begin_the_other(done: int, total: int) -> None:
        if done == 5:
            second.run()

    with pytest.raises(oms.Conflict, match="another run has taken this store over"):
        first.run(begin_the_other)
    assert report(second).facts() == published(MORNING)[1].facts()


def test_changed_stock_is_other_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _own_day(tmp_path / "day", [GOOD])
    args = ["replay", str(tmp_path / "day"), "--db", str(tmp_path / "r.db"), "--page", str(tmp_path / "r.html")]
    assert main(args) == 0
    (tmp_path / "day" / "stock.csv").write_text("node,item,units\nghent,A,6\n")
    assert main(args) == 2
    assert "with other data" in capsys.readouterr().err


def test_a_page_that_cannot_be_written_is_told_before_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for page_ in (tmp_path, tmp_path / "no such folder" / "r.html"):
        assert main(["replay", str(MORNING), "--db", str(tmp_path / "r.db"), "--page", str(page_)]) == 2
        assert "--page" in capsys.readouterr().err
    assert not (tmp_path / "r.db").exists()


def test_an_unknown_item_is_rejected_with_its_reason_and_the_day_goes_on(tmp_path: Path) -> None:
    _own_day(tmp_path, [GOOD.replace('"good"', '"odd"').replace('"item": "A"', '"item": "B"'), GOOD])
    _, done = replayed(tmp_path)
    check(done)
    assert done.rejected_orders == (("web-odd", "no item 'B' is sold"),)


def test_a_retail_row_that_is_broken_leaves_its_order_out_and_no_other(tmp_path: Path) -> None:
    for name in ("sales_lines.csv", "cancellation_lines.csv", "stock.csv"):
        (tmp_path / name).write_bytes((MORNING / name).read_bytes())
    lines = (MORNING / "sales_lines.csv").read_text().splitlines()
    number = lines[1].split(",")[0]
    lines[1] = lines[1].replace(",6,", ",minus six,", 1) if ",6," in lines[1] else lines[1].rsplit(",", 3)[0]
    (tmp_path / "sales_lines.csv").write_text("\n".join(lines) + "\n")
    _, done = replayed(tmp_path)
    check(done)
    assert done.orders["in"] == 35
    assert any("row 2" in row and ("left out whole" in row or "instead of" in row) for row in done.rejected_rows)
    assert not any(number in id_ for id_, _ in done.rejected_orders)


def test_a_file_that_ends_half_way_says_so_and_the_whole_orders_go_on(tmp_path: Path) -> None:
    import gzip

    for name in ("cancellation_lines.csv", "stock.csv"):
        (tmp_path / name).write_bytes((MORNING / name).read_bytes())
    packed = gzip.compress((MORNING / "sales_lines.csv").read_bytes())
    (tmp_path / "sales_lines.csv.gz").write_bytes(packed[: len(packed) // 2])
    _, done = replayed(tmp_path)
    check(done)
    assert 0 < done.orders["in"] < 36
    assert any("ends half-way" in row for row in done.rejected_rows)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ([], "is no folder"),
        ([""], "holds no orders"),
        (["sales_lines.csv"], "stock.csv (or stock.csv.gz) is missing"),
    ],
)
def test_a_folder_that_cannot_be_replayed_says_what_is_missing(
    tmp_path: Path, made: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "day"
    for name in made:
        folder.mkdir(exist_ok=True)
        if name:
            (folder / name).write_bytes((MORNING / name).read_bytes())
    assert main(["replay", str(folder), "--db", str(tmp_path / "r.db"), "--page", str(tmp_path / "r.html")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "r.db").exists()


def test_reading_only_the_first_lines_of_the_report_is_no_error(tmp_path: Path) -> None:
    run = subprocess.Popen(
        _command(MORNING, tmp_path),
        cwd=tmp_path,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert run.stdout is not None
    run.stdout.close()
    _, told = run.communicate()
    assert b"Traceback" not in told
