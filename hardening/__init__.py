"""The engine of the hardening suite."""

__version__ = "0.1.0"
