"""Amazon Polly's wire: `/v1/speech`, and `/v1/voices` to try a key with.

Source: https://docs.aws.amazon.com/polly/latest/dg/API_SynthesizeSpeech.html.
"""

import re
from functools import lru_cache
from xml.etree import ElementTree

from tests.peers import voiced
from tests.peers.exchange import Answer, Request, as_json
from tests.peers.faults import STATUS, Fault, times_as_long

MOST_BILLED = 3000
NAMES = {
    400: "ValidationException",
    401: "UnrecognizedClientException",
    402: "OptInRequired",
    403: "AccessDeniedException",
    429: "ThrottlingException",
    500: "ServiceFailureException",
    503: "ServiceUnavailableException",
}


def spoke(request: Request, fault: Fault | None) -> Answer:
    """The speech for a text or SSML, as Ogg Vorbis."""
    asked = request.asked
    if asked.get("OutputFormat") != "ogg_vorbis":
        return error(request, "InvalidSampleRateException", 400)
    try:
        text, rate = _read(str(asked["Text"]), str(asked.get("TextType", "text")))
    except ElementTree.ParseError:
        return error(request, "InvalidSsmlException", 400)
    if len(text) > MOST_BILLED:
        return error(request, "TextLengthExceededException", 400)
    seconds = voiced.seconds_of(text, rate) * times_as_long(fault)
    voice, sample_rate = str(asked["VoiceId"]), int(asked["SampleRate"])
    body = _ogg(seconds, voice, sample_rate)
    if fault is Fault.EMPTY_AUDIO:
        body = b""
    elif fault is Fault.MP3:
        sound = voiced.lasting(seconds, voice=voice, sample_rate=sample_rate)
        body = voiced.mp3(sound, sample_rate)
    headers = {"x-amzn-RequestId": _id(request), "x-amzn-RequestCharacters": str(len(text))}
    return Answer(body, type="audio/ogg", headers=headers)


@lru_cache(maxsize=512)
def _ogg(seconds: float, voice: str, sample_rate: int) -> bytes:
    # The encoder is slow: lines that are as long are the same file.
    sound = voiced.lasting(seconds, voice=voice, sample_rate=sample_rate)
    return voiced.ogg(sound, sample_rate)


def error(request: Request, name: str, status: int) -> Answer:
    """An error as Amazon words it."""
    told = {"x_amzn_RequestId": _id(request), "x_amzn_ErrorType": name}
    return as_json({"message": "It failed."}, status=status, **told)


def failed(request: Request, fault: Fault) -> Answer:
    """The error that a fault is; it throttles with status 400, and knows neither 401 nor 402."""
    status = STATUS[fault]
    sent = {401: 403, 402: 403, 429: 400}.get(status, status)
    return error(request, NAMES.get(status, "InternalFailure"), sent)


def voices(_request: Request) -> Answer:
    """A list of voices, of which there are none."""
    return as_json({"Voices": []})


def _read(text: str, form: str) -> tuple[str, float]:
    """What is spoken, and how fast."""
    if form != "ssml":
        return text, 1.0
    root = ElementTree.fromstring(text)
    prosody = root.find("prosody")
    told = "" if prosody is None else prosody.get("rate", "")
    found = re.fullmatch(r"(\d+)%", told)
    return "".join(root.itertext()), int(found[1]) / 100 if found else 1.0


def _id(request: Request) -> str:
    return f"polly-{request.number}"
