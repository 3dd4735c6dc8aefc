"""Asking the API in tests."""

import json
from typing import Any

from django.test import Client

PASSWORD = "a long one of theirs"


def ask(method: str, path: str, bearer: str = "", /, **body: Any) -> Any:
    """Send JSON, with a bearer token if there is one; the test client's answer."""
    client = Client(headers={"authorization": f"Bearer {bearer}"} if bearer else {})
    if method == "GET":
        return client.get(path, body)
    return client.generic(method, path, json.dumps(body), content_type="application/json")


def code_of(answer: Any) -> tuple[int, str]:
    """Status and code of a refusal."""
    return answer.status_code, str(answer.json().get("error"))
