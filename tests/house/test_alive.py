"""The health check of a container."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from dubber.alive import answers


class Site(BaseHTTPRequestHandler):
    """A site that serves only visitors who came by its own address, over HTTPS."""

    def do_GET(self) -> None:
        right = (self.headers["Host"], self.headers["X-Forwarded-Proto"]) == ("dub.test", "https")
        self.send_response(200 if right and self.path == "/login" else 400)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    """The port of such a site."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_a_site_that_serves_its_own_address_is_alive(port: int) -> None:
    everywhere = {"DUBBER_BIND": f"0.0.0.0:{port}", "DUBBER_SITE_URL": "https://dub.test"}

    assert answers(everywhere)


def test_a_site_that_refuses_the_page_is_not_alive(port: int) -> None:
    assert not answers({"DUBBER_BIND": f"127.0.0.1:{port}", "DUBBER_SITE_URL": "http://dub.test"})


def test_nobody_listening_is_not_alive() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as closed:
        free = closed.server_port

    assert not answers({"DUBBER_BIND": f"127.0.0.1:{free}"})
