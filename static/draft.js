// Keeps what is chosen for a new dub: everything is saved at once, so that nothing is ever lost. What
// follows from it (prices, the quote, what is wrong) is sent back by the server, in parts.
(() => {
    "use strict";

    const SAVE_AFTER = 400;
    const LONGEST_PAUSE = 15000;
    const UNSAVED = "new dub, not saved yet";
    const { Refused } = window.dubber.transfer;
    const form = document.getElementById("new-dub");
    const said = document.getElementById("words").dataset;
    const problem = document.getElementById("launch-problem");

    let beginning = null;
    let saving = null;
    let dirty = false;
    let timer = null;

    function begin() {
        beginning ??= form.dataset.draft ? Promise.resolve() : beginAnew();
        return beginning;
    }

    async function beginAnew() {
        try {
            const { url } = await (await post(form.dataset.begin)).json();
            form.dataset.draft = url;
            form.action = url;
            history.replaceState(null, "", url);
            if (sessionStorage.getItem(UNSAVED)) {
                remember(); // under the new address
            }
        } catch (error) {
            beginning = null;
            throw error;
        }
    }

    async function post(url, body = new FormData()) {
        body.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
        const headers = { Accept: "application/json" };
        const answer = await fetch(url, { method: "POST", body, headers, redirect: "error" });
        if (!answer.ok) {
            const told = await answer.json().catch(() => ({}));
            throw new Refused(told.message);
        }
        return answer;
    }

    function choices() {
        const body = new FormData(form);
        ["voice", "background", "captions"].forEach((name) => body.delete(name));
        return body;
    }

    function changed() {
        dirty = true;
        remember();
        clearTimeout(timer);
        timer = setTimeout(() => save(), SAVE_AFTER);
    }

    // Saves until all is saved, however long the connection is away.
    function save() {
        clearTimeout(timer);
        dirty = true;
        remember();
        saving ??= saveAll().finally(() => {
            saving = null;
        });
        return saving;
    }

    async function saveAll() {
        let pause = 1000;
        while (dirty) {
            dirty = false;
            try {
                await begin();
                show(await (await post(`${form.dataset.draft}/choices`, choices())).text());
                tell("");
                pause = 1000;
                if (!dirty) {
                    sessionStorage.removeItem(UNSAVED);
                }
            } catch (error) {
                if (error instanceof Refused) {
                    tell(reason(error));
                    return;
                }
                dirty = true;
                tell(said.unsent);
                await Promise.race([later(pause), once(window, "online")]);
                pause = Math.min(pause * 2, LONGEST_PAUSE);
            }
        }
    }

    function show(html) {
        const parts = new DOMParser().parseFromString(html, "text/html");
        parts.querySelectorAll("[data-part]").forEach((part) => {
            const earlier = document.getElementById(part.id);
            if (earlier && !earlier.isEqualNode(part)) {
                earlier.replaceWith(part);
            }
        });
        hideWhatIsSent();
    }

    function tell(sentence) {
        problem.textContent = sentence;
        problem.hidden = !sentence;
    }

    // What the server knows of a file is of no interest while it is being sent.
    function hideWhatIsSent() {
        form.querySelectorAll("[data-transfer]").forEach((box) => {
            document.getElementById(`file-${box.dataset.transfer}`).hidden = !box.hidden;
        });
    }

    // Asks until there is an answer or a refusal.
    async function persist(ask, signal) {
        let pause = 1000;
        for (;;) {
            try {
                return await ask();
            } catch (error) {
                signal.throwIfAborted();
                if (error instanceof Refused) {
                    throw error;
                }
                await Promise.race([later(pause), once(window, "online")]);
                pause = Math.min(pause * 2, LONGEST_PAUSE);
            }
        }
    }

    // Why something didn't work, for people.
    function reason(error, otherwise = said.unsent) {
        return error instanceof Refused ? error.message || said.refused : otherwise;
    }

    function forget() {
        dirty = false;
        clearTimeout(timer);
        sessionStorage.removeItem(UNSAVED);
    }

    // What the server hasn't got yet, for the case that the page is loaded again.
    function remember() {
        const page = form.dataset.draft ?? "";
        sessionStorage.setItem(UNSAVED, JSON.stringify({ page, typed: [...choices()] }));
    }

    function restore() {
        const { page, typed = [] } = JSON.parse(sessionStorage.getItem(UNSAVED) ?? "{}");
        if (page !== (form.dataset.draft ?? "")) {
            return;
        }
        const values = (name) => typed.filter((one) => one[0] === name).map((one) => one[1]);
        while (form.querySelectorAll("[name=term]").length < values("term").length) {
            addTerm();
        }
        const terms = { term: values("term"), said: values("said") };
        for (const field of form.elements) {
            if (field.type === "checkbox") {
                field.checked = values(field.name).includes(field.value);
            } else if (field.name && !["file", "hidden"].includes(field.type)) {
                const [value] = terms[field.name]?.splice(0, 1) ?? values(field.name);
                field.value = value ?? "";
            }
        }
        changed();
    }

    function addTerm() {
        const rows = form.querySelectorAll(".term");
        const row = rows[rows.length - 1].cloneNode(true);
        row.querySelectorAll("input").forEach((input) => {
            input.value = "";
        });
        rows[rows.length - 1].after(row);
        return row;
    }

    function later(milliseconds) {
        return new Promise((resolve) => setTimeout(resolve, milliseconds));
    }

    function once(target, kind) {
        return new Promise((resolve) => target.addEventListener(kind, resolve, { once: true }));
    }

    form.addEventListener("input", (event) => {
        if (event.target.name && event.target.type !== "file") {
            changed();
        }
    });
    window.addEventListener("pagehide", () => {
        if ((dirty || saving) && form.dataset.draft) {
            navigator.sendBeacon(`${form.dataset.draft}/choices`, choices());
        }
    });
    restore();
    const draft = {
        begin,
        post,
        choices,
        save,
        show,
        tell,
        forget,
        persist,
        reason,
        addTerm,
        hideWhatIsSent,
    };
    window.dubber = { ...window.dubber, draft };
})();
