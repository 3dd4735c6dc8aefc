"""Speaking lines and making them fit, on real samples: the voice is a tone as long as its text."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from jobs.pipeline import trim
from jobs.pipeline.errors import ProviderFailed, Stopped
from jobs.pipeline.ports import Engine, Line, Speech, Tone
from jobs.pipeline.speak import speak
from jobs.pipeline.timeline import Dub, Flag, Segment, Transcript, Translation

RATE = 22_050
PER_SECOND = 10.0  # characters that the voice speaks in a second


class MemoryDesk:
    """Keeps what it must remember in a dict."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.told: list[tuple[str, int, int]] = []
        self.stop_after: int | None = None
        self.lock = threading.Lock()

    def remember(self, key: str, make: Callable[[], bytes]) -> bytes:
        if key not in self.kept:
            content = make()
            with self.lock:
                self.kept[key] = content
        return self.kept[key]

    def progress(self, stage: str, n: int, m: int) -> None:
        self.told.append((stage, n, m))

    def stop(self) -> None:
        if self.stop_after is not None and len(self.kept) >= self.stop_after:
            raise Stopped


class Tones:
    """A voice that hums every text for a tenth of a second per character, between two silences."""

    def __init__(
        self,
        *,
        rates: tuple[float, float] | None = None,
        longest: int = 1000,
        broken: Mapping[str, int] | None = None,
        at_once: int = 1,
    ) -> None:
        self.engine = Engine("tones", "1", "draft", longest_text=longest, at_once=at_once)
        self.rates = rates
        self.broken = dict(broken or {})  # text: how often it fails
        self.spoken: list[tuple[str, float]] = []

    def speak(self, text: str, *, language: str, voice: str, rate: float = 1.0) -> Speech:
        self.spoken.append((text, rate))
        if self.broken.get(text, 0) > 0:
            self.broken[text] -= 1
            return Speech(np.zeros(RATE, np.float32), RATE)
        count = round(len(text) / PER_SECOND / rate * RATE)
        tone = 0.05 * np.sin(2 * np.pi * 220 * np.arange(count) / RATE + 1.5)
        silence = np.zeros(RATE // 4)
        return Speech(np.concatenate([silence, tone, silence]).astype(np.float32), RATE)


class Editor:
    """A translator that gives a line's shorter wording."""

    engine = Engine("editor", "1", "draft")

    def __init__(self, wordings: Mapping[str, str] | None = None) -> None:
        self.wordings = wordings or {}
        self.rewords = self.expands = bool(wordings)
        self.asked: list[Line] = []

    def translate(
        self,
        lines: Sequence[Line],
        *,
        source: str,
        target: str,
        context: Sequence[str],
        terms: Mapping[str, str],
        tone: Tone,
    ) -> dict[int, str]:
        self.asked += lines
        return {
            line.id: self.wordings[line.earlier] for line in lines if line.earlier in self.wordings
        }


def words(seconds: float) -> str:
    """A text that takes that long to hum."""
    length = round(seconds * PER_SECOND)
    return ("una voz que habla " * 20)[: length - 1].replace(" ", "_") + "."


def dub(
    folder: Path,
    *lines: tuple[float, float, str],
    voice: Tones | None = None,
    translator: Editor | None = None,
    desk: MemoryDesk | None = None,
    seconds: float = 20,
    parallel: int = 1,
    fuller: bool = True,
    may_be_silent: bool = True,
    flags: Mapping[int, tuple[Flag, ...]] | None = None,
) -> Dub:
    segments = tuple(
        Segment(i, start, end, 0, "words of the source here")
        for i, (start, end, _) in enumerate(lines)
    )
    return speak(
        Transcript("en", segments),
        Translation("es", tuple(text for _, _, text in lines), "test", dict(flags or {})),
        voice=voice or Tones(),
        translator=translator or Editor(),
        cast={0: "hum"},
        samples=round(seconds * 48_000),
        desk=desk or MemoryDesk(),
        folder=folder,
        parallel=parallel,
        fuller=fuller,
        may_be_silent=may_be_silent,
    )


def audible(track: Path) -> list[tuple[float, float]]:
    """Spans of sound in a track, in seconds."""
    sound, rate = soundfile.read(track)
    loud = np.flatnonzero(np.abs(sound) > 0.01)
    holes = np.flatnonzero(np.diff(loud) > rate * 0.02)
    starts = [loud[0], *loud[holes + 1]]
    ends = [*loud[holes], loud[-1]]
    return [(start / rate, end / rate) for start, end in zip(starts, ends, strict=True)]


def test_a_line_that_fits_begins_where_the_original_did(tmp_path: Path) -> None:
    made = dub(tmp_path, (1.0, 3.0, words(2.0)), (5.0, 6.0, words(1.0)))

    assert [line.speed for line in made.lines] == [1.0, 1.0]
    assert [round(start, 2) for start, _ in audible(made.voice)] == [1.0, 5.0]
    assert soundfile.info(made.voice).frames == 20 * 48_000


def test_takes_are_trimmed_and_levelled(tmp_path: Path) -> None:
    made = dub(tmp_path, (1.0, 3.0, words(2.0)))

    sound, _ = soundfile.read(made.voice, dtype="float32")
    assert made.lines[0].end - made.lines[0].start == pytest.approx(2.0, abs=0.01)
    assert 20 * np.log10(trim.active_rms(sound)) == pytest.approx(-20, abs=0.1)


def test_a_line_as_long_as_its_pause_borrows_it(tmp_path: Path) -> None:
    made = dub(tmp_path, (1.0, 2.0, words(1.8)), (3.0, 4.0, words(1.0)))

    first = made.lines[0]
    assert (first.speed, first.flags) == (1.0, ())
    assert first.borrowed == pytest.approx(0.8, abs=0.02)


def test_a_line_too_long_is_reworded_until_it_fits(tmp_path: Path) -> None:
    long, middle, short = words(3.0), words(2.6), words(1.9)
    editor = Editor({long: middle, middle: short})

    made = dub(tmp_path, (1, 2.95, long), (3.08, 5, words(1.9)), translator=editor)

    assert (made.lines[0].text, made.lines[0].speed) == (short, 1.0)
    assert made.lines[0].flags == (Flag.REWORDED,)
    assert [line.earlier for line in editor.asked] == [long, middle]
    assert editor.asked[0].spoken == pytest.approx(3.0, abs=0.02)
    assert editor.asked[0].max_chars == pytest.approx(20, abs=1)


@pytest.mark.ffmpeg
def test_no_more_than_three_wordings_are_asked_for(tmp_path: Path) -> None:
    texts = [words(length) for length in (4.0, 3.9, 3.8, 3.7, 3.6)]
    editor = Editor(dict(pairwise(texts)))

    dub(tmp_path, (1, 3, texts[0]), (3.08, 5, words(1.9)), translator=editor)

    assert len(editor.asked) == 3


@pytest.mark.ffmpeg
def test_a_translator_that_can_not_reword_is_not_asked(tmp_path: Path) -> None:
    editor = Editor()

    dub(tmp_path, (1, 3, words(2.4)), (3.08, 4, words(0.9)), translator=editor)

    assert editor.asked == []


@pytest.mark.ffmpeg
def test_an_engine_that_has_nothing_shorter_is_not_asked_for_it_again(tmp_path: Path) -> None:
    editor = Editor({"another text": "other"})

    dub(tmp_path, (18, 19.5, words(2.4)), translator=editor)

    assert len(editor.asked) == 1


def test_a_line_that_leaves_much_silence_is_worded_more_fully_once(tmp_path: Path) -> None:
    brief, full = words(1.5), words(3.8)
    editor = Editor({brief: full})

    made = dub(tmp_path, (1, 5, brief), (6, 8, words(1.9)), translator=editor)

    assert (made.lines[0].text, made.lines[0].flags) == (full, (Flag.REWORDED,))
    assert made.lines[0].end == pytest.approx(5, abs=0.25)
    (asked,) = editor.asked
    assert (asked.seconds, asked.was_too_short) == (4.0, True)
    assert asked.spoken == pytest.approx(1.5, abs=0.02)


@pytest.mark.ffmpeg
@pytest.mark.parametrize("fuller", [1.4, 7.0])
def test_a_fuller_wording_that_is_no_fuller_or_too_full_is_not_taken(
    tmp_path: Path, fuller: float
) -> None:
    brief = words(1.5)
    editor = Editor({brief: words(fuller)})

    made = dub(tmp_path, (1, 5, brief), (6, 8, words(1.9)), translator=editor)

    assert (made.lines[0].text, made.lines[0].flags) == (brief, ())
    assert len(editor.asked) == 1


@pytest.mark.ffmpeg
def test_a_wording_of_the_customers_own_is_not_made_fuller(tmp_path: Path) -> None:
    editor = Editor({words(1.5): words(3.8)})

    dub(tmp_path, (1, 5, words(1.5)), translator=editor, fuller=False)

    assert editor.asked == []


def test_an_engine_that_can_speak_faster_does_so_instead_of_being_stretched(tmp_path: Path) -> None:
    voice = Tones(rates=(0.7, 1.5))

    made = dub(tmp_path, (18, 20, words(2.4)), voice=voice)

    assert [rate for _, rate in voice.spoken] == [1.0, pytest.approx(1.2, abs=0.005)]
    assert made.lines[0].speed == pytest.approx(1.2, abs=0.01)
    assert made.lines[0].end <= 20


@pytest.mark.ffmpeg
def test_a_line_that_never_fits_is_cut_at_a_clause_and_flagged(tmp_path: Path) -> None:
    text = f"{words(1.5)[:-1]}, {words(1.5)}"

    made = dub(tmp_path, (18, 20, text), voice=Tones(rates=(0.7, 1.6)))

    (line,) = made.lines
    assert line.text == words(1.5)
    assert Flag.SHORTENED in line.flags
    assert line.end <= 20


@pytest.mark.ffmpeg
def test_a_line_without_clauses_is_cut_short_with_a_fade(tmp_path: Path) -> None:
    made = dub(tmp_path, (18, 20, words(2.4)), (19.5, 20, words(0.5)), seconds=20)

    assert all(one.end <= two.start for one, two in pairwise(made.lines))
    assert max(line.end for line in made.lines) <= 20
    assert Flag.SHORTENED in made.lines[0].flags + made.lines[1].flags


def test_what_was_spoken_is_not_bought_again(tmp_path: Path) -> None:
    voice, desk = Tones(), MemoryDesk()
    lines = [(i * 2.0, i * 2.0 + 1.5, words(1.5) + str(i)) for i in range(5)]
    first = dub(tmp_path, *lines, voice=voice, desk=desk)

    second = dub(tmp_path, *lines, voice=voice, desk=desk)

    assert second == first
    assert len(voice.spoken) == 5


def test_parallel_lines_give_the_same_dub(tmp_path: Path) -> None:
    lines = [(i * 2.0, i * 2.0 + 1.5, words(1.5) + str(i)) for i in range(8)]
    (tmp_path / "one").mkdir()
    (tmp_path / "many").mkdir()

    one = dub(tmp_path / "one", *lines)
    many = dub(tmp_path / "many", *lines, parallel=4)

    assert many.lines == one.lines
    assert many.voice.read_bytes() == one.voice.read_bytes()


def test_stopping_keeps_what_was_spoken(tmp_path: Path) -> None:
    voice, desk = Tones(), MemoryDesk()
    desk.stop_after = 2
    lines = [(i * 2.0, i * 2.0 + 1.5, words(1.5) + str(i)) for i in range(5)]

    with pytest.raises(Stopped):
        dub(tmp_path, *lines, voice=voice, desk=desk)

    assert len(voice.spoken) == len(desk.kept) == 2


def test_progress_counts_lines(tmp_path: Path) -> None:
    desk = MemoryDesk()

    dub(tmp_path, (0, 1, words(1)), (2, 3, words(1)), desk=desk)

    assert desk.told == [("dub", 1, 2), ("dub", 2, 2)]


def test_an_engine_that_says_nothing_once_is_asked_again(tmp_path: Path) -> None:
    text = words(1.5)

    made = dub(tmp_path, (1, 2.5, text), voice=Tones(broken={text: 1}))

    assert made.lines[0].flags == ()
    assert audible(made.voice)


def test_a_server_is_asked_once_more_when_all_other_lines_are_spoken(tmp_path: Path) -> None:
    bad, good = words(1.4), words(1.5)
    voice = Tones(broken={bad: 9}, at_once=4)

    made = dub(tmp_path, (1, 2.5, bad), (5, 6.5, good), voice=voice)

    assert [text for text, _ in voice.spoken] == [bad, good, bad]
    assert made.lines[0].flags == (Flag.SILENT,)


class Unreachable(Tones):
    """A server that some texts don't reach, however often it is called."""

    def __init__(self, lost: Mapping[str, int], *, code: str = "ENGINE_FAILED") -> None:
        super().__init__(at_once=4)
        self.lost = dict(lost)  # text: how often it doesn't get there
        self.code = code

    def speak(self, text: str, *, language: str, voice: str, rate: float = 1.0) -> Speech:
        if self.lost.get(text, 0) > 0:
            self.lost[text] -= 1
            raise ProviderFailed(self.code, engine="tones", detail="502")
        return super().speak(text, language=language, voice=voice, rate=rate)


LOST = words(1.4)
LINES = ((1, 2.5, LOST), (5, 6.5, words(1.5)), (9, 10.5, words(1.6)))


@pytest.mark.parametrize("may_be_silent", [True, False])
def test_a_line_that_did_not_reach_the_engine_is_spoken_at_the_end(
    tmp_path: Path, may_be_silent: bool
) -> None:
    made = dub(tmp_path, *LINES, voice=Unreachable({LOST: 1}), may_be_silent=may_be_silent)

    assert [line.flags for line in made.lines] == [()] * 3
    assert [round(start) for start, _ in audible(made.voice)] == [1, 5, 9]


def test_an_engine_that_is_not_reached_at_all_puts_the_step_off_and_nothing_is_bought_twice(
    tmp_path: Path,
) -> None:
    voice, desk = Unreachable({LOST: 2}), MemoryDesk()

    with pytest.raises(ProviderFailed) as failed:
        dub(tmp_path, *LINES, voice=voice, desk=desk, may_be_silent=False)
    made = dub(tmp_path, *LINES, voice=voice, desk=desk, may_be_silent=False)

    assert failed.value.again
    assert [line.flags for line in made.lines] == [()] * 3
    assert sorted(text for text, _ in voice.spoken) == sorted(text for _, _, text in LINES)


def test_a_line_that_was_hoped_for_long_enough_stays_silent(tmp_path: Path) -> None:
    made = dub(tmp_path, *LINES, voice=Unreachable({LOST: 9}), may_be_silent=True)

    assert [line.flags for line in made.lines] == [(Flag.SILENT,), (), ()]


def test_a_refused_line_stays_silent_at_once(tmp_path: Path) -> None:
    voice = Unreachable({LOST: 1}, code="ENGINE_REFUSED")

    made = dub(tmp_path, *LINES, voice=voice, may_be_silent=False)

    assert [line.flags for line in made.lines] == [(Flag.SILENT,), (), ()]


def test_an_engine_that_says_nothing_to_a_text_leaves_that_line_silent_at_once(
    tmp_path: Path,
) -> None:
    made = dub(tmp_path, *LINES, voice=Tones(broken={LOST: 9}), may_be_silent=False)

    assert [line.flags for line in made.lines] == [(Flag.SILENT,), (), ()]


def test_a_server_that_says_nothing_to_a_text_is_asked_again_when_the_step_is(
    tmp_path: Path,
) -> None:
    voice, desk = Tones(broken={LOST: 2}, at_once=2), MemoryDesk()
    with pytest.raises(ProviderFailed) as failed:
        dub(tmp_path, *LINES, voice=voice, desk=desk, may_be_silent=False)

    made = dub(tmp_path, *LINES, voice=voice, desk=desk, may_be_silent=False)

    assert failed.value.again
    assert [line.flags for line in made.lines] == [(), (), ()]
    assert Counter(text for text, _ in voice.spoken) == {text: 1 for _, _, text in LINES} | {
        LOST: 3
    }


def test_a_server_that_never_says_anything_to_a_text_leaves_it_silent_in_the_end(
    tmp_path: Path,
) -> None:
    made = dub(tmp_path, *LINES, voice=Tones(broken={LOST: 9}, at_once=2), may_be_silent=True)

    assert [line.flags for line in made.lines] == [(Flag.SILENT,), (), ()]


def test_nobody_waits_for_a_server_to_speak_a_line_in_another_language(tmp_path: Path) -> None:
    made = dub(
        tmp_path,
        *LINES,
        voice=Tones(broken={LOST: 9}, at_once=2),
        flags={0: (Flag.UNTRANSLATED,)},
        may_be_silent=False,
    )

    assert made.lines[0].flags == (Flag.UNTRANSLATED, Flag.SILENT)


def test_a_new_wording_that_did_not_reach_the_engine_puts_the_step_off(tmp_path: Path) -> None:
    long, short = words(3.0), words(1.9)
    lines = ((1, 2.95, long), (3.08, 5, words(1.8)))
    voice = Unreachable({short: 1})

    with pytest.raises(ProviderFailed):
        dub(tmp_path, *lines, voice=voice, translator=Editor({long: short}), may_be_silent=False)


def test_a_line_that_can_not_be_spoken_is_silent_and_flagged_and_the_others_stand(
    tmp_path: Path,
) -> None:
    bad = words(1.4)

    made = dub(tmp_path, (1, 2.5, bad), (5, 6.5, words(1.5)), voice=Tones(broken={bad: 9}))

    silent, spoken = made.lines
    assert (silent.flags, silent.start, silent.end) == ((Flag.SILENT,), 1.0, 1.0)
    assert (silent.text, spoken.flags) == (bad, ())
    assert [round(start, 2) for start, _ in audible(made.voice)] == [5.0]


def test_an_engine_that_can_speak_nothing_fails_the_step(tmp_path: Path) -> None:
    lines = [(i * 2.0, i * 2.0 + 1.5, words(1.5) + str(i)) for i in range(6)]
    voice = Tones(broken={text: 9 for _, _, text in lines})

    with pytest.raises(ProviderFailed) as failed:
        dub(tmp_path, *lines, voice=voice)

    assert failed.value.code == "ENGINE_FAILED"
    assert len(voice.spoken) < 9


def test_a_vendor_that_is_busy_stops_the_step_instead_of_leaving_lines_silent(
    tmp_path: Path,
) -> None:
    class Busy(Tones):
        def speak(self, text: str, *, language: str, voice: str, rate: float = 1.0) -> Speech:
            raise ProviderFailed("VENDOR_BUSY", engine="busy")

    with pytest.raises(ProviderFailed) as failed:
        dub(tmp_path, (1, 2, words(1)), voice=Busy())

    assert failed.value.code == "VENDOR_BUSY"


def test_a_text_too_long_for_the_engine_is_spoken_in_parts(tmp_path: Path) -> None:
    voice = Tones(longest=20)

    made = dub(tmp_path, (1, 5.4, "Una frase corta, otra frase algo más larga."), voice=voice)

    assert max(len(text) for text, _ in voice.spoken) <= 20
    assert " ".join(text for text, _ in voice.spoken) == made.lines[0].text


def test_an_empty_text_is_silence(tmp_path: Path) -> None:
    made = dub(tmp_path, (1, 2, ""), (3, 4, words(1)))

    assert made.lines[0].end == made.lines[0].start == 1.0


@pytest.mark.ffmpeg
def test_a_dense_talk_is_stretched_and_never_overlaps(tmp_path: Path) -> None:
    lines = [(i * 2.0, i * 2.0 + 1.9, words(2.2)) for i in range(8)]

    made = dub(tmp_path, *lines, (17.0, 18.0, words(0.8)))

    assert all(line.speed == pytest.approx(2.2 / 1.92, abs=0.02) for line in made.lines[:7])
    assert all(one.end <= two.start for one, two in pairwise(made.lines))
    assert [line.flags for line in made.lines] == [()] * 9
    starts = [start for start, _ in audible(made.voice)]
    assert starts == pytest.approx([line[0] for line in lines] + [17.0], abs=0.02)


@pytest.mark.ffmpeg
def test_a_line_slower_than_the_original_is_stretched_to_090_at_most(tmp_path: Path) -> None:
    made = dub(tmp_path, (1.0, 4.0, words(2.0)))

    (line,) = made.lines
    assert line.speed == pytest.approx(0.90)
    assert line.end - line.start == pytest.approx(2.0 / 0.9, abs=0.02)
