"""Pico: what it says, how fast, and what it must not be given."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from jobs.pipeline.errors import ProviderFailed
from jobs.pipeline.ports import Speech
from jobs.providers.pico import LONGEST_NUMBER, LONGEST_WORD, VOICES, Pico, plain

SENTENCE = "El puente cruza el río y lleva a la gente a la ciudad vieja."


@pytest.fixture(scope="module")
def pico() -> Iterator[Pico]:
    voice = Pico()
    yield voice
    voice.close()


def seconds(speech: Speech) -> float:
    """Seconds from the first to the last audible sample."""
    audible = np.flatnonzero(np.abs(speech.samples) > 0.01)
    return float(audible[-1] - audible[0]) / speech.sample_rate


def say(pico: Pico, text: str, rate: float = 1.0) -> Speech:
    return pico.speak(text, language="es", voice="es-ES", rate=rate)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hola <b>mundo</b>", "Hola b mundo /b"),
        ('<speed level="500">Hola', 'speed level="500" Hola'),
        ("a [b] {c} ^d_e*", "a b c d e"),
        ("dos\nlíneas\tcon\x00nada", "dos líneas con nada"),
        ("Cuesta 5 € y 10 %, ¿no?", "Cuesta 5 € y 10 %, ¿no?"),
    ],
)
def test_markup_is_never_spoken_nor_obeyed(text: str, said: str) -> None:
    assert plain(text) == said


def test_a_word_without_end_is_broken_up() -> None:
    words = plain("a" * 1000).split()

    assert "".join(words) == "a" * 1000
    assert max(map(len, words)) <= LONGEST_WORD


def test_a_number_without_end_is_broken_up_sooner() -> None:
    assert max(map(len, plain("x" + "1" * 500).split())) <= LONGEST_NUMBER + 1


@pytest.mark.models
@pytest.mark.parametrize("voice", [voice.id for voice in VOICES])
def test_every_voice_speaks(pico: Pico, voice: str) -> None:
    speech = pico.speak("Anna 25.", language=voice[:2], voice=voice)

    assert speech.sample_rate == 16_000
    assert 0.5 < seconds(speech) < 4


@pytest.mark.models
def test_speech_is_loud_and_not_clipped(pico: Pico) -> None:
    loudest = np.abs(say(pico, SENTENCE).samples).max()

    assert 0.2 < loudest < 0.99


@pytest.mark.models
@pytest.mark.parametrize("rate", [0.8, 1.1, 1.25])
def test_the_rate_asked_for_is_the_rate_spoken(pico: Pico, rate: float) -> None:
    natural, asked = seconds(say(pico, SENTENCE)), seconds(say(pico, SENTENCE, rate))

    assert natural / asked == pytest.approx(rate, rel=0.04)


@pytest.mark.models
def test_a_repeatable_voice_says_the_same_whatever_it_said_before() -> None:
    voice = Pico(repeatable=True)

    first = say(voice, SENTENCE)
    say(voice, "Otra cosa.")

    assert np.array_equal(first.samples, say(voice, SENTENCE).samples)


@pytest.mark.models
def test_threads_get_their_own_words(pico: Pico) -> None:
    texts = ["Sí.", SENTENCE, "Hola, amigos.", SENTENCE * 2] * 3
    alone = [seconds(say(pico, text)) for text in texts]

    with ThreadPoolExecutor(4) as threads:
        together = [seconds(speech) for speech in threads.map(lambda text: say(pico, text), texts)]

    assert together == pytest.approx(alone, rel=0.2)  # the texts differ by twice and more


@pytest.mark.models
@pytest.mark.parametrize("text", ["", "...", "<>", "日本語", "Привет"])
def test_what_it_cannot_say_is_refused(pico: Pico, text: str) -> None:
    with pytest.raises(ProviderFailed) as refused:
        say(pico, text)

    assert refused.value.code == "ENGINE_REFUSED"


@pytest.mark.models
@pytest.mark.parametrize("piece", ["a", "palabra ", "1", "1a", "x, "])
def test_the_longest_text_is_spoken_whatever_it_is_made_of(pico: Pico, piece: str) -> None:
    longest = pico.engine.longest_text
    text = (piece * longest)[:longest]

    assert seconds(say(pico, text)) > 10


@pytest.mark.models
def test_an_unknown_voice_is_a_failure_and_the_next_line_is_spoken(pico: Pico) -> None:
    with pytest.raises(ProviderFailed) as failed:
        pico.speak("Hola", language="es", voice="xx-XX")

    assert failed.value.code == "ENGINE_FAILED"
    assert seconds(say(pico, "Hola")) > 0.2
