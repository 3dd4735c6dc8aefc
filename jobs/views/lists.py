"""The lists of a person's dubs and of their files."""

from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from jobs.forms import ListForm
from jobs.lists import is_there, list_files, list_jobs
from jobs.queries import view_of
from jobs.views.acting import user_of

ON_A_PAGE = 20


@require_safe
@login_required
def job_list(request: HttpRequest) -> HttpResponse:
    """List a person's dubs: of some status, by title, in some order."""
    form = ListForm(request.GET)
    asked = {name: form.asked(name) for name in ("status", "search", "sort")}
    page = Paginator(list_jobs(user_of(request), **asked), ON_A_PAGE).get_page(
        request.GET.get("page")
    )
    chosen = {name: value for name, value in asked.items() if value}
    context = {
        "form": form,
        "asked": asked,
        "page": page,
        "dubs": [view_of(job) for job in page],
        "narrowed": "status" in chosen or "search" in chosen,
        "query": f"{urlencode(chosen)}&" if chosen else "",
    }
    return render(request, "jobs/list.html", context)


@require_safe
@login_required
def downloads(request: HttpRequest) -> HttpResponse:
    """List what a person can download, and has."""
    files = list_files(user_of(request))
    page = Paginator(files, ON_A_PAGE).get_page(request.GET.get("page"))
    rows = [(file, is_there(file)) for file in page]
    return render(request, "jobs/downloads.html", {"page": page, "rows": rows, "query": ""})
