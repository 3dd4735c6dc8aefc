// Shows what the chosen languages will cost, from the length that the browser reads off the file.
// The server measures again and has the last word.
(() => {
    "use strict";

    const form = document.querySelector("[data-quote]");
    const voice = form.elements.voice;
    const empty = form.querySelector("[data-quote-empty]");
    const table = form.querySelector("[data-quote-table]");
    const short = form.querySelector("[data-quote-short]");
    const launch = form.querySelector("button[type=submit]");
    const balance = Number(form.dataset.balance);
    let tenths = null;

    voice.addEventListener("change", () => {
        tenths = null;
        show();
        const file = voice.files[0];
        if (!file) {
            return;
        }
        const player = document.createElement("video");
        player.preload = "metadata";
        player.addEventListener("loadedmetadata", () => {
            if (file === voice.files[0] && Number.isFinite(player.duration)) {
                tenths = Math.round(player.duration * 10);
                show();
            }
            URL.revokeObjectURL(player.src);
        });
        player.addEventListener("error", () => URL.revokeObjectURL(player.src));
        player.src = URL.createObjectURL(file);
    });
    form.addEventListener("change", show);
    form.addEventListener("submit", () => {
        launch.disabled = true;
    });
    window.addEventListener("pageshow", () => {
        launch.disabled = false;
    });

    function show() {
        const chosen = [...form.querySelectorAll("[name=languages]:checked")];
        const known = tenths !== null && chosen.length > 0;
        table.hidden = !known;
        empty.hidden = known;
        short.hidden = true;
        if (!known) {
            return;
        }
        const prices = chosen.map((box) => Math.ceil((tenths * Number(box.dataset.tenths)) / 1000));
        const sum = prices.reduce((total, price) => total + price, 0);
        table.tBodies[0].replaceChildren(...chosen.map((box, n) => row(box.dataset.name, prices[n])));
        form.querySelector("[data-quote-sum]").textContent = sum;
        form.querySelector("[data-quote-after]").textContent = balance - sum;
        short.hidden = sum <= balance;
    }

    function row(name, price) {
        const line = document.createElement("tr");
        const head = document.createElement("th");
        const cell = document.createElement("td");
        head.scope = "row";
        head.textContent = name;
        cell.className = "number";
        cell.textContent = price;
        line.append(head, cell);
        return line;
    }
})();
