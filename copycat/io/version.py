"""The version, where the whole package can read it without importing the public interface."""

__version__ = "0.1.0"
