"""Dubber: the project. It knows all apps and holds the only settings."""
