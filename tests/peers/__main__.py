"""The stand-ins by themselves: `python -m tests.peers` for the vendors and for Stripe.

Every call to a vendor is told on standard output as one line of JSON. A command after `--` is run
with the settings that make it call the stand-ins, and all end together; without one, point
DEEPGRAM_BASE_URL, AWS_ENDPOINT_URL_POLLY, OPENAI_BASE_URL (at its /v1) and STRIPE_API_BASE at them.
Stripe's account is kept in a file, for the site's rows name what is in it.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tests.peers.exchange import Request
from tests.peers.faults import PASSING, never, seeded
from tests.peers.server import REAL, Latency, VendorPeer
from tests.peers.stripe import StripePeer

BOOK = Path("var/peers/stripe.json")


def main() -> None:
    """Serve until interrupted."""
    read = argparse.ArgumentParser(prog="python -m tests.peers", description=__doc__)
    read.add_argument("--host", default="127.0.0.1")
    read.add_argument("--port", type=int, default=8090)
    read.add_argument("--stripe-port", type=int, default=8091)
    read.add_argument("--book", type=Path, default=BOOK, help="where Stripe's account is kept")
    read.add_argument("--latency", action="store_true", help="answer as slowly as vendors do")
    read.add_argument("--faults", type=float, default=0.0, help="share of calls that fail")
    read.add_argument("--seed", type=int, default=1, help="which of them")
    read.add_argument("command", nargs="*", help="what to run beside it")
    told = read.parse_args()
    plan = seeded(told.seed, told.faults, PASSING) if told.faults else never
    peer = VendorPeer(
        host=told.host,
        port=told.port,
        plan=plan,
        latency=REAL if told.latency else Latency(),
        log=tell,
    )
    stripe = StripePeer(port=told.stripe_port, book=told.book)
    stripe.deliver_by_itself()
    sys.stdout.write(f"Deepgram, OpenAI (/v1) and Polly on {peer.url}, Stripe on {stripe.url}\n")
    sys.stdout.flush()
    with stripe:
        if told.command:
            sys.exit(beside(peer, told.command, stripe.environment))
        with suppress(KeyboardInterrupt):
            peer.serve()


def beside(peer: VendorPeer, command: list[str], environment: Mapping[str, str]) -> int:
    """Serve for as long as the command runs; its exit code."""
    with peer:
        process = subprocess.Popen(command, env={**os.environ, **peer.environment, **environment})
        while True:  # Ctrl-C and SIGTERM end the command, and it ends us
            try:
                return process.wait()
            except KeyboardInterrupt:
                process.send_signal(signal.SIGINT)


def tell(request: Request) -> None:
    """One line about a call, without a word of what was sent."""
    line = {
        "vendor": request.vendor,
        "kind": request.kind,
        "number": request.number,
        "sha256": request.sha256,
        "bytes": request.size,
        "fault": request.fault,
    }
    sys.stdout.write(f"{json.dumps(line)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
