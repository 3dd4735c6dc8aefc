"""The only place that runs ffmpeg and ffprobe.

Command lines are built with ffmpeg-python and run by us: only local files, only the demuxers that
we accept, limits on streams, pixels, memory, CPU and written bytes, and a deadline that scales with
the media. Every end is a value or a PipelineError. ffmpeg-python's graph is used through `source`,
`join` and `output`, so that no other file imports it.
"""

import json
import re
import subprocess
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import ffmpeg as graph  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray

from jobs.pipeline import process
from jobs.pipeline.errors import PipelineError
from jobs.pipeline.probed import Probed
from jobs.pipeline.program import Bounds, Clock, Finished, Program, Stop

ACCEPTED = ("mp3", "wav", "m4a", "aac", "flac", "ogg", "opus", "mp4", "mov", "webm", "mkv")
DEMUXERS = "mov,matroska,webm,wav,mp3,flac,ogg,aac"
SIDECARS = "srt,webvtt,ffmetadata"  # texts that we write ourselves and mux
MOST_STREAMS = 32
MOST_PIXELS = 9_437_184
MEMORY = 1536 * 1024**2  # bytes of address space; the libraries alone map 400 MB
LARGEST_FILE = 8 * 1024**3  # bytes that one output may reach
# Ten times what the slowest thing that we do to sound takes on a slow machine, and time to start.
SECONDS_TO_START = 60.0
SECONDS_PER_SECOND = 0.25
LARGEST_PIECE = "268435456"  # bytes of one allocation
MOST_BROKEN = "0.05"  # of all packets; above, ffmpeg ends with BROKEN
BROKEN = 69
GLOBAL = ("-hide_banner", "-nostdin", "-nostats", "-y", "-filter_threads", "1")
LIMITS = ("-max_alloc", LARGEST_PIECE, "-max_error_rate", MOST_BROKEN)
GUARDS = {  # on every input
    "format_whitelist": DEMUXERS,
    "protocol_whitelist": "file",
    "max_streams": str(MOST_STREAMS),
    "max_pixels": str(MOST_PIXELS),
    "threads": "1",
}
FILTERS = ("adelay", "apad", "aresample", "asplit", "atrim", "channelmap", "rubberband")
ENCODERS = ("flac", "aac", "libmp3lame", "libopus", "pcm_s16le", "mov_text", "srt", "libx264")

Stream = Any  # a node of ffmpeg-python's graph; the package has no types
Samples = NDArray[np.float32] | NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Tools:
    """What is installed: versions ("" where missing), and what we need that isn't there."""

    ffmpeg: str
    ffprobe: str
    missing: tuple[str, ...]


def time_allowed(seconds: float) -> float:
    """How long work on `seconds` of media may take, in seconds."""
    return SECONDS_TO_START + SECONDS_PER_SECOND * seconds


def local(path: Path) -> str:
    """The name of a regular local file as ffmpeg must see it. Raises CANNOT_READ."""
    try:
        real = path.resolve(strict=True)
        readable = real.is_file()
    except (OSError, ValueError) as error:
        raise PipelineError("CANNOT_READ", path=path) from error
    if not readable:
        raise PipelineError("CANNOT_READ", path=path)
    return f"file:{real}"


def source(path: Path, **options: object) -> Stream:
    """A media file as the start of a graph, with every guard on it."""
    return graph.input(local(path), **GUARDS, **options)


def sidecar(path: Path, **options: object) -> Stream:
    """A text of ours (SRT, WebVTT or ffmetadata) as the start of a graph."""
    return graph.input(local(path), format_whitelist=SIDECARS, protocol_whitelist="file", **options)


def generated(name: str, **options: object) -> Stream:
    """A filter that makes a picture or a sound by itself, as the start of a graph (our sample)."""
    described = ":".join(f"{option}={value}" for option, value in options.items())
    return graph.input(f"{name}={described}", format="lavfi")


def join(streams: Sequence[Stream], name: str, *args: object, **options: object) -> Stream:
    """One filter over several streams."""
    return graph.filter(list(streams), name, *args, **options)


def output(*streams: Stream, out: Path, **options: object) -> Stream:
    """A file as the end of a graph; options as ffmpeg's, without the dash."""
    return graph.output(*streams, f"file:{out.absolute()}", **options)


def with_texts(work: Stream, texts: Path) -> Stream:
    """The graph with an ffmetadata file of ours as its last input, to take metadata from by number.

    It holds no stream, so it can't be a node of the graph.
    """
    guards = ("-format_whitelist", SIDECARS, "-protocol_whitelist", "file")
    return work.global_args("-f", "ffmetadata", *guards, "-i", local(texts))


def nowhere(stream: Stream) -> Stream:
    """An end of a graph that only counts what arrives."""
    return graph.output(stream, "pipe:", format="null")


def together(*outputs: Stream) -> Stream:
    """Several outputs made by one process."""
    return graph.merge_outputs(*outputs)


def run(
    work: Stream,
    *,
    seconds: float,
    outputs: Sequence[Path] = (),
    stop: Stop | None = None,
    progress: Callable[[float], None] | None = None,
    log: str = "error",
    memory: int = MEMORY,
    file_size: int = LARGEST_FILE,
) -> Finished:
    """Run a graph over `seconds` of media; its log comes back as stderr.

    progress is told the seconds made so far. Outputs are removed when it fails. Raises NO_SPACE,
    OUT_OF_TIME, MEDIA_TOOL, and what `failure` finds wrong with the input.
    """
    argv = ["ffmpeg", *GLOBAL, *LIMITS, "-v", log, "-progress", "pipe:1", *graph.get_args(work)]
    try:
        with _started(argv, seconds, stop, memory=memory, file_size=file_size) as program:
            _follow(program, progress)
            finished = program.finish()
        if finished.code != 0 or not all(path.is_file() for path in outputs):
            raise failure(finished)
    except BaseException:
        _remove(outputs)
        raise
    return finished


def probe_json(
    path: Path, *, demuxer: str = "", count: bool = False, stop: Stop | None = None
) -> Probed:
    """What ffprobe says about a file, read as `demuxer` says ("": as ffprobe thinks).

    count reads the whole file and counts its packets. Raises CANNOT_READ and what `failure` finds.
    """
    options = ["-show_format", "-show_streams", "-show_chapters"]
    options += ["-count_packets"] if count else []
    options += ["-f", demuxer] if demuxer else []
    return cast("Probed", json.loads(_ffprobe(path, "json", options, stop)))


def end_of(path: Path, stream: int, *, stop: Stop | None = None) -> float:
    """Where a stream really ends, in seconds from the container's start; reads all packets."""
    start = float(probe_json(path, stop=stop)["format"].get("start_time", 0))
    options = ["-select_streams", str(stream), "-show_entries", "packet=pts_time,duration_time"]
    rows = _text(_ffprobe(path, "csv=p=0", options, stop)).split()
    times = [[float(word) for word in row.split(",") if word not in {"", "N/A"}] for row in rows]
    return max((sum(row) for row in times), default=start) - start


def _ffprobe(path: Path, form: str, options: Sequence[str], stop: Stop | None) -> bytes:
    argv = ["ffprobe", "-hide_banner", "-v", "error", "-max_alloc", LARGEST_PIECE]
    argv += [word for name, value in GUARDS.items() for word in (f"-{name}", value)]
    argv += ["-of", form, *options, "-i", local(path)]
    allowed = time_allowed(0)
    finished = process.run(argv, deadline=allowed, memory=MEMORY, cpu=allowed, stop=stop)
    if finished.code != 0:
        raise failure(finished, otherwise="NOT_MEDIA" if finished.code == 1 else "MEDIA_TOOL")
    return finished.stdout


def read_blocks(
    sound: Path | Stream,
    *,
    seconds: float,
    rate: int = 48_000,
    channels: int = 1,
    block: int = 48_000,
    stop: Stop | None = None,
) -> Generator[NDArray[np.float32], None, None]:
    """Decode a file (or a graph) of `seconds` seconds, block by block.

    Blocks are float32 of shape (block, channels), the last one shorter. Closing the generator ends
    ffmpeg. Raises like `run`.
    """
    stream = source(sound) if isinstance(sound, Path) else sound
    end = graph.output(stream, "pipe:1", format="f32le", ac=channels, ar=rate, vn=None, sn=None)
    argv = ["ffmpeg", *GLOBAL, *LIMITS, "-v", "error", *graph.get_args(end)]
    size = block * channels * 4
    with _started(argv, seconds, stop) as program:
        pending = bytearray()
        while chunk := program.read(65536):
            pending += chunk
            while len(pending) >= size:
                yield _frames(pending[:size], channels)
                del pending[:size]
        finished = program.finish()
    if finished.code != 0:
        raise failure(finished)
    if pending:
        yield _frames(pending, channels)


class Writer:
    """An encoder that is fed blocks: makes `out`, or leaves no file there when anything fails."""

    def __init__(
        self,
        out: Path,
        *,
        seconds: float,
        rate: int = 48_000,
        channels: int = 1,
        stop: Stop | None = None,
        log: str = "error",
        **encoding: object,
    ) -> None:
        """Make ready for about `seconds` of sound; encoding holds ffmpeg's output options."""
        self.log = ""  # what ffmpeg said, once the block was left; `log` is how much it says
        self.out = out
        self.channels = channels
        pipe = graph.input(
            "pipe:0", format="f32le", ar=rate, ac=channels, protocol_whitelist="pipe"
        )
        end = output(pipe, out=out, **encoding)
        argv = ["ffmpeg", *GLOBAL, *LIMITS, "-v", log, *graph.get_args(end)]
        self._program = _started(argv, seconds, stop, stdin=subprocess.PIPE)

    def __enter__(self) -> Self:
        return self

    def write(self, block: Samples) -> None:
        """Encode samples: float32 in -1..1, or int16; shape (n,) or (n, channels)."""
        frames = block.reshape(-1, self.channels)
        if frames.dtype == np.int16:
            frames = frames.astype(np.float32) / np.float32(32768)
        try:
            self._program.write(np.ascontiguousarray(frames, np.float32).tobytes())
        except BrokenPipeError as error:
            raise failure(self._program.finish()) from error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            with self._program:
                finished = self._program.finish() if error is None else None
            if finished is not None and finished.code != 0:
                raise failure(finished)
            self.log = _text(finished.stderr) if finished is not None else ""
        except BaseException:
            _remove([self.out])
            raise
        if error is not None:
            _remove([self.out])


FAULTS: tuple[tuple[str, str], ...] = (  # in ffmpeg's log, the first that is found counts
    (r"No space left on device", "NO_SPACE"),
    (r"moov atom not found", "TRUNCATED"),
    (r"exceeds max_streams", "TOO_MANY_STREAMS"),
    (r"Picture size \d+x\d+ exceeds", "PICTURE_TOO_LARGE"),
    (r"Format not on whitelist|Protocol '\w+' not on whitelist", "NOT_MEDIA"),
    (r"file:.*: (Invalid data found|End of file)", "NOT_MEDIA"),
    (r"does not contain any stream|Stream map .* matches no streams", "NO_AUDIO"),
    (r"Error while decoding stream", "CORRUPT_AUDIO"),
)


def failure(finished: Finished, *, otherwise: str = "MEDIA_TOOL") -> PipelineError:
    """What the log of a failed ffmpeg or ffprobe means; `otherwise` when it tells nothing known."""
    log = _text(finished.stderr)
    code = next((code for pattern, code in FAULTS if re.search(pattern, log)), otherwise)
    if finished.code == BROKEN:
        code = "CORRUPT_AUDIO"
    fields: dict[str, Any] = {"formats": ", ".join(ACCEPTED)}
    if code == "TOO_MANY_STREAMS":
        fields = {"actual": f"more than {MOST_STREAMS}", "limit": MOST_STREAMS}
    elif picture := re.search(r"Picture size (\d+)x(\d+) exceeds", log):
        fields |= {"actual": f"{picture[1]} × {picture[2]}", "limit": f"{MOST_PIXELS:,}"}
    return PipelineError(code, detail=f"code {finished.code}: {log[-2000:]}", **fields)


@cache
def versions_and_features() -> Tools:
    """Which versions are here, and which filters and encoders that we need aren't."""
    versions = [_version(name) for name in ("ffmpeg", "ffprobe")]
    filters, encoders = _names("-filters"), _names("-encoders")
    missing = [name for name in FILTERS if name not in filters]
    missing += [name for name in ENCODERS if name not in encoders]
    return Tools(versions[0], versions[1], tuple(missing))


def _version(program: str) -> str:
    first = _text(process.run([program, "-version"], deadline=SECONDS_TO_START).stdout)
    found = re.match(rf"{program} version (\S+)", first)
    return found[1] if found else ""


def _names(listing: str) -> frozenset[str]:
    listed = process.run(["ffmpeg", "-hide_banner", listing], deadline=SECONDS_TO_START).stdout
    return frozenset(re.findall(r"^\s*\S+\s+(\w+)\s", _text(listed), re.MULTILINE))


def _started(
    argv: Sequence[str],
    seconds: float,
    stop: Stop | None,
    *,
    memory: int = MEMORY,
    file_size: int = LARGEST_FILE,
    stdin: int = subprocess.DEVNULL,
) -> Program:
    allowed = time_allowed(seconds)
    return Program(
        argv,
        clock=Clock(allowed, stop),
        bounds=Bounds(memory=memory, cpu=allowed, file_size=file_size),
        stdin=stdin,
    )


def _follow(program: Program, progress: Callable[[float], None] | None) -> None:
    pending = b""
    while chunk := program.read(4096):
        *lines, pending = (pending + chunk).split(b"\n")
        for line in lines:
            found = re.match(rb"out_time_us=(\d+)", line)
            if found and progress is not None:
                progress(int(found[1]) / 1_000_000)


def _frames(pcm: bytearray, channels: int) -> NDArray[np.float32]:
    return np.frombuffer(bytes(pcm), np.dtype("<f4")).reshape(-1, channels)


def _remove(outputs: Sequence[Path]) -> None:
    for path in outputs:
        path.unlink(missing_ok=True)


def _text(log: bytes) -> str:
    return log.decode(errors="replace")
