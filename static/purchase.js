// Waits for a payment that is still at the bank: asks every 2 s, later less often, while the page is
// hidden not at all, and shows the page anew once there is something to say.
(() => {
    "use strict";

    const SHORTEST = 2000;
    const LONGEST = 15000;
    const box = document.querySelector("[data-coming]");
    let pause = SHORTEST;

    async function ask() {
        if (document.hidden) {
            document.addEventListener("visibilitychange", ask, { once: true });
            return;
        }
        try {
            const answer = await fetch(box.dataset.coming, { cache: "no-store", redirect: "error" });
            const state = await answer.json();
            if (answer.ok && !state.coming) {
                location.reload();
                return;
            }
        } catch {
            // No network for a moment, or a page in place of an answer: the next one will tell.
        }
        pause = Math.min(pause * 1.25, LONGEST);
        setTimeout(ask, pause);
    }

    setTimeout(ask, SHORTEST);
})();
