"""Makes small media for tests, through ffmpeg."""

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from jobs.pipeline import process

Samples = NDArray[np.float32]


def ffmpeg(*argv: object, out: Path) -> Path:
    """Run ffmpeg as given and return the file that it made."""
    words = ["ffmpeg", "-v", "error", "-nostdin", "-y", *map(str, argv), f"file:{out.absolute()}"]
    finished = process.run(words, deadline=60)
    if finished.code != 0:
        raise RuntimeError(finished.stderr.decode())
    return out


def tone(seconds: float = 3.0, *, rate: int = 44_100, hertz: int = 440) -> tuple[str, ...]:
    """The words for an input of a steady mono tone, -18 dBFS high."""
    return "-f", "lavfi", "-i", f"sine={hertz}:duration={seconds}:sample_rate={rate}"


def picture(seconds: float = 3.0, *, size: str = "160x120") -> tuple[str, ...]:
    """The words for an input of a moving picture."""
    return "-f", "lavfi", "-i", f"testsrc=duration={seconds}:size={size}:rate=10"


def sound(out: Path, seconds: float = 3.0, *options: object) -> Path:
    """A file with a tone; its format follows from its name."""
    return ffmpeg(*tone(seconds), *options, out=out)


def video(out: Path, seconds: float = 3.0, *options: object) -> Path:
    """A film: a tone in AAC and a picture in H.264."""
    codecs = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac")
    return ffmpeg(*tone(seconds), *picture(seconds), *codecs, *options, out=out)


def wav(out: Path, samples: Samples, *, rate: int = 48_000) -> Path:
    """A 16-bit WAV of the samples; shape (n,) or (n, channels)."""
    soundfile.write(out, samples, rate, subtype="PCM_16")
    return out


def cut(whole: Path, out: Path, *, share: float = 0.5) -> Path:
    """The first part of a file, as when an upload or a disk ended too early."""
    content = whole.read_bytes()
    out.write_bytes(content[: int(len(content) * share)])
    return out


def decibels(samples: Samples) -> float:
    """RMS level in dBFS."""
    return float(10 * np.log10(np.mean(np.square(samples)) + 1e-12))
