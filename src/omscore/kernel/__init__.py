"""Values that belong to no stage: money, measures, quantities, items, places, times, ids and state tables."""

from omscore.kernel.calendar import HORIZON_DAYS, WORKING_DAYS_MAX, CutOff, WorkingCalendar
from omscore.kernel.ids import KEY_LENGTH_MAX, SequenceIds, TimeIds, key, uuid7
from omscore.kernel.items import Item
from omscore.kernel.measures import Dimensions, cm, inch, kg, lb, oz
from omscore.kernel.money import Money, exponent, largest_remainder, total
from omscore.kernel.place import EARTH_RADIUS_M, Address, GeoPoint, distance_m
from omscore.kernel.quantities import QUANTITY_MAX, Quantities, quantity
from omscore.kernel.rng import Rng
from omscore.kernel.states import StateTable
from omscore.kernel.times import ManualClock, stamp, utc

__all__ = [
    "Money",
    "exponent",
    "largest_remainder",
    "total",
    "Dimensions",
    "kg",
    "lb",
    "oz",
    "cm",
    "inch",
    "QUANTITY_MAX",
    "Quantities",
    "quantity",
    "Item",
    "EARTH_RADIUS_M",
    "Address",
    "GeoPoint",
    "distance_m",
    "HORIZON_DAYS",
    "WORKING_DAYS_MAX",
    "WorkingCalendar",
    "CutOff",
    "ManualClock",
    "utc",
    "stamp",
    "KEY_LENGTH_MAX",
    "SequenceIds",
    "TimeIds",
    "key",
    "uuid7",
    "Rng",
    "StateTable",
]
