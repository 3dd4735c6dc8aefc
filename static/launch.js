// What one sees when a dub is launched: its credits leave the balance and settle on each language.
(() => {
    "use strict";

    const FLIGHT = 200; // milliseconds, of each language
    const BETWEEN = 80;

    // Resolves when all credits have arrived; at once where motion is not wanted.
    async function settle(form) {
        const lines = [...form.querySelectorAll("#quote [data-line]")];
        const balance = document.querySelector(".balance b");
        let left = Number(balance?.textContent);
        const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
        await Promise.all(
            lines.map(async (line, n) => {
                if (!still && balance) {
                    await pause(n * BETWEEN);
                    await fly(balance, line);
                }
                line.classList.add("paid");
                left -= Number(line.dataset.line);
                if (balance && !Number.isNaN(left)) {
                    balance.textContent = left;
                }
            }),
        );
    }

    function fly(from, line) {
        const start = from.getBoundingClientRect();
        const end = line.lastElementChild.getBoundingClientRect();
        const coin = document.createElement("span");
        coin.className = "coin";
        coin.textContent = line.dataset.line;
        coin.setAttribute("aria-hidden", "true");
        document.body.append(coin);
        const place = (box) => `translate(${box.right - coin.offsetWidth}px, ${box.top}px)`;
        const flight = coin.animate([{ transform: place(start) }, { transform: place(end) }], {
            duration: FLIGHT,
            easing: "cubic-bezier(.3, 0, .2, 1)",
            fill: "forwards",
        });
        return flight.finished.finally(() => coin.remove());
    }

    function pause(milliseconds) {
        return new Promise((resolve) => setTimeout(resolve, milliseconds));
    }

    window.dubber = { ...window.dubber, launch: { settle } };
})();
