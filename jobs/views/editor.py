"""The editor: what was heard, what is said, and making anew what changed.

A line is saved by itself, as soon as its writer pauses: with JavaScript the answer is JSON, without
it the page again. A line that somebody else changed meanwhile is never overwritten: its writer
gets both wordings.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing.queries import balance_of
from dubber.errors import UserError
from jobs import editing, editor, links, previews, replacing, shortenings
from jobs.editing import Change
from jobs.models import DubbingJob, LanguageTask
from jobs.own_captions import bring_captions
from jobs.views.acting import done, user_of

MOST_CAPTION_BYTES = 2_000_000
CHOICES = ("speaker", "way", "voice")
"""What is chosen at a line beside its words."""
ORIGINAL, SILENT = "original", "silent"
"""What a line may be instead of spoken: as it was in the recording, or nothing."""


@require_safe
@login_required
def transcript(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show what was heard, to be corrected."""
    job = _job(request, public_id)
    if job.files_expired:
        return redirect("job", public_id)
    page = {
        "job": job,
        "part": editor.transcript_page(job, start=_start(request)),
        "costs": editor.costs_of(job),
        "speakers": editor.numbers_of(job),
    }
    return render(request, "jobs/editor_transcript.html", page)


@require_safe
@login_required
def transcript_lines(request: HttpRequest, public_id: str) -> HttpResponse:
    """Send the next lines of what was heard."""
    job = _job(request, public_id)
    part = _told(lambda: editor.transcript_page(job, start=_start(request)))
    page = {"job": job, "part": part, "speakers": editor.numbers_of(job)}
    return render(request, "jobs/_editor_lines.html", page)


@require_safe
@login_required
def language(request: HttpRequest, public_id: str, code: str) -> HttpResponse:
    """Show what is said in one language, to be changed."""
    task = _task(request, public_id, code)
    if task.job.files_expired:
        return redirect("job", public_id)
    names = editor.names_of(editor.voices_of(task))
    page = {
        "job": task.job,
        "task": task,
        "part": editor.lines_page(task, start=_start(request)),
        "costs": editor.costs_of(task.job),
        "names": names,
        "voices": [{"id": voice, "name": name} for voice, name in names.items()],
        "speakers": editor.speakers_of(task),
        "shortens": shortenings.can_reword(task),
        "running": task.job.finished_at is None,
    }
    return render(request, "jobs/editor_language.html", page)


@require_safe
@login_required
def language_lines(request: HttpRequest, public_id: str, code: str) -> HttpResponse:
    """Send the next lines of one language."""
    task = _task(request, public_id, code)
    part = _told(lambda: editor.lines_page(task, start=_start(request)))
    page = {
        "job": task.job,
        "task": task,
        "part": part,
        "names": editor.names_of(editor.voices_of(task)),
        "shortens": shortenings.can_reword(task),
    }
    return render(request, "jobs/_editor_lines.html", page)


@require_POST
@login_required
def save_heard(request: HttpRequest, public_id: str, line: int) -> HttpResponse:
    """Keep one corrected line of what was heard."""
    job = _job(request, public_id)
    speaker = request.POST.get("speaker", "")
    change = Change(
        id=line,
        revision=_revision(request),
        text=request.POST.get("text"),
        speaker=int(speaker) if _is_speaker(speaker) else None,
    )
    return _saved(
        request,
        act=lambda: editing.edit_transcript(job, changes=[change]),
        show=lambda: editor.heard_line(job, line),
        page=reverse("edit_transcript", args=[public_id]),
        job=job,
    )


@require_POST
@login_required
def save_said(request: HttpRequest, public_id: str, code: str, line: int) -> HttpResponse:
    """Keep one changed line of a language: its words, its voice, or whether it is spoken."""
    task = _task(request, public_id, code)
    way = request.POST.get("way")
    change = Change(
        id=line,
        revision=_revision(request),
        text=request.POST.get("text"),
        chosen_voice=request.POST.get("voice"),
        keep_original=None if way is None else way == ORIGINAL,
        mute=None if way is None else way == SILENT,
    )
    return _saved(
        request,
        act=lambda: editing.edit_lines(task.job, language=task.language, changes=[change]),
        show=lambda: editor.said_line(task, line),
        page=reverse("edit_language", args=[public_id, code]),
        job=task.job,
    )


@require_POST
@login_required
def hear(request: HttpRequest, public_id: str, code: str, line: int) -> HttpResponse:
    """Have one line spoken as it is now; 202 until it is there."""
    task = _task(request, public_id, code)
    try:
        take = previews.preview_line(task.job, language=task.language, line_id=line)
    except UserError as error:
        return _refused(error)
    if take is None:
        return JsonResponse({"ready": False}, status=202, headers={"Retry-After": "1"})
    url = links.take_url(take.pk, int(time.time()) + previews.LINK_SECONDS)
    return JsonResponse({"ready": True, "url": url})


@require_POST
@login_required
def shorten(request: HttpRequest, public_id: str, code: str, line: int) -> HttpResponse:
    """Have a shorter wording of a line proposed; 202 until it is there.

    Whoever asks again says what was `asked`: what is written meanwhile is no new question.
    """
    task = _task(request, public_id, code)
    asked = request.POST.get("asked", "")
    try:
        if asked.isdecimal() and len(asked) < 19:
            proposal = shortenings.find_proposal(task, line_id=line, asked_id=int(asked))
        else:
            proposal = shortenings.shorten_line(task.job, language=task.language, line_id=line)
    except UserError as error:
        return _refused(error)
    if proposal.ready:
        return JsonResponse(asdict(proposal))
    return JsonResponse(asdict(proposal), status=202, headers={"Retry-After": "1"})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def render_changes(request: HttpRequest, public_id: str) -> HttpResponse:
    """Make the changed lines of all languages anew, after their price was seen."""
    job = _job(request, public_id)
    user = user_of(request)
    if request.method != "POST":
        costs = _told(lambda: editor.costs_of(job))
        left = balance_of(user) - costs.credits
        page = {"dub": {"job": job}, "costs": costs, "left": left}
        return render(request, "jobs/confirm_render.html", page)
    if not done(request, lambda: editing.render(job, by=user)):
        return redirect("job", public_id)
    messages.success(request, _("Updating the changed lines."))
    made = job.tasks.filter(render_price__gt=0).order_by("pk").first()
    query = {"language": made.language} if made else {}
    return redirect(reverse("job", args=[public_id], query=query))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def replace(request: HttpRequest, public_id: str, code: str) -> HttpResponse:
    """Replace some words in all lines of a language, after it was seen where they stand."""
    task = _task(request, public_id, code)
    asked = request.POST if request.method == "POST" else request.GET
    find, replacement = asked.get("find", "")[:200], asked.get("replacement", "")[:200]
    if request.method != "POST":
        found = _told(lambda: replacing.replacements(task, find=find, replacement=replacement))
        page = {"job": task.job, "task": task, "found": found, "find": find}
        return render(request, "jobs/replace.html", {**page, "replacement": replacement})
    try:
        count = replacing.replace(task, find=find, replacement=replacement)
        messages.success(request, _("Lines changed: %(count)d.") % {"count": count})
    except UserError as error:
        messages.error(request, error.message)
    return redirect("edit_language", public_id, code)


@require_POST
@login_required
def choose_voice(request: HttpRequest, public_id: str, code: str) -> HttpResponse:
    """Give a speaker another voice."""
    task = _task(request, public_id, code)
    speaker, voice = request.POST.get("speaker", ""), request.POST.get("voice", "")
    if _is_speaker(speaker) and done(
        request,
        lambda: editing.cast_speaker(
            task.job, language=task.language, speaker=int(speaker), voice=voice
        ),
    ):
        messages.success(request, _("The lines of this speaker get the new voice."))
    return redirect("edit_language", public_id, code)


@require_POST
@login_required
def bring(request: HttpRequest, public_id: str, code: str) -> HttpResponse:
    """Take captions that were edited elsewhere."""
    task = _task(request, public_id, code)
    sent = request.FILES.get("captions")
    if sent is None or (sent.size or 0) > MOST_CAPTION_BYTES:
        messages.error(request, _("Choose captions of at most 2 MB, as SRT or VTT."))
        return redirect("edit_language", public_id, code)
    captions = sent.read().decode("utf-8-sig", errors="replace")
    try:
        brought = bring_captions(task.job, language=task.language, captions=captions)
    except UserError as error:
        messages.error(request, error.message)
        return redirect("edit_language", public_id, code)
    counts = {
        "changed": brought.changed,
        "left": len(brought.left),
        "long": len(brought.too_long),
    }
    messages.success(
        request,
        _(
            "Lines changed: %(changed)d. Captions that matched no line: %(left)d; "
            "that were too long: %(long)d."
        )
        % counts,
    )
    return redirect("edit_language", public_id, code)


def _job(request: HttpRequest, public_id: str) -> DubbingJob:
    jobs = DubbingJob.objects.select_related("user")
    return get_object_or_404(jobs, user=user_of(request), public_id=public_id)


def _task(request: HttpRequest, public_id: str, code: str) -> LanguageTask:
    tasks = LanguageTask.objects.select_related("job__user")
    return get_object_or_404(
        tasks, job__user=user_of(request), job__public_id=public_id, language=code
    )


def _told(ask: Callable[[], Any]) -> Any:
    """What a service answers; files that are gone are not found."""
    try:
        return ask()
    except UserError as error:
        raise Http404 from error


def _is_speaker(number: str) -> bool:
    return number.isdecimal() and len(number) < 5


def _start(request: HttpRequest) -> int:
    start = request.GET.get("from", "")
    return int(start) if start.isdecimal() and len(start) < 7 else 0


def _revision(request: HttpRequest) -> int:
    seen = request.POST.get("revision", "")
    return int(seen) if seen.isdecimal() and len(seen) < 10 else 0


def _saved(
    request: HttpRequest,
    *,
    act: Callable[[], object],
    show: Callable[[], editor.EditorLine | None],
    page: str,
    job: DubbingJob,
) -> HttpResponse:
    """Change a line, and show it as it is then, whether that was granted or not."""
    refusal = None
    try:
        act()
    except UserError as error:
        refusal = error
    line = None if job.files_expired else show()
    if "application/json" not in request.headers.get("Accept", ""):
        back = f"{page}?from={line.page_start}#line-{line.id}" if line else page
        return _not_kept(request, refusal, line, job, back) if refusal else redirect(back)
    if refusal is not None:
        return _refused(refusal, line=_as_json(line))
    return JsonResponse({"line": _as_json(line), "costs": asdict(editor.costs_of(job))})


def _not_kept(
    request: HttpRequest,
    refusal: UserError,
    line: editor.EditorLine | None,
    job: DubbingJob,
    back: str,
) -> HttpResponse:
    """Show what was written and could not be kept, beside what the line says now."""
    chosen = {name: request.POST[name] for name in CHOICES if name in request.POST}
    page = {
        "job": job,
        "line": line,
        "text": request.POST.get("text", ""),
        "chosen": chosen,
        "back": back,
        "refusal": refusal,
    }
    return render(request, "jobs/editor_not_kept.html", page, status=refusal.status)


def _as_json(line: editor.EditorLine | None) -> Mapping[str, object] | None:
    return asdict(line) if line else None


def _refused(error: UserError, **more: object) -> HttpResponse:
    told = {"error": error.code, "message": error.message, **more}
    return JsonResponse(told, status=error.status)
