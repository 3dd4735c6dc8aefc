// The timeline that templates/_timeline.html drew: what can be done with it.
//
// figure.timeline gives one event, which bubbles; times are seconds:
//   line    {id, start}   somebody chose a line, by click or by keyboard (where data-playable is set)
// and takes three:
//   time    {seconds}     move the playhead there; the window follows it
//   choose  {id}          mark a line; null marks none
//   lines   {lines}       draw these: what script#NAME-lines holds, in the same shape; jobs/timeline.py
//                         says what it is. A tint may be left out, it follows from the speed.
// Whoever puts a timeline into the page later fires the event “timelines” on the document.
(() => {
    "use strict";

    const SVG = "http://www.w3.org/2000/svg";
    const QUICK = 1.03; // as in jobs/timeline.py
    const FAST = 1.15;
    const known = new WeakMap();
    const { clock } = window.dubber;

    const times = (speed) =>
        speed && Math.abs(speed - 1) >= 0.005 ? `${speed.toFixed(2)}×` : "";

    function tintOf(line) {
        if (line.now_start === null || line.now_end === null) {
            return "waiting";
        }
        const speed = line.speed || 1;
        return speed > FAST ? "fast" : speed > QUICK ? "quick" : "natural";
    }

    // -- Drawing -----------------------------------------------------------------------------

    function shape(parent, name, attributes) {
        const made = document.createElementNS(SVG, name);
        for (const [key, value] of Object.entries(attributes)) {
            made.setAttribute(key, value);
        }
        return parent.appendChild(made);
    }

    function titled(lane, line, text) {
        const group = shape(lane, "g", { "data-line": line.id });
        shape(group, "title", {}).textContent = text;
        return group;
    }

    function drawNow(figure, lane, line, place) {
        const group = titled(lane, line, `${line.now} ${times(line.speed)}`);
        const tint = line.tint || tintOf(line);
        const from = tint === "waiting" ? line.start : line.now_start;
        const to = tint === "waiting" ? line.end : line.now_end;
        const box = { y: 56, height: 30, rx: 4 };
        group.setAttribute("class", tint);
        shape(group, "rect", { x: place(from), width: place(to - from), ...box });
        if (tint !== "waiting" && line.borrowed) {
            const taken = Math.min(line.borrowed, to - from);
            const fill = `url(#${figure.id}-hatch)`;
            const ends = { x: place(to - taken), width: place(taken) };
            shape(group, "rect", { class: "borrowed", ...ends, ...box, fill });
        }
        if (line.flags.length) {
            const flag = { class: "flag", x: place(from), y: 41, width: 12, height: 13 };
            shape(shape(group, "svg", flag), "path", { d: "M1 13V1l10 3.5L2 8" });
        }
    }

    function draw(figure, lines) {
        const seconds = Number(figure.dataset.seconds);
        const place = (at) => `${((100 * at) / seconds).toFixed(3)}%`;
        const said = figure.querySelector("svg > .said");
        const now = figure.querySelector("svg > .now");
        said.replaceChildren();
        now.replaceChildren();
        for (const line of lines) {
            shape(titled(said, line, line.said), "rect", {
                x: place(line.start),
                y: 8,
                width: place(line.end - line.start),
                height: 30,
                rx: 4,
            });
            drawNow(figure, now, line, place);
        }
    }

    // -- Playhead and choice -----------------------------------------------------------------

    function moveTo(figure, seconds) {
        const pane = figure.querySelector(".timeline-window");
        const playhead = figure.querySelector(".playhead");
        const share = Math.min(Math.max(seconds / Number(figure.dataset.seconds), 0), 1);
        playhead.setAttribute("x1", `${(100 * share).toFixed(3)}%`);
        playhead.setAttribute("x2", `${(100 * share).toFixed(3)}%`);
        playhead.setAttribute("visibility", "visible");
        show(pane, share * pane.scrollWidth);
    }

    function show(pane, x) {
        if (x < pane.scrollLeft || x > pane.scrollLeft + 0.9 * pane.clientWidth) {
            pane.scrollLeft = x - 0.1 * pane.clientWidth;
        }
    }

    function choose(figure, id) {
        const state = known.get(figure);
        state.at = state.lines.findIndex((line) => line.id === id);
        for (const group of figure.querySelectorAll("[data-line]")) {
            if (group.dataset.line === id) {
                group.classList.add("chosen");
            } else if (group.classList.contains("chosen")) {
                group.classList.remove("chosen");
            }
        }
        say(figure, state);
    }

    function pick(figure, at) {
        const state = known.get(figure);
        const line = state.lines[Math.min(Math.max(at, 0), state.lines.length - 1)];
        if (!line) {
            return;
        }
        choose(figure, line.id);
        const pane = figure.querySelector(".timeline-window");
        show(pane, (line.start / Number(figure.dataset.seconds)) * pane.scrollWidth);
    }

    function give(figure) {
        const line = known.get(figure).lines[known.get(figure).at];
        if (line) {
            const detail = { id: line.id, start: line.start };
            figure.dispatchEvent(new CustomEvent("line", { bubbles: true, detail }));
        }
    }

    // -- Keyboard and screen readers: the window is a slider from line to line -----------------

    function say(figure, state) {
        const pane = figure.querySelector(".timeline-window");
        const line = state.lines[state.at];
        if (figure.dataset.playable === undefined || !state.lines.length) {
            return;
        }
        pane.setAttribute("role", "slider");
        pane.setAttribute("aria-valuemin", 1);
        pane.setAttribute("aria-valuemax", state.lines.length);
        pane.setAttribute("aria-valuenow", Math.max(state.at, 0) + 1);
        const shown = line || state.lines[0];
        const words = [clock(shown.start), shown.said, shown.now, times(shown.speed)];
        pane.setAttribute("aria-valuetext", words.filter(Boolean).join(", "));
    }

    const STEPS = {
        ArrowLeft: (at) => at - 1,
        ArrowUp: (at) => at - 1,
        ArrowRight: (at) => at + 1,
        ArrowDown: (at) => at + 1,
        PageUp: (at) => at - 10,
        PageDown: (at) => at + 10,
        Home: () => 0,
        End: (_, count) => count - 1,
    };

    function pressed(figure, event) {
        const state = known.get(figure);
        if (STEPS[event.key]) {
            event.preventDefault();
            pick(figure, STEPS[event.key](state.at, state.lines.length));
        } else if (event.key === "Enter" || event.key === " ") {
            event.preventDefault();
            pick(figure, state.at);
            give(figure);
        }
    }

    function clicked(figure, event) {
        const group = event.target.closest("[data-line]");
        if (group) {
            choose(figure, group.dataset.line);
            give(figure);
        }
    }

    // -- Beginning ---------------------------------------------------------------------------

    function begin(figure) {
        if (known.has(figure)) {
            return;
        }
        const script = document.getElementById(`${figure.id}-lines`);
        known.set(figure, { lines: JSON.parse(script.textContent), at: -1 });
        figure.addEventListener("time", (event) => moveTo(figure, event.detail.seconds));
        figure.addEventListener("choose", (event) => choose(figure, event.detail.id));
        figure.addEventListener("lines", (event) => {
            const state = known.get(figure);
            const chosen = state.lines[state.at];
            state.lines = event.detail.lines;
            draw(figure, state.lines);
            choose(figure, chosen ? chosen.id : null);
        });
        if (figure.dataset.playable !== undefined) {
            const pane = figure.querySelector(".timeline-window");
            pane.addEventListener("click", (event) => clicked(figure, event));
            pane.addEventListener("keydown", (event) => pressed(figure, event));
            say(figure, known.get(figure));
        }
    }

    const beginAll = () => document.querySelectorAll("figure.timeline").forEach(begin);
    document.addEventListener("timelines", beginAll);
    document.addEventListener("htmx:load", beginAll);
    beginAll(); // deferred: the page is there
})();
