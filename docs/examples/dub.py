"""Dub a recording over the API, with nothing but Python: dub.py talk.wav es.

DUBBER_URL is the site (http://localhost:8000), DUBBER_TOKEN an access token or an API key.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

SITE = os.environ.get("DUBBER_URL", "http://localhost:8000")
TOKEN = os.environ["DUBBER_TOKEN"]
SLOWEST = 15.0


def ask(method: str, path: str, body: object = None, etag: str = "") -> tuple[Any, str]:
    """Call the API; its answer and its ETag. The answer is None where nothing changed."""
    request = urllib.request.Request(SITE + path, method=method)  # noqa: S310
    request.add_header("Authorization", f"Bearer {TOKEN}")
    request.add_header("Content-Type", "application/json")
    if etag:
        request.add_header("If-None-Match", etag)
    content = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(request, content, timeout=60) as answer:  # noqa: S310
            return json.load(answer), answer.headers.get("ETag", "")
    except urllib.error.HTTPError as error:
        if error.code == 304:
            return None, etag
        raise SystemExit(json.load(error)["message"]) from error


def put(url: str, file: Path) -> None:
    """Send a file to its address; it is read as it goes."""
    with file.open("rb") as content:
        request = urllib.request.Request(url, content, method="PUT")  # noqa: S310
        request.add_header("Content-Type", "application/octet-stream")
        request.add_header("Content-Length", str(file.stat().st_size))
        urllib.request.urlopen(request, timeout=600).close()  # noqa: S310


def wait(job_id: str) -> dict[str, Any]:
    """Ask until the job has ended, ever more slowly while nothing happens."""
    pause, etag = 1.0, ""
    while True:
        job, etag = ask("GET", f"/api/jobs/{job_id}", etag=etag)
        if job and job["status"] in {"complete", "error"}:
            ended: dict[str, Any] = job
            return ended
        if job:
            sys.stdout.write(f"{job['progress']:3} %  {job['message']}\n")
        pause = 1.0 if job else min(pause * 1.5, SLOWEST)
        time.sleep(pause)


def main(file: Path, *languages: str) -> None:
    """Upload, order, wait, download."""
    size = file.stat().st_size
    issued, _ = ask(
        "POST",
        "/api/jobs/upload-urls",
        {"languages": languages, "voice_track_name": file.name, "sizes": {"voice": size}},
    )
    put(issued["upload_urls"]["voice_track"], file)
    order = {
        "job_id": issued["job_id"],
        "voice_track_uploaded": True,
        "background_track_uploaded": False,
        "languages": languages,
    }
    made, _ = ask("POST", "/api/jobs/", order)
    sys.stdout.write(f"{made['job_id']} costs {made['credit_cost']} credits\n")
    job = wait(made["job_id"])
    sys.stdout.write(job["message"] + "\n")
    for language, links in job["download_urls"].items():
        target = file.with_suffix(f".{language}.mp3")
        urllib.request.urlretrieve(links["full"], target)  # noqa: S310
        sys.stdout.write(f"{target}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
