// Shows what a button would do as a dialog, in place of a page of its own, and waits for files that
// are made when somebody asks for them.
(() => {
    "use strict";

    const dialog = document.getElementById("dialog");
    const WAIT_MS = 3000;
    const MOST_TURNS = 100;
    const WAYS = { redirect: "manual", cache: "no-store" };

    async function ask(link) {
        const answer = await fetch(link.href, { cache: "no-store", redirect: "error" });
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const question = page.getElementById("confirm");
        if (!answer.ok || !question) {
            throw new Error(`status ${answer.status}`);
        }
        dialog.replaceChildren(...document.adoptNode(question).childNodes);
        dialog.showModal();
    }

    async function fetchMade(link) {
        const status = link.parentNode.querySelector("[role=status]");
        status.textContent = link.dataset.making;
        for (let turn = 0; turn < MOST_TURNS; turn += 1) {
            const answer = await fetch(link.href, WAYS).catch(() => null); // no connection just now
            if (answer?.type === "opaqueredirect") {
                status.textContent = "✓";
                location.assign(link.href);
                return;
            }
            if (answer && answer.status !== 202 && answer.status !== 429 && answer.status < 500) {
                break; // asking again won't change it
            }
            await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
        }
        status.textContent = link.dataset.failed;
    }

    document.addEventListener("click", (event) => {
        const link = event.target.closest("a[data-dialog], a[data-close], a[data-made-on-demand]");
        if (!link || event.ctrlKey || event.metaKey || event.shiftKey) {
            return;
        }
        if (link.dataset.dialog !== undefined && dialog) {
            event.preventDefault();
            ask(link).catch(() => location.assign(link.href));
        } else if (link.dataset.close !== undefined && dialog && dialog.open) {
            event.preventDefault();
            dialog.close();
        } else if (link.dataset.madeOnDemand !== undefined) {
            event.preventDefault();
            fetchMade(link);
        }
    });

    // What the languages that are ticked cost together, on the button that pays for them, and whether
    // the balance and the plan allow for them.
    document.addEventListener("change", (event) => {
        const box = event.target.closest(".adding");
        if (!box) {
            return;
        }
        const ticked = [...box.querySelectorAll(":checked")];
        const sum = ticked.reduce((credits, one) => credits + Number(one.dataset.credits), 0);
        const short = sum > Number(box.dataset.balance);
        const many = ticked.length > Number(box.dataset.room);
        document.getElementById("adding-sum").textContent = sum || "";
        document.getElementById("adding-sum").closest("button").disabled = short || many;
        document.getElementById("adding-room").hidden = !many;
        document.getElementById("adding-credits").hidden = !short;
    });

    dialog?.addEventListener("submit", (event) => {
        event.submitter?.setAttribute("aria-busy", "true");
    });
})();
