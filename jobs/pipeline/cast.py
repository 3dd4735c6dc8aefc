"""Who speaks for whom."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from jobs.pipeline.ports import VoiceInfo

# Hz of a speaker's median pitch. Adult men speak at 85 to 155 Hz and women at 165 to 255 (I. Titze,
# Principles of Voice Production, 1994); what lies between may be either, and so may children.
MALE_BELOW = 150.0
FEMALE_FROM, FEMALE_TO = 165.0, 300.0

NOBODY: Mapping[int, str] = MappingProxyType({})
UNHEARD: Mapping[int, float] = MappingProxyType({})


def perceived_gender(pitch: float | None) -> str:
    """How a voice of that pitch (Hz) is mostly heard: "male", "female", or "" where it is open."""
    if pitch is None:
        return ""
    if pitch < MALE_BELOW:
        return "male"
    return "female" if FEMALE_FROM <= pitch <= FEMALE_TO else ""


def cast(
    speakers: Iterable[int],
    voices: Sequence[VoiceInfo],
    *,
    chosen: Mapping[int, str] = NOBODY,
    usual: Mapping[int, str] = NOBODY,
    pitches: Mapping[int, float] = UNHEARD,
) -> dict[int, str]:
    """Give every speaker a voice, the same on every call.

    `chosen` (speaker to voice id) is obeyed where the engine has that voice, which a route set
    anew may have changed. The others have the voice that is `usual` for them,
    else the first free one in the order of the engine, of the gender that their pitch suggests. A
    voice is shared only where there are no more of that gender; a man doesn't get a woman's
    because all men's are taken. Nobody is given a premium voice that wasn't chosen.
    """
    given = known(chosen, voices)
    others = sorted(set(speakers) - given.keys())
    genders = {speaker: perceived_gender(pitches.get(speaker)) for speaker in others}
    ordinary = [voice for voice in voices if not voice.premium] or list(voices)
    for speaker in others:
        fitting = {voice.id for voice in _fitting(ordinary, genders[speaker])}
        if usual.get(speaker) in fitting - set(given.values()):
            given[speaker] = usual[speaker]
    # Who may have any voice comes last, and takes none that somebody else needs.
    for speaker in sorted(others, key=lambda one: not genders[one]):
        if speaker not in given:
            given[speaker] = _least_used(_fitting(ordinary, genders[speaker]), given)
    return given


def known(chosen: Mapping[int, str], voices: Sequence[VoiceInfo]) -> dict[int, str]:
    """What was chosen among these voices: a route that was set anew may have others."""
    ids = {voice.id for voice in voices}
    return {key: voice for key, voice in chosen.items() if voice in ids}


def _fitting(voices: Sequence[VoiceInfo], gender: str) -> Sequence[VoiceInfo]:
    """The voices of a gender; all where it is unknown or where there are none of it."""
    of_it = [voice for voice in voices if gender and voice.gender == gender]
    return of_it or voices


def _least_used(voices: Sequence[VoiceInfo], given: Mapping[int, str]) -> str:
    taken = list(given.values())
    return min(voices, key=lambda voice: taken.count(voice.id)).id
