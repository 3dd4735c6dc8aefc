"""Asking a translator, checking what it says, and asking again only where it failed."""

import threading
from collections.abc import Callable, Mapping, Sequence

import pytest

from jobs.pipeline.errors import ProviderFailed, Stopped
from jobs.pipeline.ports import Engine, Line, Tone
from jobs.pipeline.timeline import Flag, Segment, Transcript
from jobs.pipeline.translate import HOPELESS, Task, around, budgets, reworded, translate
from jobs.pipeline.wording import tidy, usable


class MemoryDesk:
    """Keeps what it must remember in a dict."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.made = 0
        self.told: list[tuple[str, int, int]] = []
        self.stopped = False
        self.lock = threading.Lock()

    def remember(self, key: str, make: Callable[[], bytes]) -> bytes:
        if key not in self.kept:
            content = make()
            with self.lock:
                self.kept[key] = content
                self.made += 1
        return self.kept[key]

    def progress(self, stage: str, n: int, m: int) -> None:
        self.told.append((stage, n, m))

    def stop(self) -> None:
        if self.stopped:
            raise Stopped


class Phrasebook:
    """A translator that says what the test tells it to, and notes what it was asked."""

    engine = Engine("phrasebook", "1", "draft")
    rewords = True
    expands = True

    def __init__(self, say: Callable[[Line, int], str | None]) -> None:
        self.say = say
        self.asked: list[list[int]] = []
        self.contexts: list[Sequence[str]] = []
        self.tones: list[Tone] = []

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
        self.asked.append([line.id for line in lines])
        self.contexts.append(context)
        self.tones.append(tone)
        times = len(self.asked)
        answers = {line.id: self.say(line, times) for line in lines}
        return {id_: text for id_, text in answers.items() if text is not None}


def transcript(count: int) -> Transcript:
    return Transcript(
        "en",
        tuple(
            Segment(i, i * 3.0, i * 3.0 + 2.5, 0, f"This is line number {i} of it.")
            for i in range(count)
        ),
    )


def spanish(line: Line, _times: int) -> str:
    return f"Aquí va la frase {line.id} en español."


def test_every_segment_gets_its_text_in_order() -> None:
    result = translate(transcript(45), Phrasebook(spanish), target="es", desk=MemoryDesk())

    assert result.texts[44] == "Aquí va la frase 44 en español."
    assert (len(result.texts), result.language, result.flags) == (45, "es", {})


def test_lines_go_in_batches_of_twenty_with_the_transcript_around_them() -> None:
    book = Phrasebook(spanish)

    translate(transcript(45), book, target="es", desk=MemoryDesk())

    assert [len(ids) for ids in book.asked] == [20, 20, 5]
    assert len(book.contexts[0]) == 45


def test_parallel_batches_give_the_same_result_in_the_same_order() -> None:
    one = translate(transcript(90), Phrasebook(spanish), target="es", desk=MemoryDesk())

    many = translate(
        transcript(90), Phrasebook(spanish), target="es", desk=MemoryDesk(), parallel=4
    )

    assert many == one


def test_only_broken_lines_are_asked_for_again() -> None:
    book = Phrasebook(lambda line, times: None if line.id == 3 and times < 3 else spanish(line, 0))

    result = translate(transcript(6), book, target="es", desk=MemoryDesk())

    assert book.asked == [[0, 1, 2, 3, 4, 5], [3], [3]]
    assert result.flags == {}


def test_a_line_that_stays_broken_keeps_its_source_text_and_a_flag() -> None:
    book = Phrasebook(lambda line, times: "" if line.id == 3 else spanish(line, times))

    result = translate(transcript(6), book, target="es", desk=MemoryDesk())

    assert result.texts[3] == "This is line number 3 of it."
    assert result.flags == {3: (Flag.UNTRANSLATED,)}
    assert len(book.asked) == 3


def test_a_translator_that_gives_nothing_usable_fails_the_step() -> None:
    book = Phrasebook(lambda line, times: line.text)

    with pytest.raises(ProviderFailed) as failed:
        translate(transcript(6), book, target="es", desk=MemoryDesk())

    assert failed.value.again


def test_what_was_bought_is_not_bought_again() -> None:
    desk, book = MemoryDesk(), Phrasebook(spanish)
    first = translate(transcript(25), book, target="es", desk=desk)

    second = translate(transcript(25), book, target="es", desk=desk)

    assert second == first
    assert len(book.asked) == 2


def test_another_model_is_asked_anew() -> None:
    desk, book = MemoryDesk(), Phrasebook(spanish)
    translate(transcript(5), book, target="es", desk=desk)
    book.engine = Engine("phrasebook", "2", "draft")

    translate(transcript(5), book, target="es", desk=desk)

    assert len(book.asked) == 2


def test_a_refused_line_does_not_take_the_others_with_it() -> None:
    class Prude(Phrasebook):
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
            if any(line.id == 2 for line in lines):
                raise ProviderFailed("ENGINE_REFUSED", engine="prude")
            return super().translate(
                lines, source=source, target=target, context=context, terms=terms, tone=tone
            )

    result = translate(transcript(7), Prude(spanish), target="es", desk=MemoryDesk())

    assert result.flags == {2: (Flag.UNTRANSLATED,)}
    assert result.texts[6] == "Aquí va la frase 6 en español."


def test_a_translator_that_refuses_everything_is_not_asked_for_every_line() -> None:
    def refused(line: Line, times: int) -> str:
        raise ProviderFailed("ENGINE_REFUSED", engine="stubborn")

    stubborn = Phrasebook(refused)

    with pytest.raises(ProviderFailed) as failed:
        translate(transcript(1000), stubborn, target="es", desk=MemoryDesk())

    assert failed.value.code == "ENGINE_REFUSED"
    assert max(id_ for ids in stubborn.asked for id_ in ids) < HOPELESS


def test_translating_stops_between_batches() -> None:
    desk = MemoryDesk()

    def say(line: Line, times: int) -> str:
        desk.stopped = True
        return spanish(line, times)

    with pytest.raises(Stopped):
        translate(transcript(45), Phrasebook(say), target="es", desk=desk)

    assert desk.made == 1


def test_progress_counts_lines() -> None:
    desk = MemoryDesk()

    translate(transcript(45), Phrasebook(spanish), target="es", desk=desk)

    assert desk.told == [("translate", 20, 45), ("translate", 40, 45), ("translate", 45, 45)]


def test_budgets_count_the_pause_and_shrink_for_dense_scripts() -> None:
    spoken = budgets(transcript(2), 10, target="es")[0]
    japanese = budgets(transcript(2), 10, target="ja")[0]

    assert spoken.seconds == 2.92
    assert (spoken.max_chars, japanese.max_chars) == (50, 22)


def test_context_is_bounded_and_holds_the_lines_themselves() -> None:
    texts = [f"{i:04} " + "x" * 95 for i in range(1000)]

    context = around(texts, 500, 520)

    assert set(texts[500:520]) < set(context)
    assert sum(map(len, context)) <= 8000


def test_a_shorter_wording_must_be_shorter() -> None:
    book = Phrasebook(lambda line, times: "Va la frase." if line.id == 0 else line.earlier + " más")
    earlier = "Aquí va la primera frase."
    lines = [Line(i, "Here goes one sentence.", 1.0, earlier=earlier, spoken=1.9) for i in (0, 1)]

    better = reworded(Task(book, "en", "es", MemoryDesk()), lines, context=[])

    assert better == {0: "Va la frase."}


def test_a_fuller_wording_must_be_longer() -> None:
    book = Phrasebook(lambda line, times: "Va." if line.id == 0 else line.earlier[:-1] + " más.")
    earlier = "Aquí va la frase."
    lines = [Line(i, "Here goes one sentence.", 3.0, earlier=earlier, spoken=1.2) for i in (0, 1)]

    better = reworded(Task(book, "en", "es", MemoryDesk()), lines, context=[])

    assert better == {1: "Aquí va la frase más."}


def test_another_tone_is_another_translation() -> None:
    book, desk = Phrasebook(spanish), MemoryDesk()
    translate(transcript(5), book, target="es", desk=desk, tone=Tone.FORMAL)

    translate(transcript(5), book, target="es", desk=desk, tone=Tone.INFORMAL)

    assert book.tones == [Tone.FORMAL, Tone.INFORMAL]


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("ja", "これはテストです。"),
        ("zh-CN", "这是一个简单的测试。"),
        ("ko", "이것은 간단한 테스트입니다."),
        ("ru", "Это простая проверка."),
        ("ar", "هذا اختبار بسيط للغاية."),
        ("hi", "यह एक सरल परीक्षण है।"),
        ("de", "Das ist ein einfacher Test."),
    ],
)
def test_each_language_is_known_by_its_script(target: str, text: str) -> None:
    original = "This is quite a simple test."

    assert usable(text, original, source="en", target=target)
    assert not usable(original, original, source="en", target=target)


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("zh", "これはかんたんなテストです。"),
        ("ja", "这是一个非常简单的测试而已对吧"),
        ("ru", "Dies ist eine einfache Prüfung."),
        ("es", "Это простая проверка."),
        ("es", "This is simple a test."),
        ("es", "Sí."),
        ("es", "Esto es una prueba. " * 20),
        ("es", "..."),
    ],
)
def test_what_can_not_be_a_translation_is_refused(target: str, text: str) -> None:
    original = "This is quite a simple test, and we like it."

    assert not usable(text, original, source="en", target=target)


def test_names_may_stay_as_they_are() -> None:
    assert usable("Clara Ruiz.", "Clara Ruiz.", source="en", target="es")
    assert usable("iPhone 15 Pro", "iPhone 15 Pro", source="en", target="ja")


@pytest.mark.parametrize(
    ("target", "rough", "fine"),
    [
        (
            "es",
            "Esto es una prueba . Mi nombre es Clara  y  vivo",
            "Esto es una prueba. Mi nombre es Clara y vivo",
        ),
        ("es", "EL agua está fría .", "El agua está fría."),
        ("es", "como estas ? bien , gracias !", "¿Como estas? ¡Bien, gracias!"),
        ("es", "Hola, ¿ qué tal ?", "Hola, ¿qué tal?"),
        ("fr", "Bonjour ! Comment ça va ?", "Bonjour ! Comment ça va ?"),
        ("zh", "你 好 ， 世界 。", "你好，世界。"),
        ("de", "„Gut“ , sagt er ( leise ) .", "„Gut“, sagt er (leise)."),
        ("it", "sono le 10:30 e\u200b fa\n3.5 gradi", "Sono le 10:30 e fa 3.5 gradi"),
        ("es", '"Hola a todos."', "Hola a todos."),
    ],
)
def test_texts_are_tidied(target: str, rough: str, fine: str) -> None:
    assert tidy(rough, target=target, source_text="Some text") == fine


def test_a_line_that_goes_on_from_the_one_before_keeps_its_small_letter() -> None:
    assert (
        tidy("y seguimos. luego más", target="es", source_text="and on") == "y seguimos. Luego más"
    )
