"""Everything between a fresh Debian machine and a running Dubber: `python3 -m setup`.

`__main__.py` is the recipe; each other file knows one thing that can be missing. Only the standard
library is used, because this runs before anything is installed. Each part first looks at what is
really there, so that a second run is quick and silent, and an interrupted one is simply continued.
"""
