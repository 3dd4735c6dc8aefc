"""Who gets in where: money."""

from tests.access.table import Route

ROUTES: list[Route] = []
