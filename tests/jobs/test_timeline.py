import json
import re
from difflib import SequenceMatcher

from django.template import Context, Template
from django.utils import translation

from jobs import example, timeline
from jobs.sample import NARRATION
from jobs.timeline import TimelineLine

SPOKEN = TimelineLine("7", 1.0, 3.0, "Hello", 1.1, 3.4, "Hola", speed=1.1, borrowed=0.4)
WAITING = TimelineLine("8", 4.0, 5.0, "Friends")


def drawn(*lines: TimelineLine, more: str = "") -> str:
    tag = "{% load timelines %}{% timeline lines 10 name='t' " + more + " %}"
    return Template(tag).render(Context({"lines": lines}))


def test_a_block_stands_where_its_line_is() -> None:
    (block,) = timeline.blocks([SPOKEN], seconds=10.0)

    assert (block.said_x, block.said_width) == ("10.000%", "20.000%")
    assert (block.now_x, block.now_width) == ("11.000%", "23.000%")
    assert (block.borrowed_x, block.borrowed_width) == ("30.000%", "4.000%")


def test_a_line_that_is_not_spoken_waits_where_it_will_be() -> None:
    (block,) = timeline.blocks([WAITING], seconds=10.0)

    assert block.line.tint == "waiting"
    assert (block.now_x, block.now_width) == ("40.000%", "10.000%")


def test_the_tint_tells_the_speed() -> None:
    speeds = (0.9, 1.0, 1.03, 1.04, 1.15, 1.16, 1.25)

    tints = [TimelineLine("1", 0, 1, "", 0, 1, "", speed).tint for speed in speeds]

    assert tints == ["natural"] * 3 + ["quick"] * 2 + ["fast"] * 2


def test_ticks_leave_room_for_their_times() -> None:
    assert [tick.seconds for tick in timeline.ticks(11.0)] == [0, 5, 10]
    assert [tick.x for tick in timeline.ticks(20.0)][1] == "25.000%"


def test_the_first_and_the_last_time_stand_inside_the_drawing() -> None:
    assert [tick.anchor for tick in timeline.ticks(10.0)] == ["start", "middle", "end"]
    assert timeline.ticks(14.0)[-1].anchor == "middle"


def test_nothing_is_drawn_of_a_recording_without_length() -> None:
    assert timeline.place(1.0, 0.0) == "0.000%"
    assert timeline.blocks([], seconds=0.0) == []


def test_places_are_written_with_a_point_in_every_language() -> None:
    with translation.override("de"):
        assert 'x="10.000%"' in drawn(SPOKEN)


def test_the_script_gets_what_was_drawn() -> None:
    found = re.search(r'<script id="t-lines" type="application/json">(.*)</script>', drawn(SPOKEN))

    assert found is not None
    (line,) = json.loads(found[1])
    assert (line["id"], line["start"], line["now_end"]) == ("7", 1.0, 3.4)
    assert line["tint"] == "quick"


def test_the_drawing_can_be_read_aloud() -> None:
    html = drawn(SPOKEN, WAITING)

    assert "2 lines, 1 not spoken yet, 1 faster than natural." in html
    assert html.count("<li>") == 2


def test_what_was_said_is_text_and_never_markup() -> None:
    line = TimelineLine("1", 0, 1, "<script>alert(1)</script>", 0, 1, "</script><b>")

    html = drawn(line)

    assert "<script>alert" not in html
    assert "</script><b>" not in html


def test_the_example_says_what_the_sample_says() -> None:
    """But for a number, which a recognizer writes as it likes."""
    said = re.findall(r"\w+", " ".join(line.said for line in example.LINES).lower())
    told = re.findall(r"\w+", " ".join(text for text, _pause in NARRATION).lower())

    assert SequenceMatcher(None, said, told).ratio() > 0.97


def test_the_example_is_a_dub_within_its_bounds() -> None:
    ends = [line.now_end for line in example.LINES]

    assert all(line.spoken and (line.speed or 1) <= 1.25 for line in example.LINES)
    assert all(end is not None and end <= example.SECONDS for end in ends)
