"""Contract kits of the ports beside the store: test classes from which an adapter's author inherits. Needs pytest.

class TestMyCarrier(CarrierKit):
    def make(self):
        return Probe(MyCarrier(sandbox=True))
"""

from __future__ import annotations

import pytest

from omscore.testing.ports import PortRule, Probe, attempt_port, rules_of


class _Kit:
    def make(self) -> Probe:
        """A probe of the adapter with nothing in it: called anew for every rule.

        >>> from omscore.testing.ports import Probe
        >>> class TestMine(CarrierKit):
        ...     def make(self):
        ...         return Probe("an adapter")
        >>> TestMine().make().port
        'an adapter'
        """
        raise NotImplementedError("give your test class a method make(self) that returns a Probe of your adapter")

    def _keep(self, rule: PortRule) -> None:
        verdict = attempt_port(rule, self.make())
        if verdict.state == "skipped":
            pytest.skip(verdict.why)
        if verdict.state == "broken":
            pytest.fail(f"{rule.id}: {rule.text}\n  {verdict.why}")


def _each(port: str) -> pytest.MarkDecorator:
    rules = rules_of(port)
    return pytest.mark.parametrize("rule", rules, ids=[rule.id for rule in rules])


class CarrierKit(_Kit):
    """Every rule of a carrier as a test; what it does not declare by its methods is skipped.

    >>> CarrierKit().make()
    Traceback (most recent call last):
    NotImplementedError: give your test class a method make(self) that returns a Probe of your adapter
    """

    @_each("carrier")
    def test_rule(self, rule: PortRule) -> None:
        """Keep one rule.

        >>> CarrierKit.test_rule.__name__
        'test_rule'
        """
        self._keep(rule)


class ChannelKit(_Kit):
    """Every rule of a channel as a test; give the probe an order as `payload`.

    >>> ChannelKit.__name__
    'ChannelKit'
    """

    @_each("channel")
    def test_rule(self, rule: PortRule) -> None:
        """Keep one rule.

        >>> ChannelKit.test_rule.__name__
        'test_rule'
        """
        self._keep(rule)


class GatewayKit(_Kit):
    """Every rule of a payment gateway as a test; `seen` of the probe tells how much was taken.

    >>> GatewayKit.__name__
    'GatewayKit'
    """

    @_each("gateway")
    def test_rule(self, rule: PortRule) -> None:
        """Keep one rule.

        >>> GatewayKit.test_rule.__name__
        'test_rule'
        """
        self._keep(rule)


class WmsKit(_Kit):
    """Every rule of a warehouse system as a test; `seen` of the probe tells how many lists there are.

    >>> WmsKit.__name__
    'WmsKit'
    """

    @_each("wms")
    def test_rule(self, rule: PortRule) -> None:
        """Keep one rule.

        >>> WmsKit.test_rule.__name__
        'test_rule'
        """
        self._keep(rule)


class ErpKit(_Kit):
    """Every rule of the books as a test; `seen` of the probe tells how many postings there are.

    >>> ErpKit.__name__
    'ErpKit'
    """

    @_each("erp")
    def test_rule(self, rule: PortRule) -> None:
        """Keep one rule.

        >>> ErpKit.test_rule.__name__
        'test_rule'
        """
        self._keep(rule)


class NotifierKit(_Kit):
    """Every rule of a notifier as a test; `seen` of the probe tells how many notices were passed on.

    >>> NotifierKit.__name__
    'NotifierKit'
    """

    @_each("notifier")
    def test_rule(self, rule: PortRule) -> None:
        """Keep one rule.

        >>> NotifierKit.test_rule.__name__
        'test_rule'
        """
        self._keep(rule)


class VerifierKit(_Kit):
    """Every rule of an address verifier as a test.

    >>> VerifierKit.__name__
    'VerifierKit'
    """

    @_each("verifier")
    def test_rule(self, rule: PortRule) -> None:
        """Keep one rule.

        >>> VerifierKit.test_rule.__name__
        'test_rule'
        """
        self._keep(rule)


class ScorerKit(_Kit):
    """Every rule of a fraud scorer as a test.

    >>> ScorerKit.__name__
    'ScorerKit'
    """

    @_each("scorer")
    def test_rule(self, rule: PortRule) -> None:
        """Keep one rule.

        >>> ScorerKit.test_rule.__name__
        'test_rule'
        """
        self._keep(rule)


class PackerKit(_Kit):
    """Every rule of a carton packer (`ports.CartonChooser`) as a test.

    >>> PackerKit.__name__
    'PackerKit'
    """

    @_each("packer")
    def test_rule(self, rule: PortRule) -> None:
        """Keep one rule.

        >>> PackerKit.test_rule.__name__
        'test_rule'
        """
        self._keep(rule)


__all__ = [
    "Probe",
    "CarrierKit",
    "ChannelKit",
    "GatewayKit",
    "WmsKit",
    "ErpKit",
    "NotifierKit",
    "VerifierKit",
    "ScorerKit",
    "PackerKit",
]
