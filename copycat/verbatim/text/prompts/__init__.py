"""Ways of asking a model to go on with a text, plain and evasive; each kind is one file."""

from copycat.verbatim.text.prompts.base import CATALOG, Prompting, Translator, Unaskable, load_prompting

__all__ = ["CATALOG", "Prompting", "Translator", "Unaskable", "load_prompting"]
