from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts import deletion
from accounts.models import User
from billing import ledger
from billing.queries import balance_of
from billing.services import grant_starter
from dubber.errors import NotFound, UserError
from jobs import drafts, retention
from jobs.choices import Choices
from jobs.drafts import Sending
from jobs.estimates import Estimate, estimate_draft
from jobs.models import Draft, DubbingJob, Upload
from tests import engines as test_engines
from tests import make

pytestmark = pytest.mark.django_db

VOICE, BACKGROUND = Upload.Role.VOICE, Upload.Role.BACKGROUND


@pytest.fixture
def person() -> User:
    return make.professional(credits=100)


@pytest.fixture
def draft(person: User) -> Draft:
    return drafts.begin_draft(person)


def issued(draft: Draft, **other: Any) -> Sending:
    file: dict[str, Any] = {"role": VOICE, "name": "talk.mp4", "size": 1000, "modified": 5}
    file |= {"content_type": ""}
    return drafts.issue_file(draft, **(file | other))


def filled(draft: Draft, *, seconds: float = 61.0, role: Upload.Role = VOICE) -> Upload:
    """Put a file into the draft that came in and was looked into."""
    upload = make.upload(draft.user, seconds=seconds, role=role)
    upload.for_job = draft.public_id
    upload.save()
    return upload


def chosen(draft: Draft, *languages: str, **others: Any) -> None:
    drafts.save_choices(draft, Choices(languages=languages, **others))


def estimate(draft: Draft, **others: Any) -> Estimate:
    return estimate_draft(draft, engines=test_engines.engines, **others)


def launch(draft: Draft) -> DubbingJob:
    return drafts.launch_draft(draft, engines=test_engines.engines)


def test_the_same_file_again_goes_on_where_it_broke_off(draft: Draft) -> None:
    first = issued(draft)

    again = issued(draft)

    assert (again.upload, again.url) == (first.upload, first.url)


@pytest.mark.parametrize(
    "other", [{"name": "other.mp4"}, {"size": 1001}, {"modified": 6}, {"content_type": "video/mp4"}]
)
def test_another_file_takes_the_place_of_the_first(draft: Draft, other: dict[str, Any]) -> None:
    first = issued(draft).upload

    second = issued(draft, **other).upload

    assert drafts.files_of(draft) == {VOICE: second}
    first.refresh_from_db()
    assert first.expires_at <= timezone.now()


def test_a_file_may_be_begun_anew_when_its_time_to_begin_is_over(draft: Draft) -> None:
    upload = issued(draft).upload
    Upload.objects.update(start_by=timezone.now() - timedelta(minutes=1))

    issued(draft)

    upload.refresh_from_db()
    assert upload.start_by is not None
    assert upload.start_by > timezone.now()


def test_what_was_chosen_is_there_again(draft: Draft) -> None:
    choices = Choices(
        languages=("es", "ja"),
        variants={"es": "es-MX"},
        voices={"es": "hum"},
        source_language="en",
        tone="formal",
        title="My talk",
        glossary=(("Dubber", ""), ("city", "ciudad")),
        review=True,
    )

    drafts.save_choices(draft, choices)

    stored = drafts.find_draft(draft.user, draft.public_id)
    assert Choices.from_json(stored.choices) == choices


def test_choices_become_the_options_of_the_job() -> None:
    choices = Choices(
        languages=("es",),
        variants={"es": "es-MX", "fr": "fr-CA"},
        voices={"es": "hum"},
        glossary=(("Dubber", ""), ("", "")),
        tone="informal",
        same_loudness=True,
        mute_original=True,
    )

    assert choices.options() == {
        "variants": {"es": "es-MX"},
        "voices": {"es": {"0": "hum"}},
        "glossary": [{"source": "Dubber", "target": None}],
        "tone": "informal",
        "loudness": "source",
        "keep_original_db": None,
    }


def test_nothing_chosen_is_no_option() -> None:
    assert Choices(languages=("es",)).options() == {}


def test_the_quote_is_that_of_the_job(draft: Draft) -> None:
    filled(draft)
    chosen(draft, "es", "ja", voices={"es": "grand-hum"})

    quote = estimate(draft).quote

    assert quote is not None
    assert [price.credits for price in quote.prices] == [13, 8]
    launch(draft)
    assert balance_of(draft.user) == 100 - quote.credits


def test_every_language_has_its_price_before_one_is_chosen(draft: Draft) -> None:
    filled(draft, seconds=10)

    prices = {one.offer.code: one.credits for one in estimate(draft).languages}

    assert (prices["es"], prices["ja"], prices["hi"]) == (1, 2, 2)


def test_what_is_missing_is_told_with_the_pack_that_brings_it(
    draft: Draft, settings: Settings
) -> None:
    settings.STRIPE_SECRET_KEY = "sk_test_tests"
    filled(draft, seconds=620)
    chosen(draft, "es", "fr")

    shown = estimate(draft)

    assert shown.pack is not None
    assert (shown.missing, shown.after, shown.pack.credits) == (24, -24, 50)
    assert not shown.ready


def test_no_pack_is_named_where_nothing_is_sold(draft: Draft, settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = ""
    grant_starter(draft.user)
    filled(draft, seconds=620)
    chosen(draft, "es", "fr")

    assert estimate(draft).pack is None


def test_the_free_pack_is_named_to_who_has_not_had_it(settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = "sk_test_tests"
    draft = drafts.begin_draft(make.user())
    filled(draft)
    chosen(draft, "es")
    before = estimate(draft).pack

    grant_starter(draft.user)
    ledger.charge(draft.user, credits=20, reference="spent", description="Spent")

    after = estimate(draft).pack
    assert before is not None
    assert after is not None
    assert (before.name, after.name) == ("Starter", "Creator")


@pytest.mark.parametrize(
    ("choices", "place"),
    [
        (Choices(languages=("es",), source_language="es"), "languages"),
        (Choices(languages=("es",), variants={"es": "fr-CA"}), "languages"),
        (Choices(languages=("es",), voices={"es": "nobody"}), "languages"),
        (Choices(languages=("es",), glossary=(("", "ciudad"),)), "glossary"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(draft: Draft, choices: Choices, place: str) -> None:
    filled(draft)
    drafts.save_choices(draft, choices)

    shown = estimate(draft)

    assert list(shown.wrong) == [place]
    assert shown.quote is None


def test_a_background_of_another_length_is_told_before_anything_is_chosen(draft: Draft) -> None:
    filled(draft)
    filled(draft, seconds=70, role=BACKGROUND)

    assert "differ by more than one second" in estimate(draft).wrong["background"]


def test_captions_need_a_language_and_say_so_beside_it(draft: Draft) -> None:
    filled(draft)
    chosen(draft, "es")
    text = "1\n00:00:01,000 --> 00:00:02,000\nGood morning\n"
    drafts.save_captions(draft, name="talk.srt", text=text)

    assert list(estimate(draft).wrong) == ["source_language"]


def test_what_is_no_captions_is_refused_and_not_kept(draft: Draft) -> None:
    with pytest.raises(UserError):
        drafts.save_captions(draft, name="talk.srt", text="00:00 --> never")

    assert draft.captions == ""


def test_a_launch_makes_the_job_and_ends_the_draft(draft: Draft) -> None:
    voice = filled(draft)
    background = filled(draft, role=BACKGROUND)
    chosen(draft, "es", title="My talk", review=True)

    job = launch(draft)

    assert (job.public_id, job.title) == (draft.public_id, "My talk")
    assert (job.voice, job.background) == (voice, background)
    assert job.options["review"] is True
    assert not Draft.objects.exists()


def test_launching_twice_is_one_job_and_charged_once(draft: Draft) -> None:
    filled(draft)
    chosen(draft, "es")

    first, second = launch(draft), launch(draft)

    assert first == second
    assert balance_of(draft.user) == 93


def test_a_refused_launch_keeps_everything(draft: Draft) -> None:
    filled(draft, seconds=6000)
    chosen(draft, "es")

    with pytest.raises(UserError) as refused:
        launch(draft)

    assert refused.value.code == "insufficient_credits"
    assert drafts.find_draft(draft.user, draft.public_id).choices["languages"] == ["es"]
    assert set(drafts.files_of(draft)) == {VOICE}


def test_a_launch_without_anything_says_what_is_missing(draft: Draft) -> None:
    with pytest.raises(UserError) as refused:
        launch(draft)

    assert list(estimate(draft, launching=True, refused=refused.value).wrong) == [
        "voice",
        "languages",
    ]


def test_a_draft_is_found_by_its_owner_only(draft: Draft) -> None:
    with pytest.raises(NotFound):
        drafts.find_draft(make.user(), draft.public_id)


def test_a_draft_that_nobody_touches_goes_after_a_day(draft: Draft) -> None:
    Draft.objects.update(expires_at=timezone.now())

    retention.tidy()

    assert not Draft.objects.exists()
    assert drafts.latest_draft(draft.user) is None


def test_a_draft_that_is_thrown_away_takes_its_files_along(draft: Draft) -> None:
    filled(draft)

    drafts.drop_draft(draft)

    assert retention.purge().uploads == 1
    assert not Draft.objects.exists()


def test_drafts_go_with_the_account(draft: Draft) -> None:
    filled(draft)

    deletion.delete_account(draft.user, token=deletion.prepare_deletion(draft.user).token)

    assert not Draft.objects.exists()
    assert Upload.objects.get().gone_at is not None
