// The page of a new dub: captions, languages, the glossary, and the launch.
(() => {
    "use strict";

    const { begin, post, choices, save, show, tell, forget, reason, addTerm } = window.dubber.draft;
    const { running } = window.dubber.files;
    const form = document.getElementById("new-dub");
    const said = document.getElementById("words").dataset;
    const launch = document.getElementById("launch");
    const DOUBLE_CLICK = 1000; // milliseconds

    form.elements.captions.addEventListener("change", async (event) => {
        const file = event.target.files[0];
        if (!file) {
            return;
        }
        const body = new FormData();
        body.set("captions", file);
        try {
            await begin();
            show(await (await post(`${form.dataset.draft}/captions`, body)).text());
        } catch (error) {
            tell(reason(error));
        }
        event.target.value = "";
    });

    form.addEventListener("click", async (event) => {
        const button = event.target.closest("[data-remove]");
        if (!button) {
            return;
        }
        event.preventDefault();
        try {
            show(await (await post(button.formAction, choices())).text());
            form.querySelector(".drop input").focus();
        } catch (error) {
            tell(reason(error));
        }
    });

    const boxes = [...form.querySelectorAll("[name=languages]")];
    const find = document.getElementById("find-language");
    const plain = (words) => words.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

    find.addEventListener("input", () => {
        const wanted = plain(find.value.trim());
        const rows = [...form.querySelectorAll(".language")];
        rows.forEach((row) => {
            row.hidden = !plain(row.dataset.search).includes(wanted);
        });
        document.getElementById("no-language").hidden = rows.some((row) => !row.hidden);
    });

    form.addEventListener("click", (event) => {
        if (!event.target.closest("#affordable")) {
            return;
        }
        const spoken = form.elements.source_language.value;
        // Where it is still to be heard, the language of the page is the likeliest: it comes last.
        const likely = (box) => Number(!spoken && box.value === document.documentElement.lang);
        const price = (box) =>
            Number(document.getElementById(`price-${box.value}`).dataset.credits ?? Infinity);
        const sorted = boxes
            .filter((box) => box.value !== spoken)
            .sort((one, other) => likely(one) - likely(other) || price(one) - price(other));
        let left = Number(form.dataset.balance);
        let most = Number(form.dataset.most);
        boxes.forEach((box) => {
            box.checked = false;
        });
        for (const box of sorted) {
            if (most > 0 && price(box) <= left) {
                box.checked = true;
                left -= price(box);
                most -= 1;
            }
        }
        save();
    });

    document.getElementById("add-term").addEventListener("click", () => {
        addTerm().querySelector("input").focus();
    });

    form.addEventListener("submit", async (event) => {
        event.preventDefault();
        if (event.submitter !== launch) {
            save(); // the Enter key in a field
            return;
        }
        if (launch.getAttribute("aria-disabled") === "true") {
            return;
        }
        if (Object.keys(running).length) {
            tell(said.wait);
            return;
        }
        if (leftOut()) {
            return;
        }
        const label = launch.textContent;
        launch.setAttribute("aria-disabled", "true");
        launch.textContent = said.launching;
        const ended = await attempt();
        if (!ended) {
            launch.removeAttribute("aria-disabled");
            launch.textContent = label;
        }
    });

    // A dub is paid for: whoever chose a file that was refused is told, once, that it goes without.
    // The second half of a double click is no answer to that.
    let asked = -Infinity;

    function leftOut() {
        const unread = [...form.querySelectorAll("[data-unread]")];
        if (unread.length) {
            unread.forEach((place) => place.removeAttribute("data-unread"));
            asked = performance.now();
            tell(said.leftOut);
        }
        return performance.now() - asked < DOUBLE_CLICK;
    }

    // Leads eyes, keyboard and screen reader to what is wrong; the next Tab leads to what mends it.
    function pointOut(wrong) {
        if (wrong) {
            wrong.tabIndex = -1;
            wrong.focus();
            wrong.scrollIntoView({ block: "center" });
        }
    }

    async function attempt() {
        try {
            await begin();
            const told = await (await post(form.dataset.draft, choices())).json();
            if (told.parts) {
                show(told.parts);
                pointOut(form.querySelector(".problem p, .sent .wrong, #sum .wrong"));
                return false;
            }
            forget();
            launch.textContent = said.launched;
            await window.dubber.launch.settle(form);
            location.assign(told.url);
            return true;
        } catch (error) {
            tell(reason(error, said.unlaunched));
            return false;
        }
    }
})();
