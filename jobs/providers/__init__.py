"""One file per vendor or local engine, each behind a port of `jobs/pipeline/ports.py`."""
