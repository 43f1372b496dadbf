"""Intent detection: whether a prompt is after a protected character, and after which one."""
