"""Who speaks for whom."""

from collections.abc import Iterable, Mapping, Sequence

from jobs.pipeline.ports import VoiceInfo


def cast(
    speakers: Iterable[int], voices: Sequence[VoiceInfo], *, chosen: Mapping[int, str] | None = None
) -> dict[int, str]:
    """Give every speaker a voice of their own, the same on every call.

    `chosen` (speaker to voice id) is obeyed; the others take the remaining voices in the order in
    which the engine lists them, and share them only when there are fewer voices than speakers.
    """
    chosen = chosen or {}
    free = [voice.id for voice in voices if voice.id not in chosen.values()]
    pool = free or [voice.id for voice in voices]
    others = [speaker for speaker in sorted(set(speakers)) if speaker not in chosen]
    given = {speaker: pool[place % len(pool)] for place, speaker in enumerate(others)}
    return {**given, **chosen}
