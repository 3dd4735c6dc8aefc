"""The shape of ffprobe's JSON, as far as we read it.

Nothing in it is certain to be there. Source: ffprobe's documentation and its `ffprobe.xsd`.
"""

from typing import TypedDict


class ProbedStream(TypedDict, total=False):
    """One stream as ffprobe tells it; numbers that may be absent come as text."""

    index: int
    codec_type: str
    codec_name: str
    codec_tag_string: str
    sample_rate: str
    channels: int
    width: int
    height: int
    duration: str
    start_time: str
    nb_read_packets: str
    disposition: dict[str, int]
    tags: dict[str, str]


class ProbedFormat(TypedDict, total=False):
    """The container as ffprobe tells it."""

    format_name: str
    duration: str
    start_time: str
    size: str
    nb_streams: int
    tags: dict[str, str]


class ProbedChapter(TypedDict, total=False):
    """One chapter as ffprobe tells it."""

    start_time: str
    end_time: str
    tags: dict[str, str]


class Probed(TypedDict, total=False):
    """What ffprobe says about a file."""

    streams: list[ProbedStream]
    format: ProbedFormat
    chapters: list[ProbedChapter]
