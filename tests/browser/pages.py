"""Every page of the site in one table, with what there must be for it to be shown.

tests/browser/test_every_page.py opens each of them in both themes and both widths. A new page is
one line in PAGES.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from time import time
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.test import Client, RequestFactory
from django.utils import timezone

from accounts import links
from accounts.links import Purpose
from accounts.models import User
from billing import ledger
from billing.models import Purchase
from dubber import beats
from dubber.error_pages import ErrorPages
from dubber.errors import Conflict
from dubber.rate_limits import Spent, TooMany
from jobs import drafts, outcomes
from jobs.choices import Choices
from jobs.links import link_of
from jobs.models import Artifact, DubbingJob, VendorHealth
from jobs.pipeline.errors import PipelineError
from tests import make
from tests.browser.dubs import Shelf

BROWSER = {"accept": "text/html"}
Where = str | Callable[["World"], str]


@dataclass
class World:
    """What there is: a person with dubs of every kind, one who is new, and one not verified."""

    owner: User
    newcomer: User
    unverified: User
    purchase: UUID
    jobs: Mapping[str, DubbingJob] = field(default_factory=dict)

    def dub(self, name: str, rest: str = "") -> str:
        """The address of a dub's page."""
        return f"/jobs/{self.jobs[name].public_id}{rest}"


@dataclass(frozen=True, slots=True)
class PageOf:
    """One page: what its picture is called, where it is, and who looks (a name in World, or "")."""

    name: str
    where: Where
    who: str = ""


def dub(name: str, rest: str = "") -> Where:
    """Where the page of a dub is."""
    return lambda world: world.dub(name, rest)


def token(purpose: Purpose, who: str, path: str) -> Where:
    """Where a link out of an e-mail leads to."""
    return lambda world: f"/{path}/{links.make_token(getattr(world, who), purpose)}"


def mail_off(who: str) -> Where:
    """Where the link leads to that ends e-mails about dubs."""
    return lambda world: f"/mail/off/{links.make_mail_token(getattr(world, who))}"


def prepared(who: str) -> Where:
    """The page of a dub that was prepared: a voice track, and everything chosen."""

    def begin(world: World) -> str:
        user: User = getattr(world, who)
        draft = drafts.begin_draft(user)
        upload = make.upload(user, seconds=172)
        upload.for_job = draft.public_id
        upload.save()
        everything = Choices(languages=("es",), title="A walk", glossary=(("Dubber", ""),))
        drafts.save_choices(draft, everything)
        return f"/jobs/new/{draft.public_id}"

    return begin


PAGES: Mapping[str, tuple[PageOf, ...]] = {
    "public": (
        PageOf("home", "/"),
        PageOf("how-it-works", "/how-it-works"),
        PageOf("pricing", "/pricing?minutes=12.5&languages=es&languages=ja&languages=hi"),
        PageOf("pricing-wrong", "/pricing?minutes=&languages=es"),
        PageOf("languages", "/languages"),
        PageOf("help", "/help"),
        PageOf("contact", "/contact"),
        PageOf("status", "/status"),
        PageOf("terms", "/terms"),
        PageOf("privacy", "/privacy"),
        PageOf("cookies", "/cookies"),
    ),
    "account": (
        PageOf("login", "/login"),
        PageOf("sign-up", "/sign-up"),
        PageOf("password-reset", "/password-reset"),
        PageOf("choose-password", token(Purpose.RESET, "owner", "password-reset")),
        PageOf("verify-email", "/verify-email", "unverified"),
        PageOf("verify-email-link", token(Purpose.VERIFY, "unverified", "verify-email")),
        PageOf("account", "/account", "owner"),
        PageOf("account-new", "/account", "newcomer"),
        PageOf("mail-off", mail_off("owner")),
        PageOf("change-password", "/account/password", "owner"),
        PageOf("delete-account", "/account/delete", "owner"),
        PageOf("billing", "/billing", "owner"),
        PageOf("billing-new", "/billing", "newcomer"),
        PageOf("purchase", lambda world: f"/billing/purchases/{world.purchase}", "owner"),
    ),
    "dubs": (
        PageOf("home-signed-in", "/", "owner"),
        PageOf("dubs", "/jobs", "owner"),
        PageOf("dubs-none", "/jobs", "newcomer"),
        PageOf("new-dub", "/jobs/new", "owner"),
        PageOf("new-dub-prepared", prepared("owner"), "owner"),
        PageOf("new-dub-unaffordable", prepared("newcomer"), "newcomer"),
        PageOf("dubs-nothing-found", "/jobs?search=unheard+of", "owner"),
        PageOf("downloads", "/downloads", "owner"),
        PageOf("downloads-none", "/downloads", "newcomer"),
        PageOf("dub-ready", dub("ready"), "owner"),
        PageOf("dub-running", dub("running"), "owner"),
        PageOf("dub-waiting", dub("waiting"), "owner"),
        PageOf("dub-waiting-for-a-vendor", dub("held-up"), "owner"),
        PageOf("dub-to-review", dub("to-review"), "owner"),
        PageOf("dub-failed", dub("failed"), "owner"),
        PageOf("dub-expired", dub("expired"), "owner"),
        PageOf("cancel", dub("waiting", "/cancel"), "owner"),
        PageOf("start", dub("to-review", "/start"), "owner"),
        PageOf("delete", dub("ready", "/delete"), "owner"),
        PageOf("add-languages", dub("ready", "/languages"), "owner"),
        PageOf("retry", dub("failed", "/languages/es/retry"), "owner"),
    ),
    "editor": (
        PageOf("edit-lines", dub("ready", "/edit/es"), "owner"),
        PageOf("edit-transcript", dub("ready", "/transcript"), "owner"),
        PageOf("glossary", dub("ready", "/edit/es/glossary?term=bridge"), "owner"),
        PageOf("replace", dub("ready", "/edit/es/replace?find=Ol%C3%A9&replacement=Ea"), "owner"),
        PageOf("changes", dub("ready", "/changes"), "owner"),
    ),
}
"""Every page, in the groups in which tests open them."""


ERRORS: Mapping[str, Callable[["World"], HttpResponse]] = {
    "400": lambda _: plain("400.html"),
    "403": lambda _: plain("403.html"),
    "403-form": lambda _: plain("403_csrf.html"),
    "404": lambda _: answer_to(Client(), "/nowhere"),
    "404-signed-in": lambda world: answer_to(signed_in(world), "/jobs/job_nothing12345"),
    "409": lambda _: refused(Conflict()),
    "410": lambda _: answer_to(Client(), _used_link()),
    "413": lambda _: refused(RequestDataTooBig()),
    "429": lambda _: refused(TooMany(Spent(most=5, hits=6, ends=int(time()) + 42))),
    "500": lambda _: plain("500.html"),
    "503": lambda _: refused(OperationalError()),
}
"""Pages of errors, as they are outside of development, where Django shows pages of its own."""


def plain(template: str) -> HttpResponse:
    """A page that Django shows by itself."""
    return render(_request(), template)


def refused(error: Exception) -> HttpResponse:
    """The page for what a view raised."""
    response = ErrorPages(lambda _: HttpResponse()).process_exception(_request(), error)
    assert response is not None
    return response


def answer_to(client: Client, path: str) -> HttpResponse:
    """What a browser gets there."""
    response = client.get(path, headers=BROWSER)
    return HttpResponse(response.content, status=response.status_code)


def signed_in(world: World) -> Client:
    """The owner's browser."""
    client = Client()
    make.sign_in(client, world.owner)
    return client


def build(shelf: Shelf, owner: User) -> World:
    """Make what the pages show, through the services."""
    beats.beat("a worker")
    VendorHealth.objects.create(vendor="deepgram")
    VendorHealth.objects.create(vendor="openai", shut_until=timezone.now() + timedelta(hours=1))
    begun = Purchase.objects.create(
        user=owner, plan="creator", credits=50, amount_cents=2900, currency="usd"
    )
    world = World(
        owner, make.user("new@example.com"), make.user("unverified@example.com"), begun.pk
    )
    User.objects.filter(pk=world.unverified.pk).update(email_verified_at=None)
    world.unverified.refresh_from_db()
    ledger.grant(owner, credits=12, reference="thanks", reason="For your patience", by=None)
    ready = shelf.dub(owner)
    failed = make.job(owner, languages=["es"], title="Interview with the mayor")
    outcomes.fail(make.claim(), PipelineError("NO_AUDIO"))
    expired = make.job(owner, languages=["de"], title="Last year’s talk")
    outcomes.fail(make.claim(), PipelineError("NO_SPEECH"))
    DubbingJob.objects.filter(pk=expired.pk).update(files_gone_at=timezone.now())
    to_review = make.job(
        owner, languages=["es"], title="Notes on a garden", options={"review": True}
    )
    make.done(2)
    held_up = make.job(owner, languages=["es", "fr"], title="The ferry at night")
    make.done(2)
    outcomes.put_off(make.claim(), PipelineError("VENDOR_BUSY", engine="Deepgram"))
    outcomes.put_off(make.claim(), PipelineError("VENDOR_ACCOUNT", engine="OpenAI"))
    running = make.job(owner, languages=["es", "fr", "ja"], title="How bread is made")
    make.done(2)
    make.claim()
    waiting = make.job(owner, languages=["es", "hi"], seconds=754, title="A walk in the mountains")
    world.jobs = {
        **{"ready": ready, "failed": failed, "running": running},
        **{"expired": expired, "waiting": waiting},
        **{"to-review": to_review, "held-up": held_up},
    }
    return world


def _request() -> HttpRequest:
    request = RequestFactory(headers=BROWSER).get("/jobs")
    request.user = AnonymousUser()
    request.request_id = uuid4().hex  # type: ignore[attr-defined]
    return request


def _used_link() -> str:
    file = Artifact.objects.filter(kind="full_mp3").order_by("pk")[0]
    path = urlsplit(link_of(file)).path
    Artifact.objects.filter(pk=file.pk).update(link=file.link + 1)
    return path
