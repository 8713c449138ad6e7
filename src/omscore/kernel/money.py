"""Money: whole minor units and an ISO 4217 code; splitting loses nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Self

from attrs import frozen

from omscore.errors import InvalidValue
from omscore.kernel.given import shown

# ISO 4217 (2024 table): currencies whose minor unit is not 1/100. Every other alphabetic code has two decimals.
_EXPONENTS = dict.fromkeys(
    ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"), 0
) | dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3)


def exponent(currency: str) -> int:
    """The number of decimals of a currency, by ISO 4217.

    Raises InvalidValue when the code is not three capital letters.

    >>> exponent("EUR"), exponent("JPY"), exponent("KWD")
    (2, 0, 3)
    """
    if not (
        isinstance(currency, str)
        and len(currency) == 3
        and currency.isascii()
        and currency.isalpha()
        and currency.isupper()
    ):
        raise InvalidValue(f"currency must be an ISO 4217 code such as 'EUR', not {currency!r}")
    return _EXPONENTS.get(currency, 2)


@frozen(order=False)
class Money:
    """An amount of one currency in whole minor units (cents, pence, yen).

    Amounts of different currencies never mix: adding or comparing them raises InvalidValue.

    >>> price = Money.of("19.99", "EUR")
    >>> price, price * 3, str(price)
    (Money(minor=1999, currency='EUR'), Money(minor=5997, currency='EUR'), '19.99 EUR')
    """

    minor: int
    currency: str

    def __attrs_post_init__(self) -> None:
        if type(self.minor) is not int:
            raise InvalidValue(
                f"money is a whole number of minor units, not {self.minor!r}; use Money.of('1.99', 'EUR')"
            )
        exponent(self.currency)

    @classmethod
    def of(cls, amount: str | int | Decimal, currency: str) -> Self:
        """Money from a decimal amount; floats are refused because they do not hold cents.

        Raises InvalidValue for floats, non-numbers, and more decimals than the currency has.

        >>> Money.of("0.1", "EUR")
        Money(minor=10, currency='EUR')
        >>> Money.of("1.005", "EUR")
        Traceback (most recent call last):
        omscore.errors.InvalidValue: '1.005' has more decimals than EUR's 2; round it first
        """
        if isinstance(amount, bool) or not isinstance(amount, (str, int, Decimal)):
            raise InvalidValue(f"an amount is a string, int or Decimal, not {amount!r}; floats do not hold cents")
        places = exponent(currency)
        try:
            scaled = Decimal(amount).scaleb(places)
        except InvalidOperation:
            raise InvalidValue(f"{amount!r} is not an amount; write it as '19.99'") from None
        if scaled.is_finite() and scaled.adjusted() > 18:
            raise InvalidValue(f"{amount!r} is more than any store must hold; amounts end below 10**19 minor units")
        if not scaled.is_finite():
            raise InvalidValue(f"{amount!r} is not an amount; write it as '19.99'")
        if scaled != scaled.to_integral_value():
            raise InvalidValue(f"{amount!r} has more decimals than {currency}'s {places}; round it first")
        return cls(int(scaled), currency)

    @classmethod
    def zero(cls, currency: str) -> Self:
        """No money, in a currency.

        >>> Money.zero("EUR")
        Money(minor=0, currency='EUR')
        """
        return cls(0, currency)

    @property
    def amount(self) -> Decimal:
        """The amount as an exact Decimal in major units.

        >>> Money(1999, "EUR").amount
        Decimal('19.99')
        """
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def _same(self, other: Money, verb: str) -> None:
        try:
            same = self.currency == other.currency
        except AttributeError:
            raise InvalidValue(f"cannot {verb} {self} and {other!r}; both must be Money") from None
        if not same:
            raise InvalidValue(f"cannot {verb} {self.currency} and {other.currency}; convert one of them first")

    def __add__(self, other: Money) -> Money:
        self._same(other, "add")
        return Money(self.minor + other.minor, self.currency)

    def __radd__(self, other: object) -> Money:
        # sum() begins with the number 0, which has no currency.
        raise InvalidValue(f"cannot add {shown(other)} and {self}; both must be Money, and total(...) adds many")

    def __sub__(self, other: Money) -> Money:
        self._same(other, "subtract")
        return Money(self.minor - other.minor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __mul__(self, n: int) -> Money:
        if type(n) is not int:
            raise InvalidValue(f"money is multiplied by whole numbers only, not {n!r}; use split() for shares")
        return Money(self.minor * n, self.currency)

    __rmul__ = __mul__

    def __bool__(self) -> bool:
        return self.minor != 0

    def __lt__(self, other: Money) -> bool:
        self._same(other, "compare")
        return self.minor < other.minor

    def __le__(self, other: Money) -> bool:
        self._same(other, "compare")
        return self.minor <= other.minor

    def __gt__(self, other: Money) -> bool:
        self._same(other, "compare")
        return self.minor > other.minor

    def __ge__(self, other: Money) -> bool:
        self._same(other, "compare")
        return self.minor >= other.minor

    def split(self, weights: Sequence[int]) -> tuple[Money, ...]:
        """Parts in proportion to whole weights that add up to the amount, by the largest remainder (Hamilton's method).

        Ties go to the earlier part; all weights zero means equal parts. Raises InvalidValue without weights or with a
        negative one.

        >>> [m.minor for m in Money(100, "EUR").split([1, 1, 1])]
        [34, 33, 33]
        """
        return tuple(Money(part, self.currency) for part in largest_remainder(self.minor, weights))

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


def largest_remainder(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """A whole number split in proportion to whole weights, by the largest remainder (Hamilton's method).

    The parts always add up to the total; a negative total is split as the mirror of the positive one.

    >>> largest_remainder(10, [1, 2, 4])
    (1, 3, 6)
    """
    if not weights:
        raise InvalidValue("splitting needs at least one weight")
    if any(type(w) is not int or w < 0 for w in weights):
        raise InvalidValue(f"weights are whole numbers of at least 0, not {list(weights)!r}")
    if total < 0:
        return tuple(-part for part in largest_remainder(-total, weights))
    whole = sum(weights)
    if whole == 0:
        return largest_remainder(total, [1] * len(weights))
    parts = [total * w // whole for w in weights]
    rest = total - sum(parts)
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for i in by_remainder[:rest]:
        parts[i] += 1
    return tuple(parts)


def total(amounts: Iterable[Money], currency: str) -> Money:
    """The sum of amounts, which must all be of one currency; no amounts is zero.

    >>> total([Money(150, "EUR"), Money(50, "EUR")], "EUR")
    Money(minor=200, currency='EUR')
    """
    result = Money(0, currency)
    for amount in amounts:
        result += amount
    return result
