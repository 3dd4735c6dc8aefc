"""Cutting what was heard into lines, and the room of each."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.pipeline.errors import PipelineError
from jobs.pipeline.segment import GAP, ends_sentence, segments, slots
from jobs.pipeline.timeline import Recognition, Segment, Utterance, Word


def heard(*utterances: Utterance) -> Recognition:
    return Recognition("en", utterances, "test")


def said(text: str, *times: tuple[float, float], speaker: int = 0, sure: float = 1.0) -> Utterance:
    words = tuple(
        Word(start, end, word, sure) for word, (start, end) in zip(text.split(), times, strict=True)
    )
    return Utterance(times[0][0], times[-1][1], speaker, text, words)


def evenly(text: str, start: float, each: float, speaker: int = 0) -> Utterance:
    times = [(start + i * each, start + (i + 1) * each) for i in range(len(text.split()))]
    return said(text, *times, speaker=speaker)


def texts(*utterances: Utterance, spans: tuple[tuple[float, float], ...] = ()) -> list[str]:
    return [segment.text for segment in segments(heard(*utterances), spans).segments]


def test_every_sentence_is_a_segment() -> None:
    lines = texts(evenly("This is the first line. And this is the second one!", 0, 0.4))

    assert lines == ["This is the first line.", "And this is the second one!"]


def test_a_pause_ends_a_segment() -> None:
    lines = texts(said("we wait and go", (0, 0.6), (0.6, 1.2), (2.0, 2.6), (2.6, 3.4)))

    assert lines == ["we wait", "and go"]


def test_a_sentence_goes_on_across_utterances_that_follow_at_once() -> None:
    lines = texts(evenly("this sentence goes", 0, 0.5), evenly("on and on.", 1.5, 0.5))

    assert lines == ["this sentence goes on and on."]


def test_titles_initials_and_numbers_end_no_sentence() -> None:
    assert not ends_sentence("Dr. ")
    assert not ends_sentence("J.")
    assert not ends_sentence("3.5")
    assert ends_sentence("over. ")
    assert ends_sentence("終わり。")


def test_speakers_are_never_in_one_segment() -> None:
    lines = texts(evenly("are you there", 0, 0.4), evenly("yes I am", 1.2, 0.4, speaker=1))

    assert lines == ["are you there", "yes I am"]


def test_no_segment_is_longer_than_twelve_seconds() -> None:
    long = evenly("word, " * 99 + "end", 0, 0.3)

    found = segments(heard(long), ()).segments

    assert max(segment.end - segment.start for segment in found) <= 12
    assert " ".join(segment.text for segment in found) == long.text


def test_a_long_sentence_is_divided_at_its_comma() -> None:
    long = evenly("one " * 24 + "two, " + "three " * 20 + "four", 0, 0.3)

    first, second = texts(long)

    assert first.endswith("two,")
    assert second.startswith("three")


def test_a_short_sentence_joins_its_near_neighbour() -> None:
    lines = texts(evenly("Yes. I think that this is right.", 0, 0.35))

    assert lines == ["Yes. I think that this is right."]


def test_a_short_sentence_far_from_others_stands_alone() -> None:
    lines = texts(evenly("Yes.", 0, 0.5), evenly("I think that this is right.", 1.0, 0.35))

    assert lines == ["Yes.", "I think that this is right."]


def test_punctuation_and_sound_labels_are_no_lines() -> None:
    lines = texts(
        evenly("...", 0, 1), evenly("[Music]", 3, 1), evenly("♪ la la ♪", 6, 1), evenly("Hi.", 9, 1)
    )

    assert lines == ["Hi."]


def test_nothing_but_noise_is_no_speech() -> None:
    with pytest.raises(PipelineError) as failed:
        segments(heard(evenly("[Music]", 3, 1)), ())

    assert failed.value.code == "NO_SPEECH"


def test_unsure_words_in_silence_were_not_said() -> None:
    real = evenly("This was really said.", 0, 0.5)
    invented = said("Thank you.", (8, 8.5), (8.5, 9), sure=0.4)

    assert texts(real, invented, spans=((0.0, 2.0),)) == ["This was really said."]


def test_a_word_stretched_over_the_silence_before_it_starts_with_its_sound() -> None:
    stretched = said("well then", (0, 3.0), (3.0, 3.5))

    (line,) = segments(heard(stretched), ((2.6, 3.5),)).segments

    assert (line.start, line.end) == (2.6, 3.5)


def test_edges_move_to_the_sound_when_it_is_near() -> None:
    late_and_long = said("one two three", (1.2, 1.6), (1.6, 2.2), (2.2, 3.2))

    (line,) = segments(heard(late_and_long), ((1.0, 3.0),)).segments

    assert (line.start, line.end) == (1.0, 3.0)


def test_edges_never_move_past_a_neighbour() -> None:
    first, second = segments(
        heard(evenly("It is all one breath.", 0, 0.4), evenly("Nobody pauses here now.", 2.1, 0.4)),
        ((0.0, 3.7),),
    ).segments

    assert first.end <= second.start


def test_an_utterance_without_words_is_spread_over_its_sound() -> None:
    whole = Utterance(0, 10, 0, "The first sentence is here. The second sentence is here.")

    first, second = segments(heard(whole), ((0.0, 2.0), (8.0, 10.0))).segments

    assert (first.start, first.end) == (0.0, 2.0)
    assert (second.start, second.end) == (8.0, 10.0)


def test_japanese_without_words_is_cut_at_its_full_stops_and_gets_no_spaces() -> None:
    whole = Utterance(0, 8, 0, "今日はとても良い天気です。明日は雨が降るでしょう。")

    assert texts(whole) == ["今日はとても良い天気です。", "明日は雨が降るでしょう。"]


def test_the_text_keeps_the_recognizers_punctuation() -> None:
    words = (Word(0, 0.5, "well-known"), Word(0.5, 1.0, "it's"), Word(1.0, 1.6, "true"))
    utterance = Utterance(0, 1.6, 0, "Well-known — well-known, it's “true”.", words)

    assert texts(utterance) == ["Well-known — well-known, it's “true”."]


def test_a_word_without_length_is_not_lost() -> None:
    lines = texts(said("Go. Now.", (1.0, 1.0), (1.0, 1.0)))

    assert " ".join(lines) == "Go. Now."


def test_slots_end_a_breath_before_the_next_line_and_the_last_with_the_medium() -> None:
    talk = [Segment(0, 0, 1, 0, "a"), Segment(1, 3, 4, 0, "b")]

    first, last = slots(talk, 9.0)

    assert first.until == 3 - GAP
    assert last.until == 9.0


def test_a_slot_is_never_shorter_than_its_segment_where_nobody_paused() -> None:
    talk = [Segment(0, 0, 2.98, 0, "a"), Segment(1, 3, 4, 0, "b")]

    assert slots(talk, 9.0)[0].until == 2.98


def test_the_slot_of_an_interrupted_speaker_ends_with_his_own_words() -> None:
    talk = [Segment(0, 0, 3, 0, "a"), Segment(1, 2.5, 5, 1, "b"), Segment(2, 8, 9, 0, "c")]

    first, second, _ = slots(talk, 9.0)

    assert first.until == 3
    assert second.until == 8 - GAP


@st.composite
def recognitions(draw: st.DrawFn) -> Recognition:
    utterances, at = [], 0.0
    for _ in range(draw(st.integers(1, 8))):
        words = []
        for _ in range(draw(st.integers(1, 12))):
            at += draw(st.sampled_from([0.0, 0.0, 0.1, 0.4, 2.0]))
            end = at + draw(st.floats(0.0, 4.0))
            words.append(
                Word(at, end, draw(st.sampled_from(["so", "well,", "done.", "天。", "…"])))
            )
            at = end
        text = " ".join(word.text for word in words)
        speaker = draw(st.integers(0, 1))
        utterances.append(Utterance(words[0].start, at, speaker, text, tuple(words)))
    utterances.append(Utterance(at + 1, at + 3, 0, "the very end", ()))
    return Recognition("en", tuple(utterances), "test")


@given(recognitions(), st.lists(st.tuples(st.floats(0, 60), st.floats(0.02, 5)), max_size=12))
@settings(max_examples=80, deadline=None)
def test_whatever_was_heard_segments_are_ordered_apart_and_bearable(
    recognition: Recognition, sounds: list[tuple[float, float]]
) -> None:
    spans: list[tuple[float, float]] = []
    for start, length in sorted(sounds):
        if not spans or start > spans[-1][1]:
            spans.append((start, start + length))

    found = segments(recognition, spans).segments

    assert [segment.index for segment in found] == list(range(len(found)))
    assert all(one.start <= two.start for one, two in pairwise(found))
    assert all(0 < segment.end - segment.start <= 12.0 + 1e-9 for segment in found)
    for speaker in (0, 1):
        own = [segment for segment in found if segment.speaker == speaker]
        assert all(one.end <= two.start + 1e-9 for one, two in pairwise(own))
