"""What the peers hear: a script of who says what when, whatever sound they are sent."""

from collections.abc import Callable, Iterator, Sequence
from itertools import count, product

from jobs.pipeline.timeline import Recognition, Utterance, Word

Script = Callable[[float], Recognition]  # of the seconds of the sound that was sent

SENTENCES = (
    "Good morning and welcome to our short film.",
    "Thank you, I am very glad to be here today.",
    "We begin with a walk along the old harbour.",
    "The boats come in early, long before sunrise.",
    "How many people still live from fishing here?",
    "About thirty families, and every one of them knows the sea.",
)
WHO = ("My neighbour", "The teacher", "A young doctor", "Our old captain", "The new mayor")
DID = ("told us about", "has never liked", "once painted", "often thinks of", "wants to see")
WHAT = ("the old harbour", "a small house", "the long winter", "this narrow road", "our first boat")
WHEN = (
    "before the storm came.",
    "when we were still children.",
    "on a quiet Sunday morning.",
    "in the middle of the night.",
    "long after everyone had left.",
    "and nobody ever asked why.",
    "because it was getting late.",
)
WORD_SECONDS = 0.34
PAUSE = 0.7


def utterance(start: float, text: str, speaker: int = 0) -> Utterance:
    """A sentence spoken evenly from `start` on."""
    words = tuple(
        Word(round(start + n * WORD_SECONDS, 3), round(start + (n + 0.9) * WORD_SECONDS, 3), word)
        for n, word in enumerate(text.split())
    )
    return Utterance(words[0].start, words[-1].end, speaker, text, words)


def written(
    *lines: tuple[float, str] | tuple[float, str, int], language: str = "en"
) -> Recognition:
    """A script by hand: start, text and speaker of every utterance."""
    return Recognition(language, tuple(utterance(*line) for line in lines), "script")


def steady(seconds: float, sentences: Sequence[str] = SENTENCES) -> Recognition:
    """A conversation of two that fills so many seconds."""
    return Recognition("en", tuple(_conversation(seconds, sentences)), "script")


def varied(seconds: float) -> Recognition:
    """A conversation of two in which nothing is said twice for the first hour."""
    every = (f"{who} {did} {what} {when}" for when, what, did, who in product(WHEN, WHAT, DID, WHO))
    return steady(seconds, tuple(every))


def _conversation(seconds: float, sentences: Sequence[str]) -> Iterator[Utterance]:
    start = 0.3
    for turn in count():
        said = utterance(round(start, 3), sentences[turn % len(sentences)], speaker=turn % 2)
        if said.end > seconds:
            return
        yield said
        start = said.end + PAUSE
