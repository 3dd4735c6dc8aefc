// Joins what the page of a dub shows: the player, the timeline under it, the line that is said now in
// both languages, and the receipt and files of the language that is heard.
(() => {
    "use strict";

    const player = document.getElementById("player");
    const results = () => [...document.querySelectorAll("[data-result]")];
    const said = document.getElementById("line-said");
    const now = document.getElementById("line-now");
    const LATE_LINE = 0.05; // seconds before its start at which a line counts as the current one
    let lines = [];
    let at = null; // none yet
    let code = "";
    let kept = "";
    let place = 0; // seconds at which the player is
    let wish = 0; // counts the languages asked for, so that only the last one's lines are drawn

    const box = () => document.getElementById("timeline-box");
    const figure = () => document.getElementById("timeline");
    const send = (target, name, detail) => target?.dispatchEvent(new CustomEvent(name, { detail }));

    // -- Lines -------------------------------------------------------------------------------

    const dubbed = () => code !== "original";
    const startOf = (line) => (dubbed() && line.now_start !== null ? line.now_start : line.start);

    function readLines() {
        const script = document.getElementById("timeline-lines");
        lines = script ? JSON.parse(script.textContent) : [];
        at = null;
    }

    // What an address answers; nothing where it refuses or there is no connection.
    async function ask(url) {
        try {
            const answer = await fetch(url);
            return answer.ok ? await answer.json() : null;
        } catch {
            return null;
        }
    }

    async function load(language) {
        const mine = ++wish;
        const told = await ask(box().dataset.url.replace(/xx$/, language));
        if (!told || mine !== wish || !box()) {
            return;
        }
        lines = told.lines;
        at = null;
        box().dataset.language = language;
        const button = player?.querySelector(`[data-choose="${language}"]`);
        const name = document.getElementById("timeline-language");
        name.textContent = button ? button.textContent : name.textContent;
        send(figure(), "lines", { lines });
        mark(place); // its words may be others now, while nothing plays
    }

    function lineAt(seconds) {
        let found = -1;
        for (let n = 0; n < lines.length && startOf(lines[n]) <= seconds + LATE_LINE; n += 1) {
            found = n;
        }
        return found;
    }

    function mark(seconds) {
        const found = lineAt(seconds);
        if (found === at) {
            return;
        }
        at = found;
        const line = lines[Math.max(found, 0)];
        said.textContent = line ? line.said : "";
        now.textContent = line ? line.now : "";
        now.lang = box()?.dataset.language || "";
        send(figure(), "choose", { id: found < 0 ? null : line.id });
    }

    // -- What plays -----------------------------------------------------------------------

    function hear(chosen) {
        code = chosen;
        at = null;
        showResults();
        if (dubbed() && box() && box().dataset.language !== code) {
            load(code);
        }
    }

    // Receipt and files of the language that is heard; beside the original, of the one heard last.
    function showResults() {
        const all = results();
        if (all.some((one) => one.dataset.result === code)) {
            kept = code;
        } else if (!all.some((one) => one.dataset.result === kept)) {
            kept = all.length ? all[0].dataset.result : "";
        }
        for (const one of all) {
            one.hidden = one.dataset.result !== kept;
        }
    }

    player?.addEventListener("chosen", (event) => hear(event.detail.code));
    player?.addEventListener("place", (event) => {
        place = event.detail.seconds;
        send(figure(), "time", { seconds: place });
        mark(place);
    });
    player?.addEventListener("step", (event) => {
        const line = lines[Math.min(Math.max((at ?? -1) + event.detail.by, 0), lines.length - 1)];
        if (line) {
            send(player, "seek", { seconds: startOf(line), play: false });
        }
    });

    document.addEventListener("line", (event) => {
        const line = lines.find((one) => one.id === event.detail.id);
        if (line && player) {
            send(player, "seek", { seconds: startOf(line), play: true });
        }
    });

    document.addEventListener("click", (event) => {
        const link = event.target.closest("[data-at]");
        if (!link || !player) {
            return;
        }
        event.preventDefault();
        send(player, "choose", { code: link.dataset.in });
        send(player, "seek", { seconds: Number(link.dataset.at) / 1000, play: true });
        player.scrollIntoView({ block: "nearest" });
    });

    // -- While it is made --------------------------------------------------------------------

    function fill(count) {
        const drawn = lines.map((line, n) =>
            n < count ? { ...line, now_start: line.start, now_end: line.end, tint: "natural" } : line,
        );
        send(figure(), "lines", { lines: drawn });
    }

    function takeOver(page) {
        send(player, "tracks", { page });
        const there = document.getElementById("timeline-card");
        const fresh = page.getElementById("timeline-card");
        if (!there && fresh) {
            document.getElementById("watch").after(document.adoptNode(fresh));
            readLines();
            document.dispatchEvent(new CustomEvent("timelines"));
        } else if (there && box().dataset.language) {
            load(box().dataset.language);
        }
        showResults();
    }

    document.addEventListener("dub", (event) => {
        const { page, spoken } = event.detail;
        if (page) {
            takeOver(page);
        } else if (box() && spoken[box().dataset.language]) {
            fill(spoken[box().dataset.language]);
        }
    });

    readLines();
    const heard = player?.querySelector("[data-choose][aria-pressed=true]");
    if (heard) {
        hear(heard.dataset.choose);
        mark(0);
    }
})();
