// Sends a file straight to storage. What breaks off goes on where it stopped, by itself: on our own
// storage from the last byte that came, on S3 from the start.
(() => {
    "use strict";

    const FIRST_PAUSE = 1000;
    const LONGEST_PAUSE = 30000;
    const STALLED_AFTER = 30000;
    const MOST_RENEWED = 2; // times in a row that a new address is asked for
    const WINDOW = 4000; // milliseconds over which the speed is taken

    class Refused extends Error {}

    // told: { progress({sent, total, speed, left}), waiting(seconds) }; seconds is null while the
    // browser knows that it is offline. renew() gives another address where the
    // first has expired. Resolves when all of the file is there.
    async function send(file, address, { told, renew, signal }) {
        let { url, resumes } = address;
        let sent = resumes ? address.received : 0;
        let pause = FIRST_PAUSE;
        let renewed = 0;
        while (sent < file.size) {
            const before = sent;
            const outcome = await put(file, url, { from: sent, resumes, told, signal });
            sent = outcome.received ?? (resumes ? null : 0);
            if (outcome.done) {
                return;
            }
            renewed = outcome.expired ? renewed + 1 : 0;
            if (renewed > MOST_RENEWED) {
                throw new Refused(outcome.reason);
            }
            if (outcome.expired) {
                ({ url, resumes } = await renew());
            }
            for (;;) {
                await rest(outcome.wait ?? pause, told.waiting, signal);
                sent = sent ?? (await ask(file, url, signal));
                if (sent !== null) {
                    break;
                }
                pause = Math.min(pause * 2, LONGEST_PAUSE);
            }
            pause = sent > before ? FIRST_PAUSE : Math.min(pause * 2, LONGEST_PAUSE);
        }
    }

    // One request with the rest of the file. Throws Refused where sending again can't help.
    function put(file, url, { from, resumes, told, signal }) {
        return new Promise((resolve, reject) => {
            const request = new XMLHttpRequest();
            const speed = speedometer(from);
            let stalled = null;
            const alive = () => {
                clearTimeout(stalled);
                stalled = setTimeout(() => request.abort(), STALLED_AFTER);
            };
            const stop = () => request.abort();
            request.upload.addEventListener("progress", (event) => {
                alive();
                told.progress({ total: file.size, ...speed(from + event.loaded, file.size) });
            });
            request.addEventListener("loadend", () => {
                clearTimeout(stalled);
                signal.removeEventListener("abort", stop);
                try {
                    signal.throwIfAborted();
                    resolve(outcomeOf(request, resumes));
                } catch (error) {
                    reject(error);
                }
            });
            request.open("PUT", url);
            request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
            if (resumes && from > 0) {
                request.setRequestHeader("Content-Range", `bytes ${from}-${file.size - 1}/${file.size}`);
            }
            signal.addEventListener("abort", stop);
            alive();
            request.send(from > 0 ? file.slice(from, file.size, file.type) : file);
        });
    }

    function outcomeOf(request, resumes) {
        const told = readJson(request.responseText);
        if (request.status >= 200 && request.status < 300) {
            const whole = told.size === undefined || told.received === told.size;
            return whole ? { done: true } : { received: told.received };
        }
        const received = told.details?.received;
        const reason = told.message;
        // S3, where nothing resumes, refuses an address that has expired like one that is wrong.
        if (request.status === 410 || (request.status === 403 && !resumes)) {
            return { expired: true, received: 0, reason };
        }
        const passes = [0, 408, 409, 429].includes(request.status) || request.status >= 500;
        if (passes || received !== undefined) {
            const wait = Number(request.getResponseHeader("Retry-After")) * 1000;
            return { received, wait: wait || undefined };
        }
        throw new Refused(reason);
    }

    // How many bytes are there; null when nobody answers.
    async function ask(file, url, signal) {
        try {
            const answer = await fetch(url, {
                method: "PUT",
                headers: { "Content-Range": `bytes */${file.size}` },
                signal,
            });
            const told = await answer.json();
            return told.received ?? null;
        } catch {
            signal.throwIfAborted();
            return null;
        }
    }

    // Waits so long, or while the browser is offline until it no longer is.
    function rest(milliseconds, told, signal) {
        return new Promise((resolve, reject) => {
            const offline = !navigator.onLine;
            told(offline ? null : Math.round(milliseconds / 1000));
            const timer = offline ? null : setTimeout(end, milliseconds);
            window.addEventListener("online", end);
            signal.addEventListener("abort", end);
            function end() {
                clearTimeout(timer);
                window.removeEventListener("online", end);
                signal.removeEventListener("abort", end);
                if (signal.aborted) {
                    reject(signal.reason);
                } else {
                    resolve();
                }
            }
        });
    }

    // Bytes a second over the last seconds, and the seconds that are left at that speed.
    function speedometer(from) {
        const seen = [{ at: performance.now(), sent: from }];
        return (sent, total) => {
            const now = performance.now();
            seen.push({ at: now, sent });
            while (seen.length > 2 && now - seen[0].at > WINDOW) {
                seen.shift();
            }
            const seconds = (now - seen[0].at) / 1000;
            const speed = seconds > 0 ? (sent - seen[0].sent) / seconds : 0;
            return { sent, speed, left: speed > 0 ? (total - sent) / speed : null };
        };
    }

    function readJson(text) {
        try {
            return JSON.parse(text) ?? {};
        } catch {
            return {};
        }
    }

    window.dubber = { ...window.dubber, transfer: { send, Refused } };
})();
