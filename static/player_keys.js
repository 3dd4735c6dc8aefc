// The keys of the player, for as long as the focus is inside it.
(() => {
    "use strict";

    const section = document.getElementById("player");
    if (!section) {
        return;
    }
    const SHORT_STEP = 5;
    const LONG_STEP = 10;

    const press = (id) => document.getElementById(id)?.click();
    const give = (name, detail = {}) => section.dispatchEvent(new CustomEvent(name, { detail }));
    const go = (seconds) => give("seek", { seconds });
    const place = () => Number(document.getElementById("seek").value);
    const nth = (key) => section.querySelectorAll("[data-choose]")[Number(key) - 1];

    const KEYS = {
        " ": () => press("play"),
        k: () => press("play"),
        ArrowLeft: () => go(place() - SHORT_STEP),
        ArrowRight: () => go(place() + SHORT_STEP),
        j: () => go(place() - LONG_STEP),
        l: () => go(place() + LONG_STEP),
        n: () => give("step", { by: 1 }),
        p: () => give("step", { by: -1 }),
        c: () => press("captions"),
        m: () => give("mute"),
        f: () => press("full"),
        Home: () => go(0),
        End: () => go(Number(section.dataset.seconds)),
    };

    section.addEventListener("keydown", (event) => {
        const pressed = event.key === " " && event.target.matches("button, summary");
        const own = pressed || event.target.matches("select, #volume");
        if (own || event.ctrlKey || event.altKey || event.metaKey) {
            return;
        }
        const button = /^[1-9]$/.test(event.key) && nth(event.key);
        const act = KEYS[event.key] || KEYS[event.key.toLowerCase()] || (button && (() => button.click()));
        if (act) {
            event.preventDefault();
            act();
        }
    });
})();
