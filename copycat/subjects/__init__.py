"""Whom a run asks for: registries of characters, prompt sets, keywords and neutral prompts."""
