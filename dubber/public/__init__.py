"""The public pages: what Dubber is, what it costs, what it can do here, and how it is doing."""
