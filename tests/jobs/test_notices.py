from collections.abc import Iterator
from datetime import timedelta
from email.message import Message

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.db.models import F
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts import services as accounts
from accounts.models import User
from jobs import notices, outcomes
from jobs.models import DubbingJob
from jobs.pipeline.errors import PipelineError
from jobs.services import add_languages, cancel_job, retry_job
from tests import make
from tests.engines import engines
from tests.peers.smtp import MailPeer

pytestmark = pytest.mark.django_db


@pytest.fixture
def person() -> User:
    return make.professional()


@pytest.fixture
def mail_server(settings: Settings) -> Iterator[MailPeer]:
    """Send what is sent to a server that refuses some mailboxes."""
    with MailPeer() as peer:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", peer.port
        yield peer


def ended(
    person: User, *, failing: bool = False, languages: tuple[str, ...] = ("es",)
) -> DubbingJob:
    """A job that is done, but for its last language where `failing`."""
    job = make.job(person, languages=languages, title="My talk")
    finish(failing=failing, languages=len(languages))
    job.refresh_from_db()
    return job


def finish(*, failing: bool, languages: int) -> None:
    make.done(2)
    make.done(4 * languages - (1 if failing else 0))
    if failing:
        outcomes.fail(make.claim(), PipelineError("ENGINE_REFUSED", engine="test"))


def headers(message: EmailMessage) -> Message:
    return message.message()


def off_path(message: EmailMessage) -> str:
    link: str = headers(message)["List-Unsubscribe"].strip("<>")
    return link.removeprefix("http://localhost:8000")


def test_a_dub_that_is_done_is_told_once(person: User) -> None:
    job = ended(person)

    told = [notices.send_due(), notices.send_due()]

    assert told == [1, 0]
    [message] = mail.outbox
    assert message.to == [person.email]
    assert message.subject == "“My talk” is ready in Spanish"
    assert f"http://localhost:8000/jobs/{job.public_id}\n" in message.body
    assert "The files are kept until" in message.body


def test_nothing_is_told_before_the_last_language_ended(person: User) -> None:
    make.job(person, languages=["es", "fr"])
    make.done(6)

    assert notices.send_due() == 0


def test_what_failed_is_told_with_what_came_back(person: User) -> None:
    ended(person, failing=True, languages=("es", "fr"))

    notices.send_due()

    [message] = mail.outbox
    assert message.subject.startswith("“My talk”: Done, except ")
    assert "Not made: " in message.body
    assert "The test engine refused this text or sound. 7 credits were returned." in message.body


def test_a_dub_of_which_nothing_came_is_told_as_such(person: User) -> None:
    ended(person, failing=True)

    notices.send_due()

    [message] = mail.outbox
    assert message.subject == "“My talk” could not be dubbed"
    assert "how to try again" in message.body


def test_a_dub_that_was_cancelled_is_not_told(person: User) -> None:
    cancel_job(make.job(person), by=person)

    assert notices.send_due() == 0


def test_a_dub_that_is_tried_again_is_told_again(person: User) -> None:
    job = ended(person, failing=True)
    notices.send_due()

    retry_job(job, by=person)
    make.done()

    assert notices.send_due() == 1
    assert mail.outbox[1].subject == "“My talk” is ready in Spanish"


def test_more_languages_are_told_when_they_are_done(person: User) -> None:
    job = ended(person)
    notices.send_due()

    add_languages(job, languages=["fr"], engines=engines)
    make.done(4)

    assert notices.send_due() == 1


def test_two_workers_tell_an_ending_once(person: User) -> None:
    ended(person)
    job = notices._due()[0]

    first, second = notices._claim(job), notices._claim(job)

    assert first is not None
    assert second is None


def test_a_mail_that_its_worker_did_not_live_to_send_is_sent_after_the_lease(person: User) -> None:
    ended(person)
    dead = notices._due()[0]
    notices._claim(dead)

    while_leased = notices.send_due()
    DubbingJob.objects.update(telling_until=timezone.now() - timedelta(seconds=1))
    afterwards = [notices.send_due(), notices.send_due()]

    assert (while_leased, afterwards) == (0, [1, 0])
    assert len(mail.outbox) == 1


def test_an_ending_told_while_the_dub_goes_on_again_leaves_the_next_one_to_tell(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = ended(person, failing=True)
    send = EmailMessage.send

    def send_late(message: EmailMessage) -> int:
        monkeypatch.setattr(EmailMessage, "send", send)
        retry_job(job, by=person)
        make.done()
        return send(message)

    monkeypatch.setattr(EmailMessage, "send", send_late)

    assert [notices.send_due(), notices.send_due(), notices.send_due()] == [1, 1, 0]
    assert mail.outbox[1].subject == "“My talk” is ready in Spanish"


def test_what_cant_be_sent_now_is_sent_later(person: User, settings: Settings) -> None:
    ended(person)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    failed = notices.send_due()

    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"

    assert (failed, notices.send_due()) == (0, 1)


@pytest.mark.parametrize("answer", ["550 No such mailbox", "450 Come again later"])
def test_a_mailbox_that_is_refused_keeps_no_other_from_being_told(
    person: User, mail_server: MailPeer, answer: str
) -> None:
    ended(make.user("nobody@example.com", credits=50))
    ended(person)
    mail_server.refused = {"nobody@example.com": answer}

    told = [notices.send_due(), notices.send_due()]

    assert told == [1, 0]
    assert mail_server.taken == [person.email]


def test_a_mailbox_that_was_refused_for_now_is_tried_again_after_the_lease(
    person: User, mail_server: MailPeer
) -> None:
    ended(person)
    mail_server.refused = {person.email: "450 Come again later"}
    notices.send_due()
    mail_server.refused = {}
    DubbingJob.objects.update(telling_until=F("telling_until") - notices.LEASE)

    assert notices.send_due() == 1


def test_a_mailbox_that_is_none_is_never_tried_again(person: User, mail_server: MailPeer) -> None:
    job = ended(person)
    mail_server.refused = {person.email: "550 No such mailbox"}
    notices.send_due()

    job.refresh_from_db()

    assert (job.told_at is None, job.telling_until) == (False, None)


def test_what_ended_long_ago_is_not_told_any_more(person: User) -> None:
    ended(person)
    DubbingJob.objects.update(finished_at=timezone.now() - timedelta(days=2))

    assert notices.send_due() == 0


def test_who_wants_no_mail_gets_none(person: User) -> None:
    accounts.change_mail(person, when_done=False)
    ended(person)

    assert notices.send_due() == 0


def test_what_was_said_is_never_in_the_mail(person: User) -> None:
    job = ended(person)
    job.segments.create(index=0, start_ms=0, end_ms=900, speaker=0, text="A secret")

    notices.send_due()

    assert "secret" not in mail.outbox[0].body


def test_one_click_of_a_mail_program_ends_the_mails(person: User) -> None:
    ended(person)
    notices.send_due()
    [message] = mail.outbox
    program = Client(enforce_csrf_checks=True)

    looked = program.get(off_path(message))
    person.refresh_from_db()
    after_looking = person.mail_when_done
    program.post(off_path(message), {"List-Unsubscribe": "One-Click"})

    person.refresh_from_db()
    assert headers(message)["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert (looked.status_code, after_looking, person.mail_when_done) == (200, True, False)
    assert off_path(message) in message.body


def test_a_forged_link_ends_nobodys_mails(client: Client) -> None:
    assert client.post("/mail/off/forged").status_code == 404


def test_mails_are_switched_on_the_page_of_the_account(client: Client, person: User) -> None:
    client.force_login(person)

    client.post("/account/profile", {"timezone": "UTC"})
    person.refresh_from_db()
    off = person.mail_when_done
    client.post("/account/profile", {"timezone": "UTC", "mail_when_done": "on"})

    person.refresh_from_db()
    assert (off, person.mail_when_done) == (False, True)
