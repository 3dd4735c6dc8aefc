// What is asked about one line of the editor: to hear the original, to hear it as it is now, and to
// have it worded shorter. The last two are made by a worker, and asked for again until they are there.
(() => {
    "use strict";

    const editor = window.dubber?.editor;
    if (!editor) {
        return;
    }
    const { list, rowOf, send, say, speedOf, mark, write } = editor;
    const ASK_MS = 1000;
    const MOST_TURNS = 120;
    const MOST_MISSED = 5;
    const listen = document.getElementById("listen");
    const told = document.getElementById("told");

    function hearOriginal(row) {
        listen.src ||= listen.dataset.source;
        clearTimeout(listen.timer);
        listen.currentTime = Number(row.box.dataset.at) / 1000;
        listen.play().catch(() => {});
        listen.timer = setTimeout(() => listen.pause(), 1000 * row.room);
    }

    // One answer that is lost, or a site that is busy, doesn't end the waiting; a few do.
    async function made(url) {
        const body = new FormData();
        const headers = { "X-CSRFToken": list.dataset.token };
        const ways = { method: "POST", body, headers, redirect: "error" };
        let [missed, told] = [0, null];
        for (let turn = 0; turn < MOST_TURNS && missed <= MOST_MISSED; turn += 1) {
            const answer = await fetch(url, ways).catch(() => null);
            told = await answer?.json().catch(() => null);
            const busy = !answer || answer.status === 429 || answer.status >= 500;
            missed = busy ? missed + 1 : 0;
            if (!busy && answer.status !== 202) {
                break;
            }
            if (!busy) {
                body.set("asked", told.id || ""); // the same question, whatever is written meanwhile
            }
            await new Promise((resolve) => setTimeout(resolve, ASK_MS));
        }
        return told?.ready || told?.message ? told : { message: list.dataset.failed };
    }

    // Asks for something of a line as it stands in the field; the button says that it is being made.
    async function ask(row, button, url, use) {
        if (button.hasAttribute("aria-busy")) {
            return;
        }
        const words = button.textContent;
        button.textContent = button.dataset.making;
        button.setAttribute("aria-busy", "true");
        try {
            if (row.unsent) {
                await send(row);
            }
            const answer = await made(url);
            say(row, answer.message || "");
            await use(answer);
        } catch {
            // the connection, or a browser that wants another click: the button is there again
        }
        button.textContent = words;
        button.removeAttribute("aria-busy");
    }

    async function play(answer) {
        if (answer.url) {
            listen.pause();
            await new Audio(answer.url).play();
        }
    }

    // Beside the line, never in its place: what somebody wrote meanwhile stays until they choose.
    function propose(row, answer) {
        dismiss(row);
        if (!answer.ready) {
            return;
        }
        if (!answer.text) {
            say(row, list.dataset.noShorter);
            return;
        }
        const box = document.getElementById("proposal").content.cloneNode(true).firstElementChild;
        const proposed = box.querySelector(".proposed");
        proposed.textContent = answer.text;
        proposed.lang = row.text.lang;
        mark(box.querySelector("[data-proposed-fit]"), speedOf(row, answer.text));
        box.querySelector(".meanwhile").hidden = row.text.value.trim() === answer.instead;
        row.form.append(box);
        told.textContent = box.getAttribute("aria-label");
    }

    const dismiss = (row) => row.form.querySelector(".proposal")?.remove();

    function decide(row, which) {
        const text = row.form.querySelector(".proposed").textContent;
        dismiss(row);
        told.textContent = "";
        if (which === "use") {
            write(row, text);
        }
        row.text.focus();
    }

    // Somebody new, chosen at one line, can be chosen at all others; and then the next one.
    function fillSpeakers(select) {
        const chosen = [...list.querySelectorAll("[data-speakers]")].map((one) => Number(one.value));
        const known = Number(list.dataset.speakers);
        const next = Math.max(known, ...chosen.map((number) => number + 1));
        for (let number = known; number <= next; number += 1) {
            let option = [...select.options].find((one) => one.value === String(number));
            if (!option) {
                option = new Option("", number);
                select.add(option);
            }
            option.textContent =
                number < next
                    ? list.dataset.speaker.replace("%n", number + 1)
                    : list.dataset.newSpeaker;
        }
    }

    for (const kind of ["focusin", "change"]) {
        list.addEventListener(kind, (event) => {
            if (event.target.matches("[data-speakers]")) {
                fillSpeakers(event.target);
            }
        });
    }

    list.addEventListener("click", (event) => {
        const row = rowOf(event);
        const button = event.target.closest("button");
        if (!row || !button) {
            return;
        }
        const { listen: original, hear, shorten, proposal } = button.dataset;
        if (original !== undefined) {
            hearOriginal(row);
        } else if (hear) {
            ask(row, button, hear, play);
        } else if (shorten) {
            ask(row, button, shorten, (answer) => propose(row, answer));
        } else if (proposal) {
            decide(row, proposal);
        }
    });
})();
