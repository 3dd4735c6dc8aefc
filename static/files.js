// The two files of a new dub: looked at before they are sent, then sent straight to storage.
(() => {
    "use strict";

    const SUFFIXES = /\.(mp4|mov|mkv|webm|mp3|wav|m4a|aac|flac|ogg|opus)$/i;
    const MEGABYTE = 1024 * 1024;
    const { clock } = window.dubber;
    const { send, Refused } = window.dubber.transfer;
    const { begin, post, save, tell, persist, reason, hideWhatIsSent } = window.dubber.draft;
    const form = document.getElementById("new-dub");
    const said = document.getElementById("words").dataset;
    const lengths = {}; // seconds by role, as the browser reads them off the files
    const running = {}; // transfers by role

    form.querySelectorAll(".drop").forEach((drop) => {
        const input = drop.querySelector("input");
        const role = drop.dataset.role;
        const chosen = () => {
            if (input.files[0]) {
                take(role, input.files[0], drop.dataset);
                input.value = ""; // the same file can be chosen again
            }
        };
        input.addEventListener("change", chosen);
        chosen(); // before this script was there
        ["dragenter", "dragover"].forEach((kind) =>
            drop.addEventListener(kind, (event) => {
                event.preventDefault();
                drop.classList.add("over");
            }),
        );
        ["dragleave", "drop"].forEach((kind) =>
            drop.addEventListener(kind, () => drop.classList.remove("over")),
        );
        drop.addEventListener("drop", (event) => {
            event.preventDefault();
            if (event.dataTransfer.files[0]) {
                take(role, event.dataTransfer.files[0], drop.dataset);
            }
        });
    });

    // A file that is dropped beside its place must not make the browser leave the page.
    ["dragover", "drop"].forEach((kind) =>
        window.addEventListener(kind, (event) => event.preventDefault()),
    );

    async function take(role, file, limits) {
        refuse(role, "");
        running[role]?.abort();
        const control = new AbortController();
        running[role] = control;
        const box = transferOf(role);
        box.begin(file);
        try {
            const seconds = await check(role, file, limits);
            box.length(seconds);
            control.signal.throwIfAborted();
            await begin();
            const issue = () => issued(role, file);
            const address = await persist(issue, control.signal);
            await send(file, address, { told: box, renew: issue, signal: control.signal });
            box.checking();
            delete running[role];
            await save();
        } catch (error) {
            if (!control.signal.aborted) {
                refuse(role, reason(error));
            }
        } finally {
            if (running[role] === control) {
                delete running[role];
            }
            if (!running[role]) {
                box.end();
            }
        }
    }

    async function issued(role, file) {
        const body = new FormData();
        body.set("role", role);
        body.set("name", file.name);
        body.set("size", file.size);
        body.set("type", file.type || "application/octet-stream");
        body.set("modified", file.lastModified);
        return (await post(`${form.dataset.draft}/files`, body)).json();
    }

    // What can be known before anything is sent. Throws Refused; gives the length if it is known.
    async function check(role, file, limits) {
        if (!SUFFIXES.test(file.name) && !/^(audio|video)\//.test(file.type)) {
            throw new Refused(said.type);
        }
        if (!file.size) {
            throw new Refused(said.empty);
        }
        if (file.size > Number(limits.largest)) {
            const words = { actual: whole(file.size), limit: whole(limits.largest) };
            throw new Refused(fill(said.large, words));
        }
        const seconds = await lengthOf(file);
        if (seconds === null) {
            delete lengths[role];
            return null; // the browser can't read it; perhaps we can
        }
        if (seconds * 1000 > Number(limits.longest)) {
            const words = { actual: clock(seconds), limit: clock(limits.longest / 1000) };
            throw new Refused(fill(said.long, words));
        }
        if (seconds < 1) {
            throw new Refused(said.short);
        }
        compare({ ...known(), [role]: seconds });
        lengths[role] = seconds;
        return seconds;
    }

    function compare({ voice, background }) {
        if (voice && background && Math.abs(voice - background) > 1) {
            const words = { voice: voice.toFixed(1), background: background.toFixed(1) };
            throw new Refused(fill(said.mismatch, words));
        }
    }

    // The lengths of the files that are here, as they were measured, else as they were read.
    function known() {
        const found = {};
        for (const role of ["voice", "background"]) {
            const measured = document.getElementById(`file-${role}`).dataset.lengthMs;
            if (measured || running[role]) {
                found[role] = measured ? Number(measured) / 1000 : lengths[role];
            }
        }
        return found;
    }

    function lengthOf(file) {
        return new Promise((resolve) => {
            const player = document.createElement("video");
            const end = (seconds) => {
                URL.revokeObjectURL(player.src);
                resolve(seconds);
            };
            player.preload = "metadata";
            player.addEventListener("loadedmetadata", () =>
                end(Number.isFinite(player.duration) ? player.duration : null),
            );
            player.addEventListener("error", () => end(null));
            player.src = URL.createObjectURL(file);
        });
    }

    function refuse(role, sentence) {
        const place = form.querySelector(`[data-refused="${role}"]`);
        place.textContent = sentence;
        place.hidden = !sentence;
        place.toggleAttribute("data-unread", Boolean(sentence));
        tell("");
    }

    // Shows how far a file is.
    function transferOf(role) {
        const box = form.querySelector(`[data-transfer="${role}"]`);
        const find = (name) => box.querySelector(`[data-${name}]`);
        const bar = box.querySelector("progress");
        find("stop").onclick = () => {
            running[role]?.abort();
            delete running[role];
            box.hidden = true;
            hideWhatIsSent();
            save();
        };
        return {
            begin(file) {
                find("name").textContent = file.name;
                find("length").textContent = "";
                find("figures").textContent = said.starting;
                find("waiting").hidden = true;
                bar.value = 0;
                box.hidden = false;
                hideWhatIsSent();
            },
            length(seconds) {
                find("length").textContent = seconds === null ? "" : clock(seconds);
            },
            progress({ sent, total, speed, left }) {
                bar.value = (sent / total) * 100;
                find("waiting").hidden = true;
                find("figures").textContent = fill(said.sending, {
                    percent: Math.floor((sent / total) * 100),
                    speed: (speed / MEGABYTE).toFixed(1),
                    left: left === null ? "…" : inWords(left),
                });
            },
            waiting(seconds) {
                find("figures").textContent = "";
                find("waiting").hidden = false;
                find("waiting").textContent =
                    seconds === null ? said.lost : fill(said.again, { seconds });
            },
            checking() {
                bar.removeAttribute("value");
                find("figures").textContent = said.checking;
            },
            end() {
                box.hidden = true;
                hideWhatIsSent();
            },
        };
    }

    function fill(sentence, words) {
        return sentence.replace(/\{(\w+)\}/g, (_, name) => words[name]);
    }

    function inWords(seconds) {
        return seconds < 90
            ? fill(said.seconds, { n: Math.ceil(seconds) })
            : fill(said.minutes, { n: Math.round(seconds / 60) });
    }

    function whole(bytes) {
        return Math.round(Number(bytes) / MEGABYTE);
    }

    window.addEventListener("beforeunload", (event) => {
        if (Object.keys(running).length) {
            event.preventDefault();
        }
    });
    window.dubber = { ...window.dubber, files: { running } };
})();
