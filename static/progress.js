// Keeps the page of a dub up to date: asks every 2 s, less often while nothing changes or answers, not
// at all while the page is hidden. What changed is put into the page piece by piece, so that neither
// focus nor what plays is lost; a screen reader hears of turns, not of every line.
//
// The document gets the event “dub” {spoken, page}: how many lines of each language are spoken, and,
// when a language has become ready, a newer copy of the page.
(() => {
    "use strict";

    const box = document.getElementById("progress");
    const SHORTEST = 2000;
    const LONGEST = 15000;
    const GROWTH = 1.25;
    const LIFT = 200; // milliseconds
    const offline = document.getElementById("offline");
    const told = document.getElementById("told");
    let pause = SHORTEST;
    let etag = null;
    let timer = null;
    let asking = false;

    const part = () => document.getElementById("progress-part");
    const turn = () => part().dataset.ready + part().dataset.state + part().dataset.heard;

    async function ask() {
        clearTimeout(timer);
        if (asking || document.hidden) {
            return; // asked again when the page is seen again
        }
        asking = true;
        try {
            await show(await answerOf(box.dataset.url, etag ? { "If-None-Match": etag } : {}));
            offline.hidden = navigator.onLine;
        } catch {
            pause = Math.min(pause * 2, LONGEST);
            offline.hidden = false;
        }
        asking = false;
        if (part().dataset.state !== "ended" || !offline.hidden) {
            timer = setTimeout(ask, pause);
        }
    }

    async function answerOf(url, headers) {
        const limit = AbortSignal.timeout(LONGEST);
        const ways = { cache: "no-store", redirect: "manual", signal: limit };
        const answer = await fetch(url, { headers, ...ways });
        if (answer.type === "opaqueredirect") {
            location.reload(); // signed out meanwhile: the page says so
        }
        if (!answer.ok && answer.status !== 304) {
            throw new Error(`status ${answer.status}`);
        }
        return answer;
    }

    async function show(answer) {
        if (answer.status === 304) {
            pause = Math.min(pause * GROWTH, LONGEST);
            return;
        }
        const fresh = document.createElement("template");
        fresh.innerHTML = await answer.text();
        const before = turn();
        const stages = sentences();
        morph(part(), fresh.content.firstElementChild);
        const page = turn() === before ? null : await newerPage();
        etag = answer.headers.get("ETag");
        pause = SHORTEST;
        say(stages);
        lift(stages);
        document.dispatchEvent(new CustomEvent("dub", { detail: { spoken: spoken(), page } }));
    }

    async function newerPage() {
        const text = await (await answerOf(location.href, {})).text();
        const page = new DOMParser().parseFromString(text, "text/html");
        for (const selector of ["#results", "#downloads", ".balance"]) {
            const old = document.querySelector(selector);
            const now = page.querySelector(selector);
            if (old && now) {
                morph(old, document.importNode(now, true));
            }
        }
        return page;
    }

    const rows = () => [...box.querySelectorAll("[data-language]")];
    const sentences = () => new Map(rows().map((row) => [row.dataset.language, row.dataset.told]));

    function spoken() {
        const running = rows().filter((row) => row.dataset.ended === undefined);
        const count = (row) => [row.dataset.language, Number(row.dataset.spoken)];
        return Object.fromEntries(running.map(count));
    }

    const newsSince = (before) =>
        rows().filter((row) => before.get(row.dataset.language) !== row.dataset.told);

    function say(before) {
        const news = newsSince(before);
        if (news.length) {
            told.textContent = news.map((row) => row.dataset.told).join(". ");
        }
    }

    // A language that has just been finished lifts, once.
    function lift(before) {
        if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
            return;
        }
        for (const row of newsSince(before).filter((one) => one.querySelector(".ready"))) {
            const up = { transform: "translateY(-6px)", boxShadow: "0 6px 12px rgb(0 0 0 / 20%)" };
            row.animate([{}, up, {}], { duration: LIFT, easing: "ease-out" });
        }
    }

    // Makes one element like another, and leaves alone whatever is the same already.
    function morph(old, now) {
        if (old.nodeName !== now.nodeName || old.id !== now.id) {
            old.replaceWith(now);
            return;
        }
        if (old.nodeType === Node.TEXT_NODE) {
            if (old.data !== now.data) {
                old.data = now.data;
            }
            return;
        }
        for (const { name, value } of now.attributes ?? []) {
            if (old.getAttribute(name) !== value) {
                old.setAttribute(name, value);
            }
        }
        for (const { name } of [...(old.attributes ?? [])]) {
            if (!now.hasAttribute(name) && name !== "hidden" && name !== "open") {
                old.removeAttribute(name);
            }
        }
        const children = [...now.childNodes];
        [...old.childNodes].slice(children.length).forEach((child) => child.remove());
        children.forEach((child, at) => {
            if (old.childNodes[at]) {
                morph(old.childNodes[at], child);
            } else {
                old.append(child);
            }
        });
    }

    function wake() {
        pause = SHORTEST;
        if (part().dataset.state !== "ended") {
            ask();
        }
    }

    document.addEventListener("visibilitychange", () => document.hidden || wake());
    window.addEventListener("online", wake);
    window.addEventListener("offline", () => {
        offline.hidden = false;
    });
    window.addEventListener("pageshow", (event) => event.persisted && wake());
    if (part().dataset.state !== "ended") {
        timer = setTimeout(ask, SHORTEST);
    }
})();
