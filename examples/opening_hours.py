"""When will it leave? Opening hours, cut-offs and holidays answer, also in the night when the clocks change."""

# %%
from datetime import UTC, date, datetime, timedelta

from omscore.kernel import CutOff, WorkingCalendar
from omscore.render import text_table

DEPOT = WorkingCalendar(
    "America/New_York",
    {"mon-fri": "08:00-18:00", "sat": "09:00-13:00"},
    closed_rules=["FREQ=YEARLY;BYMONTH=7;BYMONTHDAY=4", "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH"],
    special={date(2026, 11, 27): "10:00-14:00"},
)
CARRIER = CutOff("16:00", "America/New_York", "mon-fri")


# %%
def leaves(captured: datetime) -> tuple[datetime, date]:
    """When two hours of work on an order are done, and the day on which the carrier takes it."""
    packed = DEPOT.add_working_time(captured, timedelta(hours=2))
    return packed, CARRIER.day(packed, DEPOT)


# %%
def main() -> None:
    rows = []
    for captured in (
        datetime(2026, 3, 6, 18, 59, tzinfo=UTC),  # packed a minute before the carrier comes
        datetime(2026, 3, 6, 19, 1, tzinfo=UTC),  # packed a minute too late, and then it is the weekend
        datetime(2026, 7, 3, 21, 0, tzinfo=UTC),  # the eve of the holiday
        datetime(2026, 11, 25, 22, 0, tzinfo=UTC),  # the eve of Thanksgiving; the Friday is short
    ):
        packed, day = leaves(captured)
        rows.append((f"{captured:%a %d %b %H:%M}", f"{packed:%a %d %b %H:%M}", f"{day:%a %d %b}"))
    print(text_table(["captured (UTC)", "packed (UTC)", "leaves"], rows))


if __name__ == "__main__":
    main()
