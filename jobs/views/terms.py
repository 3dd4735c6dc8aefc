"""The glossary beside the editor: words that are said in a certain way, and the lines with them."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from jobs import terms
from jobs.glossary import glossary_of
from jobs.models import LanguageTask
from jobs.models.glossary import LONGEST_TERM
from jobs.views.acting import done, user_of


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def glossary(request: HttpRequest, public_id: str, code: str) -> HttpResponse:
    """Show the terms of a dub and of its owner, and the lines that have one; change them."""
    tasks = LanguageTask.objects.select_related("job__user")
    task = get_object_or_404(
        tasks, job__user=user_of(request), job__public_id=public_id, language=code
    )
    if task.job.files_expired:
        return redirect("job", public_id)
    if request.method == "POST":
        return _changed(request, task)
    term = request.GET.get("term", "")[:LONGEST_TERM]
    own = [one for one in glossary_of(task.job.user) if one["language"] in {None, task.language}]
    page = {
        "job": task.job,
        "task": task,
        "lists": [(False, terms.terms_of(task)), (True, own)],
        "term": term,
        "found": terms.lines_with(task, term) if term else (),
        "longest": LONGEST_TERM,
    }
    return render(request, "jobs/glossary.html", page)


def _changed(request: HttpRequest, task: LanguageTask) -> HttpResponse:
    """Do what is asked for, and show the lines that have the term."""
    source, act = request.POST.get("source", "").strip(), request.POST.get("act")
    always = request.POST.get("always") == "on"
    here = [task.job.public_id, task.language]
    if act == "remove":
        done(request, lambda: terms.remove_term(task, source=source, always=always))
    elif act == "anew":
        if done(request, lambda: messages.success(request, _anew(task, source))):
            return redirect("edit_language", task.job.public_id, task.language)
    else:
        target = request.POST.get("target", "")
        if done(
            request,
            lambda: terms.add_term(task, source=source, target=target, always=always),
        ):
            kept = _("Saved. It applies to lines translated from now on.")
            messages.success(request, kept)
            return redirect(reverse("glossary", args=here, query={"term": source}))
    return redirect("glossary", *here)


def _anew(task: LanguageTask, source: str) -> str:
    count = terms.translate_anew(task, source=source)
    told = ngettext(
        "%(count)d line will be translated anew when you update the dub.",
        "%(count)d lines will be translated anew when you update the dub.",
        count,
    )
    return told % {"count": count}
