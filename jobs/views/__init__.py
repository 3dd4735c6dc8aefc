"""The pages of dubbing. Each reads the request, calls a service and shows what came of it."""
