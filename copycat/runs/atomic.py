"""The earlier place of :mod:`copycat.atomic`, from where the menagerie still takes it."""

from copycat.atomic import disk_guard, write_bytes, write_text

__all__ = ["disk_guard", "write_bytes", "write_text"]
