// The editor of lines. Every line is sent by itself when its writer pauses; what is not sent yet is
// kept in this browser, so that neither a lost connection, nor a closed page, nor a dub that is being
// made loses a word. When somebody else changed the line meanwhile, its writer chooses between both.
//
// A line is in one of these states, as its row says:
//
//   state      unsent  sending  rival  what ends it
//   kept       no      no       no     an input or a choice: waiting
//   waiting    yes     no       no     the pause, a retry, the connection being back: sending
//   sending    yes     yes      no     the answer: kept; waiting where more was written (sendAgain: it
//                                      is sent at once), or the answer was lost; contested
//   refused    yes     no       no     as waiting, but without a retry of its own: its writer was told why
//   contested  any     no       yes    its writer, who takes one of two wordings: kept or waiting
//
// row.onServer holds the values that the server has, as far as this page knows.
(() => {
    "use strict";

    const list = document.getElementById("lines");
    if (!list) {
        return;
    }
    const PAUSE_MS = 800;
    const RETRY_MS = 5000;
    const LONGEST_RETRY_MS = 60000;
    const FITS = 1.03; // up to here a line is spoken at its voice's own speed
    const FASTEST = 1.25;

    const kept = document.getElementById("kept");
    const costs = document.getElementById("costs");
    const render = document.getElementById("render");
    const script = document.getElementById("voices");
    const voices = script ? JSON.parse(script.textContent) : [];
    const rows = new Map();
    let retry = RETRY_MS;
    let retrying = null;

    // -- Drafts: what is not sent yet ----------------------------------------------------------

    const nameOf = (row) => `draft:${list.dataset.job}:${row.form.getAttribute("action")}`;

    function keepDraft(row) {
        const chosen = fieldsOf(row).filter((one) => one !== row.text && isOther(row, one));
        const draft = {
            text: row.text.value,
            choices: Object.fromEntries(chosen.map((one) => [one.name, one.value])),
            revision: row.form.elements.revision.value,
        };
        try {
            localStorage.setItem(nameOf(row), JSON.stringify(draft));
        } catch {
            // full or forbidden: the text still stands in the field
        }
    }

    const dropDraft = (row) => localStorage.removeItem(nameOf(row));

    function restore(row) {
        const revision = row.form.elements.revision.value;
        const serverText = row.onServer.text;
        const draft = JSON.parse(localStorage.getItem(nameOf(row)) || "null");
        if (draft?.revision === revision) {
            chooseAgain(row, draft.choices || {});
        }
        row.unsent = isChanged(row); // before this script began
        if (!draft || draft.text === row.text.value || draft.text === serverText) {
            return row.unsent ? send(row) : dropDraft(row);
        }
        const written = row.text.value;
        row.unsent = true;
        if (written !== serverText) {
            return letChoose(row, { text: draft.text, revision, serverText });
        }
        row.text.value = draft.text;
        return draft.revision === revision ? send(row) : letChoose(row, { text: serverText, revision });
    }

    // Who speaks, in which voice, or what plays: of the line as it was when that was chosen.
    function chooseAgain(row, choices) {
        for (const [name, value] of Object.entries(choices)) {
            const select = row.form.elements[name];
            if (select.matches("[data-voices]")) {
                fill(select);
            }
            if ([...select.options].some((option) => option.value === value)) {
                select.value = value;
            }
        }
        fit(row);
    }

    // -- Sending -------------------------------------------------------------------------------

    async function send(row) {
        clearTimeout(row.timer);
        if (row.sending) {
            row.sendAgain = true;
            return row.sending;
        }
        if (row.rival) {
            return null; // a wording must be chosen first
        }
        row.sending = post(row).finally(() => {
            row.sending = null;
            show();
        });
        await row.sending;
        if (row.sendAgain) {
            row.sendAgain = false;
            await send(row);
        }
        return null;
    }

    async function post(row) {
        const sent = valuesOf(row, (field) => field.value);
        const body = new FormData(row.form);
        for (const [name, value] of Object.entries(row.onServer)) {
            if (body.get(name) === value) {
                body.delete(name); // only what was changed
            }
        }
        show();
        let [answer, told] = [null, null];
        try {
            const headers = { Accept: "application/json" };
            const ways = { method: "POST", body, headers, redirect: "error" };
            answer = await fetch(row.form.action, ways);
            told = await answer.json();
        } catch {
            later(row);
            return;
        }
        if (answer.ok) {
            taken(row, sent, told);
        } else if (told.error === "stale_revision" && told.line) {
            letChoose(row, told.line);
        } else if (answer.status === 409 || answer.status === 429 || answer.status >= 500) {
            later(row, told.message);
        } else {
            say(row, told.message);
        }
    }

    function taken(row, sent, told) {
        retry = RETRY_MS;
        row.form.elements.revision.value = told.line.revision;
        row.pace = told.line.pace || row.pace;
        row.box.classList.toggle("stale", told.line.stale);
        const changed = row.box.querySelector("[data-changed]");
        if (changed) {
            changed.hidden = !told.line.stale;
        }
        say(row, "");
        row.onServer = sent; // what was changed while it was under way is still to be sent
        row.unsent = isChanged(row);
        if (row.unsent) {
            keepDraft(row);
        } else {
            dropDraft(row);
        }
        row.onServer.text = told.line.text;
        showCosts(told.costs);
        fit(row);
    }

    function later(row, message) {
        say(row, message || "");
        row.unsent = true;
        keepDraft(row);
        clearTimeout(retrying);
        retrying = setTimeout(() => {
            retry = Math.min(retry * 2, LONGEST_RETRY_MS);
            sendAll();
        }, retry);
    }

    const unsentRows = () => [...rows.values()].filter((row) => row.unsent);
    const sendAll = () => Promise.all(unsentRows().map(send));

    const fieldsOf = (row) =>
        ["text", "speaker", "way", "voice"].map((name) => row.form.elements[name]).filter(Boolean);

    const valuesOf = (row, valueOf) =>
        Object.fromEntries(fieldsOf(row).map((field) => [field.name, valueOf(field)]));

    // What the server sent, whatever was written or chosen before this script began.
    function sentValue(field) {
        if (field.type === "textarea") {
            return field.defaultValue;
        }
        const chosen = [...field.options].find((option) => option.defaultSelected);
        return (chosen ?? field.options[0]).value;
    }

    const isOther = (row, field) => field.value !== row.onServer[field.name];
    const isChanged = (row) => fieldsOf(row).some((field) => isOther(row, field));

    // -- Two wordings of one line --------------------------------------------------------------

    // The rival is what somebody else wrote. Where a draft and the field differ from what the server
    // holds and from each other, it is one's own draft, and serverText says what the server holds.

    function letChoose(row, rival) {
        row.rival = rival;
        row.conflict.querySelector(".theirs").textContent = rival.text;
        row.conflict.hidden = false;
        show();
    }

    function choose(row, which) {
        const rival = row.rival;
        row.rival = null;
        row.conflict.hidden = true;
        row.form.elements.revision.value = rival.revision;
        row.onServer.text = rival.serverText ?? rival.text;
        if (which === "theirs") {
            row.text.value = rival.text;
        }
        row.unsent = isChanged(row);
        fit(row);
        show();
        if (row.unsent) {
            keepDraft(row);
            send(row);
        } else {
            dropDraft(row);
        }
        row.text.focus();
    }

    // -- What is shown -------------------------------------------------------------------------

    function say(row, message) {
        row.trouble.textContent = message;
        row.trouble.hidden = !message;
    }

    function show() {
        const waiting = unsentRows().length;
        const words = [...rows.values()].some((row) => row.sending)
            ? kept.dataset.saving
            : waiting
              ? kept.dataset.waiting.replace("%n", waiting)
              : kept.dataset.saved;
        if (kept.textContent !== words) {
            kept.textContent = words;
        }
    }

    function showCosts(now) {
        if (!costs || !now) {
            return;
        }
        const { changed, changedIn, none } = costs.dataset;
        const words = now.where ? changedIn : now.lines ? changed : none;
        costs.textContent = words
            .replace("%n", now.lines)
            .replace("%w", now.where)
            .replace("%c", now.credits);
        render.hidden = !now.lines;
    }

    // How fast a wording would have to be said, by the pace that its voice was measured at.
    const speedOf = (row, text) => text.trim().length / row.pace / Math.max(row.room, 0.1);

    function mark(badge, speed) {
        const [words, kind] =
            speed <= FITS
                ? [list.dataset.fits, "plain"]
                : speed <= FASTEST
                  ? [list.dataset.times.replace("%s", speed.toFixed(2)), "look"]
                  : [list.dataset.long, "failed"];
        badge.textContent = words;
        badge.className = `fit tag ${kind}`;
    }

    function fit(row) {
        const badge = row.box.querySelector("[data-fit]");
        if (!badge) {
            return;
        }
        const silent = row.form.elements.way.value !== "spoken";
        const speed = silent ? 0 : speedOf(row, row.text.value);
        mark(badge, speed);
        if (silent) {
            badge.textContent = list.dataset.silent;
        }
        const shorten = row.box.querySelector("[data-shorten]");
        if (shorten) {
            shorten.hidden = speed <= FITS;
        }
    }

    // -- Rows ----------------------------------------------------------------------------------

    function take(box) {
        if (rows.has(box.dataset.line)) {
            return;
        }
        const form = box.querySelector("form");
        const row = {
            box,
            form,
            text: form.elements.text,
            room: Number(box.dataset.room),
            pace: Number(box.dataset.pace),
            trouble: form.querySelector(".trouble"),
            conflict: form.querySelector(".conflict"),
        };
        rows.set(box.dataset.line, row);
        row.onServer = valuesOf(row, sentValue);
        fit(row);
        restore(row);
    }

    function fill(select) {
        const there = new Set([...select.options].map((option) => option.value));
        for (const voice of voices) {
            if (there.has(voice.id)) {
                [...select.options].find((option) => option.value === voice.id).textContent = voice.name;
            } else {
                select.add(new Option(voice.name, voice.id));
            }
        }
    }

    async function more(place) {
        const link = place.querySelector("a");
        watcher.unobserve(place);
        try {
            const answer = await fetch(link.dataset.lines, { redirect: "error" });
            if (!answer.ok) {
                throw new Error(`status ${answer.status}`);
            }
            const fresh = document.createElement("template");
            fresh.innerHTML = await answer.text();
            const boxes = [...fresh.content.querySelectorAll("[data-line]")];
            place.replaceWith(fresh.content);
            boxes.forEach(take);
            watch();
        } catch {
            setTimeout(() => watcher.observe(place), RETRY_MS);
        }
    }

    const watcher = new IntersectionObserver(
        (seen) => seen.filter((one) => one.isIntersecting).forEach((one) => more(one.target)),
        { rootMargin: "800px" },
    );
    const watch = () => list.querySelectorAll("[data-more]").forEach((one) => watcher.observe(one));
    const rowOf = (event) => rows.get(event.target.closest("[data-line]")?.dataset.line);

    list.addEventListener("input", (event) => {
        const row = rowOf(event);
        if (row && event.target === row.text) {
            row.unsent = true;
            keepDraft(row);
            fit(row);
            clearTimeout(row.timer);
            row.timer = setTimeout(() => send(row), PAUSE_MS);
        }
    });
    list.addEventListener("change", (event) => {
        const row = rowOf(event);
        if (!row || (event.target === row.text && !row.unsent)) {
            return;
        }
        row.unsent = true;
        keepDraft(row);
        fit(row);
        send(row);
    });
    list.addEventListener("submit", (event) => {
        event.preventDefault();
        send(rowOf(event));
    });
    list.addEventListener("focusin", (event) => {
        if (event.target.matches("[data-voices]")) {
            fill(event.target);
        }
    });
    list.addEventListener("click", (event) => {
        const row = rowOf(event);
        const button = event.target.closest("button");
        if (row && button?.dataset.take) {
            choose(row, button.dataset.take);
        }
    });
    window.addEventListener("online", sendAll);

    // Shows what keeps the dub from being updated: a choice that its writer has to make, or a line.
    function leadTo(row) {
        if (!row.rival && row.trouble.hidden) {
            say(row, list.dataset.unsaved);
        }
        const place = row.rival ? row.conflict.querySelector("button") : row.text;
        place.focus();
        place.scrollIntoView({ block: "center" });
    }

    // What is asked about must be there first: the price, and the words that are spoken.
    for (const link of document.querySelectorAll("#bar a[data-dialog]")) {
        link.addEventListener("click", async (event) => {
            if (!unsentRows().length) {
                return;
            }
            event.preventDefault();
            event.stopPropagation();
            await sendAll();
            const [first] = unsentRows();
            if (first) {
                leadTo(first);
            } else {
                link.click();
            }
        });
    }

    function write(row, text) {
        row.text.value = text;
        row.unsent = true;
        keepDraft(row);
        fit(row);
        return send(row);
    }

    list.querySelectorAll("[data-line]").forEach(take);
    watch();
    show();
    window.dubber = { ...window.dubber, editor: { list, rowOf, send, say, speedOf, mark, write } };
})();
