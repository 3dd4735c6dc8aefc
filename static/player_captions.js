// Captions over the picture of the player: those of the language that is heard, unless switched off.
(() => {
    "use strict";

    const section = document.getElementById("player");
    const button = document.getElementById("captions");
    if (!section || !button) {
        return;
    }
    const KEPT = "captions";
    const picture = document.getElementById("picture");
    let on = localStorage.getItem(KEPT) !== "off";
    let code = section.querySelector("[data-choose][aria-pressed=true]")?.dataset.choose;

    function show() {
        button.setAttribute("aria-pressed", String(on));
        for (const track of picture.querySelectorAll("track")) {
            const mode = on && track.id === `captions-${code}` ? "showing" : "disabled";
            if (track.track.mode !== mode) {
                track.track.mode = mode;
            }
        }
    }

    button.addEventListener("click", () => {
        on = !on;
        localStorage.setItem(KEPT, on ? "on" : "off");
        show();
    });
    section.addEventListener("chosen", (event) => {
        code = event.detail.code;
        show();
    });
    // Where captions are added, browsers choose anew by themselves which ones they show as well.
    picture.textTracks.addEventListener("change", show);
    show();
})();
