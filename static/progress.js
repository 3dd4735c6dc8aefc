// Keeps the progress of a running dub up to date: asks every 2 s, less often while nothing changes,
// while the page is hidden not at all.
(() => {
    "use strict";

    const SHORTEST = 2000;
    const LONGEST = 15000;
    const box = document.getElementById("progress");
    let pause = SHORTEST;
    let etag = null;

    async function ask() {
        if (document.hidden) {
            document.addEventListener("visibilitychange", ask, { once: true });
            return;
        }
        try {
            const answer = await fetch(box.dataset.url, {
                headers: etag ? { "If-None-Match": etag } : {},
                cache: "no-store",
                redirect: "error",
            });
            await show(answer);
        } catch {
            pause = Math.min(pause * 2, LONGEST);
        }
        if (!box.querySelector("[data-ended]")) {
            setTimeout(ask, pause);
        }
    }

    async function show(answer) {
        if (answer.status === 304) {
            pause = Math.min(pause * 1.25, LONGEST);
            return;
        }
        if (!answer.ok) {
            throw new Error(`status ${answer.status}`);
        }
        etag = answer.headers.get("ETag");
        pause = SHORTEST;
        const html = await answer.text();
        if (html.includes("data-ended")) {
            location.reload(); // the balance in the top bar may have changed too
            return;
        }
        box.innerHTML = html;
    }

    setTimeout(ask, SHORTEST);
})();
