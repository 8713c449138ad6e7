"""Values to plain JSON-able dicts and back: a tag and an integer version on every value, and upcasters for old ones.

A codec is a value: the types it knows are given to it, none are registered anywhere. Each type is compiled once, on
first use, from its attrs fields (or NamedTuple fields) and their type hints. Reading is strict: a field that is
missing, unknown or of the wrong type is a CodecError that names the path to it.
"""

from omscore.codec._codec import Codec, Upcaster, standard, tag_of, values_of
from omscore.codec._coders import json_text

__all__ = ["Codec", "Upcaster", "standard", "tag_of", "values_of", "json_text"]
