"""Dubbing jobs: durable work over a plain pipeline."""
