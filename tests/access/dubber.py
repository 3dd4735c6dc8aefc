"""Who gets in where: what belongs to no app."""

from tests.access.table import Route, everybody

ROUTES = [
    *(
        Route(name, "GET", everybody(200))
        for name in (
            *("home", "how_it_works", "pricing", "languages", "help"),
            *("contact", "status", "terms", "privacy", "cookies"),
        )
    ),
    Route("contact", "POST", everybody(400)),
    # Whether the sample was made on this machine is tried in tests/web/test_sample.py.
    Route("sample_file", "GET", everybody(404), lambda _: {"name": "nothing"}),
    Route("health", "GET", everybody(200)),
    Route("worker_health", "GET", everybody(503, deactivated=401)),
    Route("openapi", "GET", everybody(200)),
    Route("swagger", "GET", everybody(200)),
    Route("redoc", "GET", everybody(200)),
]
