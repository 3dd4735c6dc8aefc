"""An upload is accepted or refused by its bytes, with a code and a sentence."""

import base64
import os
import struct
import zlib
from pathlib import Path
from random import Random

import pytest

from jobs.pipeline.errors import PipelineError
from jobs.pipeline.probe import Limits, clock, plain, probe, size
from tests.pipeline import media

pytestmark = pytest.mark.ffmpeg


def refusal(path: Path, limits: Limits | None = None) -> PipelineError:
    """The error with which a file is refused."""
    with pytest.raises(PipelineError) as caught:
        probe(path, limits=limits)
    return caught.value


def png(side: int) -> bytes:
    """A black picture, huge when decoded and small as a file."""
    packer = zlib.compressobj(9)
    row = bytes(1 + side // 8)
    packed = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()

    def chunk(kind: bytes, content: bytes) -> bytes:
        whole = kind + content
        return struct.pack(">I", len(content)) + whole + struct.pack(">I", zlib.crc32(whole))

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (chunk(b"IHDR", header), chunk(b"IDAT", packed), chunk(b"IEND", b""))
    )


@pytest.mark.parametrize(
    ("extension", "container", "codec"),
    [
        ("mp3", "mp3", "mp3"),
        ("wav", "wav", "pcm_s16le"),
        ("m4a", "m4a", "aac"),
        ("aac", "aac", "aac"),
        ("flac", "flac", "flac"),
        ("ogg", "ogg", "vorbis"),
        ("opus", "opus", "opus"),
    ],
)
def test_every_sound_format_is_known_by_content_under_any_name(
    tmp_path: Path, extension: str, container: str, codec: str
) -> None:
    made = media.sound(tmp_path / f"made.{extension}", 3.0)
    renamed = made.rename(tmp_path / "film.mp4")

    source = probe(renamed)

    assert (source.container, source.sound_codec) == (container, codec)
    assert source.duration == pytest.approx(3.0, abs=0.1)
    assert source.channels == 1
    assert source.picture is None


@pytest.mark.parametrize("extension", ["mp4", "mov", "mkv"])
def test_every_film_format_is_known_by_content_under_any_name(
    tmp_path: Path, extension: str
) -> None:
    made = media.video(tmp_path / f"made.{extension}", 3.0)

    source = probe(made.rename(tmp_path / "song.mp3"))

    assert source.container == extension
    assert source.picture is not None
    assert (source.picture.codec, source.picture.width, source.picture.height) == ("h264", 160, 120)
    assert source.picture.duration == pytest.approx(3.0, abs=0.1)


def test_a_webm_is_known_from_an_mkv(tmp_path: Path) -> None:
    words = (*media.tone(2.0), *media.picture(2.0), "-c:v", "libvpx", "-c:a", "libopus")

    source = probe(media.ffmpeg(*words, out=tmp_path / "film.webm"))

    assert (source.container, source.sound_codec) == ("webm", "opus")


@pytest.mark.parametrize(
    "content",
    [
        b"just some words, not sound",
        b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1/a.ts\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile /etc/hostname\n",
        b"<?xml version='1.0'?><MPD></MPD>",
        png(64),
        bytes(100_000),
        b"ID3" + b"\xff" * 7,
        b"\x1aE\xdf\xa3" + b"\xff" * 200,
        b"RIFF\xff\xff\xff\xffAVI LIST",
        b"%PDF-1.7\n",
        b"\xff\xfb",
        b"\0\0\0\x18ftyp",
    ],
)
def test_what_is_not_media_is_refused_whatever_its_name(tmp_path: Path, content: bytes) -> None:
    for name in ("film.mp4", "song.mp3", "talk.wav"):
        path = tmp_path / name
        path.write_bytes(content)

        assert refusal(path).code in {"NOT_MEDIA", "TRUNCATED"}


def test_text_named_like_a_film_is_not_media(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_text("Dear reader,\n" * 100)

    error = refusal(path)

    assert error.code == "NOT_MEDIA"
    assert "mp3, wav, m4a" in str(error)


def test_random_bytes_are_refused(tmp_path: Path) -> None:
    for seed in range(20):
        path = tmp_path / f"{seed}.mp3"
        path.write_bytes(Random(seed).randbytes(5000))

        assert refusal(path).code in {"NOT_MEDIA", "CORRUPT_AUDIO", "NO_AUDIO", "TRUNCATED"}


def test_an_empty_file_is_told_as_empty(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.touch()

    assert refusal(path).code == "EMPTY_FILE"


def test_what_can_not_be_read_is_told_with_its_path(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.mp4", tmp_path):
        error = refusal(path)

        assert error.code == "CANNOT_READ"
        assert str(path) in str(error)


def test_a_film_without_sound_has_nothing_to_dub(tmp_path: Path) -> None:
    film = media.ffmpeg(*media.picture(2.0), "-c:v", "libx264", out=tmp_path / "film.mp4")

    assert refusal(film).code == "NO_AUDIO"


def test_too_long_is_told_in_hours_and_minutes(tmp_path: Path) -> None:
    path = media.sound(tmp_path / "talk.flac", 3725.0, "-ar", 8000, "-compression_level", 0)

    error = refusal(path, Limits(longest_seconds=3600))

    assert error.code == "TOO_LONG"
    assert "1:02:05" in str(error)
    assert "1:00:00" in str(error)


def test_a_picture_over_the_limit_counts_as_too_long(tmp_path: Path) -> None:
    words = (*media.tone(2.0), *media.picture(9.0), "-c:v", "libx264", "-c:a", "aac")

    assert refusal(
        media.ffmpeg(*words, out=tmp_path / "film.mp4"), Limits(longest_seconds=5)
    ).code == ("TOO_LONG")


def test_less_than_a_second_is_too_short(tmp_path: Path) -> None:
    assert refusal(media.sound(tmp_path / "talk.wav", 0.9)).code == "TOO_SHORT"
    assert probe(media.sound(tmp_path / "word.wav", 1.0)).duration == 1.0


def test_too_large_is_told_in_megabytes(tmp_path: Path) -> None:
    path = media.sound(tmp_path / "talk.wav", 30.0)

    error = refusal(path, Limits(largest_bytes=1024**2))

    assert error.code == "TOO_LARGE"
    assert "2.5 MB" in str(error)
    assert "1.0 MB" in str(error)


@pytest.mark.parametrize("extension", ["mp4", "mkv"])
def test_more_streams_than_allowed_are_refused(tmp_path: Path, extension: str) -> None:
    maps = ["-map", "0:a"] * 33
    path = media.sound(tmp_path / f"film.{extension}", 1.5, *maps, "-c:a", "aac", "-b:a", "16k")

    error = refusal(path)

    assert error.code == "TOO_MANY_STREAMS"
    assert "32" in str(error)


def test_a_plan_may_allow_fewer_streams(tmp_path: Path) -> None:
    film = media.video(tmp_path / "film.mp4", 1.5)

    assert refusal(film, Limits(streams=1)).code == "TOO_MANY_STREAMS"


@pytest.mark.parametrize("extension", ["mp4", "mkv"])
def test_a_picture_with_too_many_pixels_is_refused(tmp_path: Path, extension: str) -> None:
    words = ("-f", "lavfi", "-i", "color=size=5000x4000:rate=1:duration=2", *media.tone(2.0))
    codecs = ("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac")

    error = refusal(media.ffmpeg(*words, *codecs, out=tmp_path / f"film.{extension}"))

    assert error.code == "PICTURE_TOO_LARGE"
    assert "5000 × 4000" in str(error)


def test_a_huge_cover_is_ignored(tmp_path: Path) -> None:
    cover = tmp_path / "cover.png"
    cover.write_bytes(png(12_000))
    tone = media.sound(tmp_path / "tone.mp3", 2.0)
    words = ("-i", tone, "-i", cover, "-map", "0:a", "-map", "1:v", "-c", "copy")
    song = media.ffmpeg(*words, "-disposition:v", "attached_pic", out=tmp_path / "song.mp3")

    source = probe(song)

    assert source.picture is None
    assert source.duration == pytest.approx(2.0, abs=0.1)


def test_an_encrypted_film_is_told_as_encrypted(tmp_path: Path) -> None:
    key = ("-encryption_key", "76a6c65c5ea762046bd749a2e632ccbb")
    kid = ("-encryption_kid", "a7e61c373e219033c21091fa607bf3b8")
    scheme = ("-encryption_scheme", "cenc-aes-ctr", *key, *kid)

    film = media.video(tmp_path / "film.mp4", 2.0, *scheme)

    assert refusal(film).code == "ENCRYPTED"


@pytest.mark.parametrize("options", [(), ("-movflags", "faststart")])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.97])
def test_a_film_that_was_cut_off_is_told_as_truncated(
    tmp_path: Path, options: tuple[str, ...], share: float
) -> None:
    film = media.video(tmp_path / "film.mp4", 5.0, *options)

    assert refusal(media.cut(film, tmp_path / "cut.mp4", share=share)).code == "TRUNCATED"


@pytest.mark.parametrize("extension", ["wav", "mkv"])
def test_other_containers_that_were_cut_off_are_told_as_truncated(
    tmp_path: Path, extension: str
) -> None:
    whole = media.sound(tmp_path / f"whole.{extension}", 5.0)

    assert refusal(media.cut(whole, tmp_path / f"cut.{extension}")).code == "TRUNCATED"


def test_a_wav_that_was_streamed_and_knows_no_size_is_accepted(tmp_path: Path) -> None:
    content = bytearray(media.sound(tmp_path / "talk.wav", 3.0).read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = content[4:8] = b"\xff\xff\xff\xff"
    path = tmp_path / "streamed.wav"
    path.write_bytes(content)

    assert probe(path).duration == pytest.approx(3.0, abs=0.01)


def test_a_wav_that_claims_more_than_it_holds_is_told_as_truncated(tmp_path: Path) -> None:
    content = bytearray(media.sound(tmp_path / "talk.wav", 3.0).read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = (100_000_000).to_bytes(4, "little")
    path = tmp_path / "lying.wav"
    path.write_bytes(content)

    assert refusal(path).code == "TRUNCATED"


def test_an_mp3_is_as_long_as_its_frames_whatever_its_header_says(tmp_path: Path) -> None:
    honest = media.sound(tmp_path / "talk.mp3", 20.0, "-q:a", 9).read_bytes()
    at = honest.index(b"Info") if b"Info" in honest else honest.index(b"Xing")
    for claimed in (20, 200_000):
        path = tmp_path / f"{claimed}.mp3"
        path.write_bytes(honest[: at + 8] + claimed.to_bytes(4, "big") + honest[at + 12 :])

        assert probe(path).duration == pytest.approx(20.0, abs=0.2)


def test_the_track_marked_as_default_is_the_one_to_dub(tmp_path: Path) -> None:
    words = (*media.tone(2.0), *media.tone(2.0, hertz=880), "-map", "0:a", "-map", "1:a")
    marks = ("-disposition:a:0", "0", "-disposition:a:1", "default")
    tags = ("-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=spa")
    film = media.ffmpeg(*words, "-c:a", "aac", *marks, *tags, out=tmp_path / "film.mkv")

    source = probe(film)

    assert source.sound_stream == 1
    assert source.sound_language == "spa"


def test_without_a_mark_the_first_track_is_the_one_to_dub(tmp_path: Path) -> None:
    words = (*media.picture(2.0), *media.tone(2.0), *media.tone(2.0, hertz=880))
    maps = ("-map", "0:v", "-map", "1:a", "-map", "2:a", "-c:v", "libx264", "-c:a", "aac")
    marks = ("-disposition:a:0", "0", "-disposition:a:1", "0")

    source = probe(media.ffmpeg(*words, *maps, *marks, out=tmp_path / "film.mkv"))

    assert source.sound_stream == 1
    assert source.sound_language is None


def test_a_track_that_starts_late_ends_late(tmp_path: Path) -> None:
    late = ("-itsoffset", "2", *media.tone(3.0))
    words = (*media.picture(5.0), *late, "-map", "0:v", "-map", "1:a", "-c:v", "libx264")

    source = probe(media.ffmpeg(*words, "-c:a", "aac", out=tmp_path / "film.mp4"))

    assert source.duration == pytest.approx(5.0, abs=0.1)


def test_title_and_chapters_are_kept_as_plain_text(tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text(
        ";FFMETADATA1\ntitle=A talk\\\non <b>gardens</b>\x07\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1500\ntitle=Soil\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=1500\nEND=3000\ntitle=Seeds\n"
    )
    words = (*media.tone(3.0), "-f", "ffmetadata", "-i", notes, "-map_metadata", "1")

    source = probe(media.ffmpeg(*words, "-c:a", "aac", out=tmp_path / "talk.m4a"))

    assert source.title == "A talk on <b>gardens</b>"
    assert [(one.start, one.end, one.title) for one in source.chapters] == [
        (0.0, 1.5, "Soil"),
        (1.5, 3.0, "Seeds"),
    ]


def test_a_sparse_copy_is_probed_by_its_headers(tmp_path: Path) -> None:
    song = media.sound(tmp_path / "talk.mp3", 20.0)
    whole = song.read_bytes()
    sparse = tmp_path / "sparse.mp3"
    sparse.write_bytes(whole[:8000])
    os.truncate(sparse, len(whole))

    assert probe(sparse, whole=False).duration == pytest.approx(20.0, abs=0.2)


def test_a_small_real_mp3_with_junk_before_its_first_frame_is_accepted(tmp_path: Path) -> None:
    song = media.sound(tmp_path / "talk.mp3", 2.0).read_bytes()
    padded = tmp_path / "padded.mp3"
    padded.write_bytes(bytes(1000) + song[song.index(b"\xff\xfb") :])

    assert probe(padded).container == "mp3"


def test_a_film_nested_without_end_is_refused_in_time(tmp_path: Path) -> None:
    box = b""
    for _ in range(3000):
        box = struct.pack(">I", len(box) + 8) + b"trak" + box
    moov = struct.pack(">I", len(box) + 8) + b"moov" + box
    path = tmp_path / "film.mp4"
    path.write_bytes(b"\0\0\0\x10ftypisom\0\0\0\0" + moov)

    assert refusal(path).code in {"NOT_MEDIA", "NO_AUDIO", "TRUNCATED"}


def test_lengths_and_sizes_read_like_people_write_them() -> None:
    assert [clock(seconds) for seconds in (5, 125.4, 11_525, 59.6)] == [
        "0:05",
        "2:05",
        "3:12:05",
        "1:00",
    ]
    assert [size(count) for count in (12, 2048, 3_565_158, 2 * 1024**3)] == [
        "12 bytes",
        "2.0 kB",
        "3.4 MB",
        "2.0 GB",
    ]


def test_plain_text_has_one_line_no_controls_and_a_limit() -> None:
    text = base64.b64decode("QQobWzMxbSBiDQoJYw==").decode() + "\u202ed" + "x" * 1000

    assert plain(text).startswith("A [31m b c d")
    assert len(plain(text)) == 200
