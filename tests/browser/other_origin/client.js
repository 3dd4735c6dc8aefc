// A front end that knows of the site nothing but its API. `?site=` names it.
(() => {
    "use strict";

    const site = new URLSearchParams(location.search).get("site");
    const SEEN = [
        "ETag", "Location", "Retry-After", "X-Total-Count", "X-Request-ID", "X-RateLimit-Remaining",
    ];
    const PAUSE_MS = 1500;
    const PART = 100_000;
    let token = "";

    // What a script on this page can see of an answer.
    const seen = async (answer) => {
        const text = await answer.text();
        const headers = SEEN.filter((name) => answer.headers.has(name));
        return {
            status: answer.status,
            body: text ? JSON.parse(text) : null,
            headers: Object.fromEntries(headers.map((name) => [name, answer.headers.get(name)])),
        };
    };

    const ask = async (method, path, body, headers = {}) => {
        const sent = { "Content-Type": "application/json", ...headers };
        if (token) {
            sent.Authorization = `Bearer ${token}`;
        }
        const content = body === undefined ? undefined : JSON.stringify(body);
        return seen(await fetch(site + path, { method, headers: sent, body: content }));
    };

    const signIn = async (email, password) => {
        const answer = await ask("POST", "/api/auth/login", { email, password });
        token = answer.status === 200 ? answer.body.access_token : "";
        return answer;
    };

    // Sends the beginning only, as if the connection had been lost; asks how far it came; goes on.
    const upload = async (url, file) => {
        const put = async (first, last) => {
            const body = first === null ? undefined : file.slice(first, last);
            const span = first === null ? "*" : `${first}-${last - 1}`;
            const headers = {
                "Content-Type": "application/octet-stream",
                "Content-Range": `bytes ${span}/${file.size}`,
            };
            return seen(await fetch(url, { method: "PUT", headers, body }));
        };
        const begun = await put(0, PART);
        const held = (await put(null)).body.received;
        const ended = await put(held, file.size);
        return [begun.status, held, ended.status];
    };

    const order = async (file, language) => {
        const issued = await ask("POST", "/api/jobs/upload-urls", {
            languages: [language], voice_track_name: file.name, sizes: { voice: file.size },
        });
        say("upload", await upload(issued.body.upload_urls.voice_track, file));
        return ask("POST", "/api/jobs/", {
            job_id: issued.body.job_id,
            voice_track_uploaded: true,
            background_track_uploaded: false,
            languages: [language],
        });
    };

    const wait = async (jobId) => {
        let etag = "", unchanged = 0;
        for (;;) {
            const known = etag ? { "If-None-Match": etag } : {};
            const answer = await ask("GET", `/api/jobs/${jobId}`, undefined, known);
            unchanged += answer.status === 304;
            etag = answer.headers.ETag || etag;
            const ended = answer.body && ["complete", "error"].includes(answer.body.status);
            // Once more with what is known by then: nothing changes any more.
            if (ended) {
                const last = await ask("GET", `/api/jobs/${jobId}/`, undefined, { "If-None-Match": etag });
                return { job: answer.body, unchanged: unchanged + (last.status === 304) };
            }
            await new Promise((done) => setTimeout(done, PAUSE_MS));
        }
    };

    const say = (what, value) => {
        const line = document.createElement("li");
        line.dataset.what = what;
        line.textContent = JSON.stringify(value);
        document.querySelector("#log").append(line);
    };

    const dub = async (fields) => {
        say("login", (await signIn(fields.email.value, fields.password.value)).status);
        const made = await order(fields.file.files[0], fields.language.value);
        say("order", made);
        const { job, unchanged } = await wait(made.body.job_id);
        say("job", { status: job.status, message: job.message, unchanged });
        say("list", await ask("GET", "/api/jobs"));
        const link = job.download_urls[fields.language.value].full;
        const sound = await (await fetch(link)).arrayBuffer();
        say("bytes", sound.byteLength);
        const result = document.querySelector("#result");
        result.href = link;
        result.hidden = false;
    };

    document.querySelector("#dub").addEventListener("submit", (event) => {
        event.preventDefault();
        dub(event.target.elements).catch((error) => say("failed", String(error)));
    });
    window.frontEnd = { ask, signIn, order };
})();
