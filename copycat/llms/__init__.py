"""Language models that rewrite prompts and detect intent: hosted ones and local ones, one card each."""

from copycat.cards.llms import LLMCard, load_llm_card
from copycat.llms.base import CATALOG, Chat, Message, Reply, load_chat

__all__ = ["CATALOG", "Chat", "LLMCard", "Message", "Reply", "load_chat", "load_llm_card"]
