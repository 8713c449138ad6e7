"""Channels, and who tells customers and teams."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from omscore.ports._effects import Effect


@runtime_checkable
class Channel(Protocol):
    """Where orders come from: turns its payloads into drafts, and is told what became of them.

    >>> from omscore.adapters import JsonChannel
    >>> isinstance(JsonChannel("web"), Channel)
    True
    """

    @property
    def name(self) -> str:
        """The channel's name, unique in a host.

        >>> from omscore.adapters import JsonChannel
        >>> JsonChannel("web").name
        'web'
        """
        ...

    def draft(self, payload: Any) -> Any:
        """A Draft from a payload; raises ChannelError naming the field that is missing or wrong.

        >>> from omscore.adapters import JsonChannel
        >>> JsonChannel("web").draft({})
        Traceback (most recent call last):
        omscore.errors.ChannelError: web: field 'external_id' is missing; ...
        """
        ...

    def tell(self, effect: Effect) -> None:
        """Take a message: a stock figure, a shipment, a cancellation; the receiver drops duplicates by effect id.

        >>> from omscore.adapters import JsonChannel
        >>> JsonChannel("web").tell(Effect("e1", "channel.shipped", {}))
        """
        ...


@runtime_checkable
class Notifier(Protocol):
    """Tells a customer or a team; templates and addresses are the host's.

    >>> class Quiet:
    ...     def notify(self, effect: Effect) -> None: ...
    >>> isinstance(Quiet(), Notifier)
    True
    """

    def notify(self, effect: Effect) -> None:
        """Deliver a notice; raise to have it tried again.

        >>> class Quiet:
        ...     def notify(self, effect: Effect) -> None: ...
        >>> Quiet().notify(Effect("e", "notify.confirmed", {}))
        """
        ...
