"""Template filters of the dubbing pages."""
