"""Asks the API as a person who is signed in."""

from typing import Any

from django.test import Client

from accounts.models import User


class Api:
    """Sends JSON and gets answers; nobody's without a person."""

    def __init__(self, person: User | None = None) -> None:
        self.client = Client()
        if person is not None:
            self.client.force_login(person)

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(path, headers=_named(headers))

    def post(self, path: str, body: object = None, **headers: str) -> Any:
        return self._send("post", path, body, headers)

    def put(self, path: str, body: object = None, **headers: str) -> Any:
        return self._send("put", path, body, headers)

    def patch(self, path: str, body: object = None, **headers: str) -> Any:
        return self._send("patch", path, body, headers)

    def delete(self, path: str) -> Any:
        return self.client.delete(path)

    def _send(self, method: str, path: str, body: object, headers: dict[str, str]) -> Any:
        send: Any = getattr(self.client, method)
        content = {} if body is None else body
        return send(path, content, content_type="application/json", headers=_named(headers))


def fetched(api: Api, link: str) -> bytes:
    """Fetch a file, whole."""
    response: Any = api.client.get(link)
    content: bytes = response.getvalue()
    for close in response._resource_closers:  # its own close() would end the database too
        close()
    return content


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
