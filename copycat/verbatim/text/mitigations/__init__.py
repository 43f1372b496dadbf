"""What keeps a language model from giving works back; each kind is one file, and they compose."""

from copycat.verbatim.text.mitigations.base import CATALOG, Protected, TextMitigation, TokenBlock
from copycat.verbatim.text.mitigations.composition import Composition, parse

__all__ = ["CATALOG", "Composition", "Protected", "TextMitigation", "TokenBlock", "parse"]
