"""How a recording becomes a dub: plain Python, without Django, settings or vendors."""
