"""Jobs for staff: everything can be read, three things can be done, all through services."""

from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.confirmations import Reason, confirmed
from jobs import margin_pages, wiring
from jobs.margins import dollars, margin_of
from jobs.models import (
    Artifact,
    DubbingJob,
    GlossaryEntry,
    JobEvent,
    LanguageTask,
    Step,
    VendorCall,
    VendorHealth,
    VendorPlace,
)
from jobs.services import cancel_job, refund_language, retry_language

if TYPE_CHECKING:
    from accounts.models import User


class Reading:
    """Rows that staff may read and nobody may add, change or delete here."""

    def has_add_permission(self, *_arguments: Any) -> bool:
        """Say no."""
        return False

    def has_change_permission(self, *_arguments: Any) -> bool:
        """Say no."""
        return False

    def has_delete_permission(self, *_arguments: Any) -> bool:
        """Say no."""
        return False

    def has_manage_permission(self, request: HttpRequest) -> bool:
        """Whether this member of staff may cancel and retry."""
        return cast("User", request.user).has_perm("jobs.change_dubbingjob")


class LanguageInline(Reading, admin.TabularInline[LanguageTask, DubbingJob]):
    """The languages of a job."""

    model = LanguageTask
    extra = 0
    show_change_link = True
    fields = ("language", "stage", "credits", "refunded", "error_code", "error", "finished_at")


class StepInline(Reading, admin.TabularInline[Step, DubbingJob]):
    """The steps of a job."""

    model = Step
    extra = 0
    fields = ("kind", "task", "status", "reason", "attempt", "errors", "deaths", "error_code")


class EventInline(Reading, admin.TabularInline[JobEvent, DubbingJob]):
    """What happened to a job."""

    model = JobEvent
    extra = 0
    fields = ("at", "kind", "task", "step", "details")


class VendorCallInline(Reading, admin.TabularInline[VendorCall, DubbingJob]):
    """What vendors were paid for a job."""

    model = VendorCall
    extra = 0
    fields = ("at", "step", "vendor", "model", "units", "unit", "cost", "took_ms", "request_id")
    readonly_fields = ("cost",)

    @admin.display(description=gettext_lazy("cost"))
    def cost(self, call: VendorCall) -> str:
        """In dollars."""
        return dollars(call.cost_microdollars)


@admin.register(DubbingJob)
class DubbingJobAdmin(Reading, admin.ModelAdmin[DubbingJob]):
    """Jobs, and the way to cancel them."""

    list_display = ("public_id", "user", "title", "status", "duration_ms", "created_at")
    list_filter = ("status", "created_at")
    list_select_related = ("user",)
    search_fields = ("public_id", "title", "user__email")
    inlines = (LanguageInline, StepInline, EventInline, VendorCallInline)
    readonly_fields = ("vendors_cost", "customer_paid", "margin")
    actions = ("cancel",)
    change_list_template = "admin/jobs/jobs.html"

    def get_urls(self) -> list[URLPattern]:
        """Add the pages of margins."""
        of_staff = self.admin_site.admin_view
        return [
            path("margins", of_staff(margin_pages.page), name="jobs_margins"),
            path("margins.csv", of_staff(margin_pages.table), name="jobs_margins_table"),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """List the jobs, with a link to their margins for whoever may see them."""
        return super().changelist_view(request, {"may_see": margin_pages.may_see(request)})

    @admin.display(description=gettext_lazy("vendors' cost"))
    def vendors_cost(self, job: DubbingJob) -> str:
        """What vendors took for it, in dollars."""
        return dollars(margin_of(job).vendors)

    @admin.display(description=gettext_lazy("customer paid"))
    def customer_paid(self, job: DubbingJob) -> str:
        """What was paid for the credits that were kept, in dollars."""
        return dollars(margin_of(job).paid)

    @admin.display(description=gettext_lazy("margin"))
    def margin(self, job: DubbingJob) -> str:
        """What is left, in dollars."""
        return dollars(margin_of(job).left)

    @admin.action(
        description=gettext_lazy("Cancel, and give the credits back"), permissions=["manage"]
    )
    def cancel(self, request: HttpRequest, jobs: QuerySet[DubbingJob]) -> HttpResponse | None:
        """Cancel the chosen jobs."""
        staff = cast("User", request.user)
        return confirmed(
            self,
            request,
            jobs,
            action="cancel",
            question=_("Cancel these jobs, and give back the credits of what isn't finished?"),
            work=lambda job, _: cancel_job(job, by=staff),
        )


@admin.register(LanguageTask)
class LanguageTaskAdmin(Reading, admin.ModelAdmin[LanguageTask]):
    """Languages of jobs, and the way to try failed ones again."""

    list_display = ("job", "language", "stage", "credits", "refunded", "error_code", "updated_at")
    list_filter = ("stage", "language", "error_code")
    list_select_related = ("job",)
    search_fields = ("job__public_id", "job__user__email")
    actions = ("retry", "refund")

    @admin.action(
        description=gettext_lazy("Try failed ones again, for nothing"), permissions=["manage"]
    )
    def retry(self, request: HttpRequest, tasks: QuerySet[LanguageTask]) -> HttpResponse | None:
        """Make the chosen languages again as a present."""
        staff = cast("User", request.user)
        return confirmed(
            self,
            request,
            tasks.select_related("job"),
            action="retry",
            question=_("Try these languages again? Their owners pay nothing for it."),
            work=lambda task, _: retry_language(
                task.job, language=task.language, by=staff, free=True
            ),
        )

    @admin.action(description=gettext_lazy("Give the credits back"), permissions=["manage"])
    def refund(self, request: HttpRequest, tasks: QuerySet[LanguageTask]) -> HttpResponse | None:
        """Give back what the chosen languages cost, delivered or not."""
        staff = cast("User", request.user)
        return confirmed(
            self,
            request,
            tasks.select_related("job"),
            action="refund",
            question=_("Give back what these languages cost? Their files stay."),
            form=Reason,
            work=lambda task, told: refund_language(
                task.job, language=task.language, reason=told["reason"], by=staff
            ),
        )


@admin.register(Step)
class StepAdmin(Reading, admin.ModelAdmin[Step]):
    """Steps of jobs."""

    list_display = ("job", "task", "kind", "status", "reason", "attempt", "deaths", "updated_at")
    list_filter = ("status", "kind", "reason")
    list_select_related = ("job", "task")
    search_fields = ("job__public_id",)


@admin.register(JobEvent)
class JobEventAdmin(Reading, admin.ModelAdmin[JobEvent]):
    """What happened, newest first."""

    list_display = ("at", "job", "task", "kind", "details")
    list_filter = ("kind", "at")
    list_select_related = ("job", "task")
    search_fields = ("job__public_id",)
    ordering = ("-id",)


@admin.register(Artifact)
class ArtifactAdmin(Reading, admin.ModelAdmin[Artifact]):
    """Files that steps made."""

    list_display = ("name", "job", "task", "kind", "bytes", "working", "current", "made_at")
    list_filter = ("kind", "working", "current")
    list_select_related = ("job", "task")
    search_fields = ("job__public_id",)


@admin.register(VendorCall)
class VendorCallAdmin(Reading, admin.ModelAdmin[VendorCall]):
    """Calls to vendors, and what they cost."""

    list_display = ("at", "job", "vendor", "model", "units", "unit", "cost_microdollars", "took_ms")
    list_filter = ("vendor", "model")
    list_select_related = ("job",)
    search_fields = ("job__public_id", "request_id")
    ordering = ("-id",)


@admin.register(VendorHealth)
class VendorHealthAdmin(Reading, admin.ModelAdmin[VendorHealth]):
    """How calls to vendors went lately, what vendors have ended, and what they cost."""

    list_display = ("vendor", "failures", "shut_until", "trial_until", "spare")
    change_list_template = "admin/jobs/vendors.html"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Say what was withdrawn and what calls are recorded at, then list."""
        for engine in wiring.withdrawn():
            told = _("%(name)s %(model)s ended on %(day)s, so nothing goes there any more.")
            told = told % {"name": engine.name, "model": engine.model, "day": engine.ends}
            messages.warning(request, told)
        prices = [
            (name, *wiring.in_dollars(price), price) for name, price in wiring.vendor_prices()
        ]
        return super().changelist_view(request, {**(extra_context or {}), "prices": prices})


@admin.register(GlossaryEntry)
class GlossaryEntryAdmin(admin.ModelAdmin[GlossaryEntry]):
    """Words that people want said in a certain way; jobs that were ordered keep what they had."""

    list_display = ("source", "target", "language", "user")
    list_filter = ("language",)
    list_select_related = ("user",)
    search_fields = ("source", "target", "user__email")
    raw_id_fields = ("user",)


@admin.register(VendorPlace)
class VendorPlaceAdmin(Reading, admin.ModelAdmin[VendorPlace]):
    """Calls that run at vendors now."""

    list_display = ("vendor", "kind", "number", "holder", "lease_until")
    list_filter = ("vendor", "kind")
