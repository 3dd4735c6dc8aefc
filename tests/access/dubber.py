"""Who gets in where: what belongs to no app."""

from tests.access.table import Route, everybody

ROUTES = [
    Route("health", "GET", everybody(200)),
    Route("worker_health", "GET", everybody(503, deactivated=401)),
    Route("openapi", "GET", everybody(200)),
    Route("swagger", "GET", everybody(200)),
    Route("redoc", "GET", everybody(200)),
]
