"""ffmpeg is run with guards, and every end of it is a value or a typed error."""

import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from jobs.pipeline import ffmpeg
from jobs.pipeline.errors import PipelineError, Stopped
from jobs.pipeline.program import Finished
from tests.pipeline import media

pytestmark = pytest.mark.ffmpeg


def code_of(action: Callable[[], object]) -> str:
    """The code of the PipelineError that `action` raises."""
    with pytest.raises(PipelineError) as caught:
        action()
    return caught.value.code


def test_a_graph_makes_its_file_and_tells_how_far_it_is(tmp_path: Path) -> None:
    tone = media.sound(tmp_path / "tone.wav", 3.0)
    out = tmp_path / "out.flac"
    told: list[float] = []

    end = ffmpeg.output(ffmpeg.source(tone).filter("volume", 0.5), out=out)
    ffmpeg.run(end, seconds=3, outputs=[out], progress=told.append)

    assert soundfile.info(out).frames == 3 * 44_100
    assert told[-1] == pytest.approx(3.0, abs=0.1)


def test_a_name_is_never_an_option_a_pattern_or_an_address(tmp_path: Path) -> None:
    names = ["-i.wav", 'it\'s "quoted".wav', "two\nlines.wav", "ünïcode 日本.wav", "%d:x|y.wav"]
    tone = media.sound(tmp_path / "tone.wav", 1.0)

    for name in names:
        (tmp_path / name).write_bytes(tone.read_bytes())
        out = tmp_path / f"{name}.flac"
        ffmpeg.run(ffmpeg.output(ffmpeg.source(tmp_path / name), out=out), seconds=1, outputs=[out])

        assert soundfile.info(out).frames == 44_100


def test_a_relative_name_with_a_leading_dash_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    media.sound(tmp_path / "-vn.wav", 1.0)
    monkeypatch.chdir(tmp_path)

    probed = ffmpeg.probe_json(Path("-vn.wav"))

    assert probed["format"]["duration"] == "1.000000"


def test_only_regular_local_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    refused = [
        tmp_path / "absent.wav",
        tmp_path,
        tmp_path / "pipe.wav",
        Path("/dev/zero"),
        Path("http://127.0.0.1/a.wav"),
        Path("concat:a.wav|b.wav"),
    ]

    codes = {code_of(lambda path=path: ffmpeg.source(path)) for path in refused}  # type: ignore[misc]

    assert codes == {"CANNOT_READ"}


def test_a_playlist_never_reaches_the_network(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        port = server.getsockname()[1]
        playlist = tmp_path / "film.mp4"
        playlist.write_text(
            "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n"
            f"http://127.0.0.1:{port}/a.ts\n#EXT-X-ENDLIST\n"
        )

        code = code_of(lambda: ffmpeg.probe_json(playlist))

        assert code == "NOT_MEDIA"
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_concat_list_never_reads_other_files(tmp_path: Path) -> None:
    media.sound(tmp_path / "secret.wav", 1.0)
    listing = tmp_path / "film.mp4"
    listing.write_text("ffconcat version 1.0\nfile secret.wav\n")

    assert code_of(lambda: ffmpeg.probe_json(listing)) == "NOT_MEDIA"


def test_a_failed_run_leaves_no_output(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(b"\0\0\0\x18ftypisom" + bytes(4000))
    out = tmp_path / "out.flac"
    out.write_bytes(b"an earlier try")

    end = ffmpeg.output(ffmpeg.source(damaged), out=out)

    assert code_of(lambda: ffmpeg.run(end, seconds=1, outputs=[out])) == "TRUNCATED"
    assert not out.exists()


def test_a_stop_ends_ffmpeg_and_removes_what_it_made(tmp_path: Path) -> None:
    tone = media.sound(tmp_path / "tone.wav", 60.0)
    out = tmp_path / "out.flac"

    def stop() -> None:
        if out.exists():
            raise Stopped

    endless = ffmpeg.source(tone).filter("aloop", loop=-1, size=2_000_000)
    with pytest.raises(Stopped):
        ffmpeg.run(ffmpeg.output(endless, out=out), seconds=60, outputs=[out], stop=stop)

    assert not out.exists()


def test_a_file_over_its_bound_is_an_error(tmp_path: Path) -> None:
    tone = media.sound(tmp_path / "tone.wav", 20.0)
    out = tmp_path / "out.wav"

    def write() -> None:
        end = ffmpeg.output(ffmpeg.source(tone), out=out)
        ffmpeg.run(end, seconds=20, outputs=[out], file_size=100_000)

    assert code_of(write) == "MEDIA_TOOL"
    assert not out.exists()


def test_blocks_come_whole_in_order_and_complete(tmp_path: Path) -> None:
    ramp = np.linspace(-0.9, 0.9, 100_001, dtype=np.float32)
    path = media.wav(tmp_path / "ramp.wav", ramp)

    blocks = list(ffmpeg.read_blocks(path, seconds=3, block=30_000))

    assert [len(block) for block in blocks] == [30_000, 30_000, 30_000, 10_001]
    assert np.allclose(np.concatenate(blocks)[:, 0], ramp, atol=1 / 32768)


def test_reading_may_end_early(tmp_path: Path) -> None:
    path = media.sound(tmp_path / "tone.wav", 60.0)
    blocks = ffmpeg.read_blocks(path, seconds=60, channels=2)

    first = next(blocks)
    before = threading.active_count()
    blocks.close()

    assert first.shape == (48_000, 2)
    assert threading.active_count() < before


def test_what_is_written_is_what_is_in_the_file(tmp_path: Path) -> None:
    out = tmp_path / "out.flac"
    noise = np.random.default_rng(1).integers(-9000, 9000, (100_000, 2)).astype(np.int16)

    with ffmpeg.Writer(out, seconds=3, channels=2, acodec="flac", sample_fmt="s16") as writer:
        for first in range(0, len(noise), 30_000):
            writer.write(noise[first : first + 30_000])

    written, rate = soundfile.read(out, dtype="int16")
    assert rate == 48_000
    assert np.array_equal(written, noise)


def test_a_writer_left_by_an_error_leaves_no_file(tmp_path: Path) -> None:
    out = tmp_path / "out.flac"

    def write() -> None:
        with ffmpeg.Writer(out, seconds=3) as writer:
            writer.write(np.zeros(480_000, np.float32))
            raise Stopped

    with pytest.raises(Stopped):
        write()

    assert not out.exists()


def test_a_writer_into_nowhere_is_an_error(tmp_path: Path) -> None:
    def write() -> None:
        with ffmpeg.Writer(tmp_path / "no" / "folder.flac", seconds=3) as writer:
            for _ in range(50):
                writer.write(np.zeros(48_000, np.float32))

    assert code_of(write) == "MEDIA_TOOL"


def test_a_full_disk_is_told_apart() -> None:
    log = b"av_interleaved_write_frame(): No space left on device"

    assert ffmpeg.failure(Finished(b"", log, 1)).code == "NO_SPACE"


def test_the_real_end_of_a_stream_is_counted_from_its_packets(tmp_path: Path) -> None:
    film = media.video(tmp_path / "film.mkv", 3.0)

    assert ffmpeg.end_of(film, 0) == pytest.approx(3.0, abs=0.11)


def test_this_machine_has_what_we_need() -> None:
    tools = ffmpeg.versions_and_features()

    assert tools.ffmpeg[0].isdigit()
    assert tools.ffprobe[0].isdigit()
    assert tools.missing == ()
