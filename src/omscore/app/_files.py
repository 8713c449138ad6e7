"""What the service reads from files, so that the core never has to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Self

from omscore import routing
from omscore.errors import DefinitionError
from omscore.kernel.given import shown


class Network(routing.Network):
    """The nodes and services of :class:`omscore.routing.Network`, and a way to read them from a file.

    >>> from omscore.routing import Node
    >>> Network([Node("ghent")])["ghent"].kind
    'warehouse'
    """

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """A network from a JSON file of the shape that `to_dict` gives.

        Raises DefinitionError naming the file, the node and the field that is wrong.

        >>> Network.read("no such file.json")
        Traceback (most recent call last):
        omscore.errors.DefinitionError: no such file.json cannot be read: No such file or directory
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
        except TypeError:
            raise DefinitionError(f"a network is read from a file's path, not from {shown(path)}") from None
        except (OSError, UnicodeDecodeError) as wrong:
            why = wrong.strerror if isinstance(wrong, OSError) else "it is not UTF-8 text"
            raise DefinitionError(f"{os.fspath(path)} cannot be read: {why}") from None
        try:
            return cls.from_json(text)
        except DefinitionError as wrong:
            raise DefinitionError(f"{os.fspath(path)}: {wrong}") from None
