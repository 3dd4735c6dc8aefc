// The player of a dub: a muted picture beside one sound for the original and for each language.
//
// Browsers can't switch sound tracks inside a file, so every language is an <audio> of its own. The
// sound that is heard leads; picture and background follow it and are kept within a tenth of a second.
//
// section#player gives, on itself:
//   place   {seconds, code, playing}   where it is; often while it plays
//   chosen  {code, tag}                another sound is heard
// and takes:
//   seek    {seconds, play}            go there; play: and go on from there
//   choose  {code}                     hear another sound, at the same place
//   mute    {}                         be silent, or be heard again
//   tracks  {page}                     take over the sounds that a newer copy of the page has
(() => {
    "use strict";

    const section = document.getElementById("player");
    if (!section) {
        return;
    }
    const { clock } = window.dubber;
    const FAR = 0.35; // seconds of drift from which a follower jumps
    const NEAR = 0.02; // below this it is left alone; in between it is led back by its speed
    const LOOK_MS = 120;
    const PATIENCE_MS = 8000;

    const part = (id) => document.getElementById(id);
    const picture = part("picture");
    const play = part("play");
    const seek = part("seek");
    const output = part("time");
    const trouble = part("trouble");
    const length = Number(section.dataset.seconds);
    const wanted = new URLSearchParams(location.search).get("language");
    const sounds = new Map();
    let heard = null;
    let wish = 0; // counts what is asked for, so that only the last wish is fulfilled
    let choice = 0; // the same of languages
    let playing = false;
    let rate = 1;
    let lead = 0.05; // how much a picture that jumps must jump ahead, as it showed so far

    // -- What there is -----------------------------------------------------------------------

    function take(box) {
        const [audio, beside] = box.querySelectorAll("audio");
        const sound = { code: box.dataset.track, tag: box.dataset.tag, box, audio, beside };
        audio.controls = false;
        audio.addEventListener("ended", () => sound === heard && stop());
        audio.addEventListener("waiting", () => sound === heard && pauseFollowers());
        audio.addEventListener("playing", () => sound === heard && playing && startFollowers());
        sounds.set(sound.code, sound);
        return sound;
    }

    const followers = () => [picture, heard && heard.beside].filter(Boolean);
    const place = () => (heard ? heard.audio.currentTime : 0);

    // Whether a medium can play from where it stands; waits for it, but not for ever.
    function ready(medium) {
        if (medium.readyState === 0) {
            medium.preload = "auto";
            medium.load();
        }
        return new Promise((resolve) => {
            const names = ["canplay", "seeked", "error", "loadeddata"];
            const timer = setTimeout(() => finish(medium.readyState > 1), PATIENCE_MS);
            const look = (event) => {
                const on = event?.target;
                const last = on?.parentNode === medium && !on.nextElementSibling;
                if (event?.type === "error" && (last || on === medium)) {
                    finish(false);
                } else if (medium.readyState > 2 && !medium.seeking) {
                    finish(true);
                }
            };
            function finish(fine) {
                clearTimeout(timer);
                names.forEach((name) => medium.removeEventListener(name, look, true));
                resolve(fine);
            }
            names.forEach((name) => medium.addEventListener(name, look, true));
            look(null);
        });
    }

    async function put(medium, seconds) {
        if (medium.readyState === 0 && !(await ready(medium))) {
            return false;
        }
        if (Math.abs(medium.currentTime - seconds) > 0.001) {
            medium.currentTime = Math.min(seconds, medium.duration || seconds);
        }
        return ready(medium);
    }

    // -- Playing -----------------------------------------------------------------------------

    async function start() {
        const mine = ++wish;
        playing = true;
        show();
        const at = place() >= length - 0.05 ? 0 : place();
        const fine = await put(heard.audio, at);
        await Promise.all(followers().map((one) => put(one, at)));
        if (mine !== wish) {
            return;
        }
        trouble.hidden = fine;
        if (!fine) {
            stop();
            return;
        }
        startFollowers();
        try {
            await heard.audio.play();
        } catch {
            stop(); // the browser wants a click first
        }
    }

    function stop() {
        wish += 1;
        playing = false;
        heard.audio.pause();
        pauseFollowers();
        show();
    }

    const pauseFollowers = () => followers().forEach((one) => one.pause());

    function startFollowers() {
        for (const one of followers()) {
            one.playbackRate = rate;
            if (one.currentTime < (one.duration || length)) {
                one.play().catch(() => {});
            }
        }
    }

    async function go(seconds, andPlay) {
        const at = Math.min(Math.max(seconds, 0), length);
        const again = playing || andPlay;
        const mine = ++wish;
        heard.audio.pause();
        pauseFollowers();
        await Promise.all([heard.audio, ...followers()].map((one) => put(one, at)));
        if (mine !== wish) {
            return;
        }
        tell();
        if (again) {
            await start();
        }
    }

    // The sound that is heard goes on until the other one is there, and hands its place over.
    async function choose(code) {
        const next = sounds.get(code);
        const before = heard;
        if (!next || next === before) {
            return;
        }
        const mine = ++choice;
        const fine = await put(next.audio, before.audio.currentTime);
        if (mine !== choice) {
            return;
        }
        trouble.hidden = fine;
        if (!fine) {
            return;
        }
        match(next.audio);
        if (playing && !before.audio.paused) {
            next.audio.muted = true;
            next.audio.currentTime = before.audio.currentTime;
            await next.audio.play().catch(() => {});
        }
        await put(next.audio, before.audio.currentTime);
        if (mine !== choice) {
            next.audio.pause();
            return;
        }
        if (!playing) {
            next.audio.pause();
        }
        settle(next, before);
    }

    function settle(next, before) {
        if (before) {
            before.audio.pause();
            before.beside?.pause();
        }
        heard = next;
        match(next.audio);
        next.audio.muted = muted;
        if (next.beside) {
            match(next.beside);
            next.beside.muted = muted;
        }
        if (playing) {
            next.audio.play().catch(stop);
            startFollowers();
        }
        give("chosen", { code: next.code, tag: next.tag });
        show();
        tell();
    }

    function match(medium) {
        medium.defaultPlaybackRate = rate;
        medium.playbackRate = rate;
        medium.volume = Number(part("volume").value);
    }

    // -- Keeping together --------------------------------------------------------------------

    function keep() {
        if (!playing || !heard || heard.audio.paused || heard.audio.seeking) {
            return;
        }
        for (const one of followers()) {
            const drift = one.currentTime - heard.audio.currentTime;
            if (one.seeking || one.ended || one.readyState < 2) {
                continue;
            }
            if (Math.abs(drift) > FAR) {
                jump(one);
            } else if (Math.abs(drift) > NEAR) {
                one.playbackRate = rate * (1 - Math.max(-0.2, Math.min(0.2, 2 * drift)));
            } else if (one.playbackRate !== rate) {
                one.playbackRate = rate;
            }
        }
    }

    function jump(one) {
        const begun = performance.now();
        one.currentTime = heard.audio.currentTime + lead * rate;
        one.playbackRate = rate;
        one.addEventListener(
            "seeked",
            () => {
                lead = Math.min(1, (lead + (performance.now() - begun) / 1000) / 2);
            },
            { once: true },
        );
    }

    // -- What is shown -----------------------------------------------------------------------

    const give = (name, detail) => section.dispatchEvent(new CustomEvent(name, { detail }));

    function tell() {
        const now = place();
        if (document.activeElement !== seek || !seek.matches(":active")) {
            seek.value = now;
        }
        const words = `${clock(now)} / ${clock(length)}`;
        if (output.textContent !== words) {
            output.textContent = words;
            seek.setAttribute("aria-valuetext", words);
        }
        give("place", { seconds: now, code: heard.code, playing });
    }

    function show() {
        section.classList.toggle("playing", playing);
        play.setAttribute("aria-label", playing ? play.dataset.pause : play.dataset.play);
        for (const button of section.querySelectorAll("[data-choose]")) {
            button.setAttribute("aria-pressed", String(button.dataset.choose === heard?.code));
        }
    }

    // -- Muting and the full screen -----------------------------------------------------------

    let muted = false;

    function toggleMute() {
        muted = !muted;
        part("muted").hidden = !muted;
        heard.audio.muted = muted;
        if (heard.beside) {
            heard.beside.muted = muted;
        }
    }

    function toggleFull() {
        if (document.fullscreenElement) {
            document.exitFullscreen();
        } else if (picture) {
            section.requestFullscreen().catch(() => {});
        }
    }

    // -- A language that has become ready ----------------------------------------------------

    const sources = (box) =>
        [...box.querySelectorAll("[src]")].map((one) => one.getAttribute("src")).join(" ");

    function takeOver(page) {
        for (const box of page.querySelectorAll("#player [data-track]")) {
            const known = sounds.get(box.dataset.track);
            if (known && sources(known.box) === sources(box)) {
                continue;
            }
            if (!known) {
                const button = page.querySelector(`[data-choose="${box.dataset.track}"]`);
                part("tracks").append(document.adoptNode(button));
            }
            replace(known, document.adoptNode(box), page);
            const meant = box.dataset.track === wanted || heard === original;
            if (meant && !playing && place() === 0) {
                choose(box.dataset.track);
            }
        }
        show();
    }

    function replace(known, box, page) {
        const at = place();
        if (known) {
            known.box.replaceWith(box);
        } else {
            section.append(box);
        }
        const fresh = take(box);
        if (known === heard) {
            stop();
            heard = fresh;
            put(heard.audio, at);
        }
        const track = page.getElementById(`captions-${box.dataset.track}`);
        if (picture && track) {
            part(track.id)?.remove();
            picture.append(document.adoptNode(track));
            give("chosen", { code: heard.code, tag: heard.tag }); // its captions too
        }
    }

    // -- Hands (keys are in player_keys.js) ----------------------------------------------------

    const toggle = () => (playing ? stop() : start());

    play.addEventListener("click", toggle);
    picture?.addEventListener("click", toggle);
    seek.addEventListener("input", () => go(Number(seek.value)));
    part("tracks").addEventListener("click", (event) => {
        const button = event.target.closest("[data-choose]");
        if (button) {
            choose(button.dataset.choose);
        }
    });
    part("rate").addEventListener("change", (event) => {
        rate = Number(event.target.value);
        [heard.audio, ...followers()].forEach((one) => {
            one.playbackRate = rate;
        });
    });
    part("volume").addEventListener("input", () => {
        [heard.audio, heard.beside].filter(Boolean).forEach(match);
    });
    part("full")?.addEventListener("click", toggleFull);
    section.addEventListener("seek", (event) => go(event.detail.seconds, event.detail.play));
    section.addEventListener("choose", (event) => choose(event.detail.code));
    section.addEventListener("mute", toggleMute);
    section.addEventListener("tracks", (event) => takeOver(event.detail.page));

    // -- Beginning ---------------------------------------------------------------------------

    section.querySelectorAll("[data-track]").forEach(take);
    if (picture) {
        picture.muted = true;
        picture.controls = false;
    }
    const [original, first] = sounds.values();
    settle(sounds.get(wanted) || first || original, null);
    heard.audio.preload = "metadata";
    setInterval(() => {
        keep();
        if (playing) {
            tell();
        }
    }, LOOK_MS);
})();
