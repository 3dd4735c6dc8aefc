// What every page has: the theme switch, the account menu, which closes like a menu, a word when the
// network is gone, flags where a font draws them, forms that a double click sends once, and how a time
// is written.
(() => {
    "use strict";

    // A time as people write it: 1:04, or 1:02:03; to the nearest second.
    function clock(seconds) {
        const whole = Math.round(seconds);
        const two = (number) => String(number).padStart(2, "0");
        const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
        const rest = two(whole % 60);
        return hours ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
    }

    window.dubber = { ...window.dubber, clock };

    const YEAR = 365 * 24 * 3600;
    const root = document.documentElement;

    // The server writes the chosen theme into the page, so that it is there from the first paint.
    function choose(theme) {
        const secure = location.protocol === "https:" ? "; secure" : "";
        const age = theme === "system" ? 0 : YEAR;
        document.cookie = `theme=${theme}; path=/; max-age=${age}; samesite=lax${secure}`;
        if (theme === "system") {
            delete root.dataset.theme;
        } else {
            root.dataset.theme = theme;
        }
    }

    function mark(themes) {
        const chosen = root.dataset.theme || "system";
        for (const button of themes.querySelectorAll("button")) {
            button.setAttribute("aria-pressed", String(button.value === chosen));
        }
    }

    const themes = document.getElementById("themes");
    if (themes) {
        mark(themes);
        themes.hidden = false;
        themes.addEventListener("click", (event) => {
            if (event.target.value) {
                choose(event.target.value);
                mark(themes);
            }
        });
    }

    // Many systems have no flags: there a flag is two boxes, or two letters beside each other.
    function drawsFlags() {
        const context = document.createElement("canvas").getContext("2d");
        context.font = "32px sans-serif";
        const width = (text) => context.measureText(text).width;
        return width("🇪🇸") < width("🇪") + width("🇸") - 1;
    }

    if (document.querySelector(".country") && drawsFlags()) {
        root.dataset.flags = "";
    }

    const offline = document.getElementById("no-network");
    const look = () => {
        offline.hidden = navigator.onLine;
    };
    window.addEventListener("online", look);
    window.addEventListener("offline", look);
    look();

    // A second click, while the first one is answered, must not make or pay something twice.
    const AGAIN = 5000; // milliseconds
    const sent = new Map();
    document.addEventListener("submit", (event) => {
        const form = event.target;
        if (event.defaultPrevented || form.method !== "post") {
            return;
        }
        if (performance.now() - (sent.get(form) ?? -Infinity) < AGAIN) {
            event.preventDefault();
        } else {
            sent.set(form, performance.now());
        }
    });
    window.addEventListener("pageshow", () => sent.clear());

    // Where a form was answered by a page of its own, loading that again must not send the form again.
    const answered = document.querySelector("[data-address]");
    if (answered) {
        history.replaceState(null, "", answered.dataset.address);
    }

    function close(menu) {
        const inside = menu.contains(document.activeElement);
        menu.open = false;
        if (inside) {
            menu.querySelector("summary").focus();
        }
    }

    document.addEventListener("keydown", (event) => {
        if (event.key === "Escape") {
            document.querySelectorAll("details.menu[open]").forEach(close);
        }
    });
    document.addEventListener("click", (event) => {
        for (const menu of document.querySelectorAll("details.menu[open]")) {
            if (!menu.contains(event.target)) {
                menu.open = false;
            }
        }
    });
})();
