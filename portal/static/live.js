// Keeps an open page up to date: asks whether it has changed, and puts the regions with data-live in place that have.
// Without this script the page stays as it was when it was opened.
"use strict";
(() => {
    const EVERY_MS = 5_000, IDLE_EVERY_MS = 30_000, IDLE_MS = 600_000, WHOLE_MS = 300_000, PATIENCE_MS = 15_000;
    const live = document.getElementById("live"), pause = document.getElementById("live-pause");
    const said = document.getElementById("live-said"), moved = document.getElementById("live-moved");
    let tag = live.dataset.change && `"${live.dataset.change}"`, summary = live.dataset.summary;
    let wholeAt = Date.now(), seenAt = new Date(), activeAt = Date.now(), timer = 0, later = null;
    let isLate = false, hasEnded = false;

    // A status that is set to what it is would be read out again.
    const say = (text) => {
        if (said.textContent !== text) said.textContent = text;
    };

    const replace = (region, fresh) => {
        if (region.innerHTML === fresh.innerHTML) return;
        const open = [...region.querySelectorAll("details")].map((one) => one.open);
        region.replaceChildren(...fresh.cloneNode(true).childNodes);
        region.querySelectorAll("details").forEach((one, place) => { one.open = open[place] ?? one.open; });
    };

    const show = (page) => {
        const news = page.getElementById("live");
        // What somebody is about to decide stays as they read it: the form would count for something else.
        if (news.dataset.can !== live.dataset.can) {
            moved.hidden = false;
        } else {
            later = null;
            for (const region of document.querySelectorAll("[data-live]")) {
                const fresh = page.getElementById(region.id);
                // The focus never moves, nor is a tick lost: such a region follows once it has none.
                if (region.contains(document.activeElement) || region.querySelector(":checked")) later = page;
                else if (fresh) replace(region, fresh);
            }
        }
        document.title = page.title;
        if (news.dataset.summary !== summary) say(summary = news.dataset.summary);
    };

    const ask = async () => {
        // Now and then all of it, as times that have passed are no change.
        const isWhole = Date.now() - wholeAt > WHOLE_MS;
        try {
            const answer = await fetch(live.dataset.address + location.search, {
                headers: tag && !isWhole ? { "If-None-Match": tag } : {},
                cache: "no-store", redirect: "error", signal: AbortSignal.timeout(PATIENCE_MS),
            });
            if (answer.ok) {
                const page = new DOMParser().parseFromString(await answer.text(), "text/html");
                show(page);
                [tag, wholeAt] = [answer.headers.get("ETag"), Date.now()];
            } else if (answer.status === 401 || answer.status === 403) {
                hasEnded = true;
                pause.hidden = document.activeElement !== pause;
                return say(live.dataset.ended);
            } else if (answer.status !== 304) throw new Error(answer.statusText);
            seenAt = new Date();
            if (isLate) say(summary);
            isLate = false;
        } catch {
            isLate = true;
            say(live.dataset.late.replace("{}", `${seenAt.toISOString().slice(11, 16)} UTC`));
        }
    };

    const isPaused = () => pause.getAttribute("aria-pressed") === "true";

    const next = () => {
        clearTimeout(timer);
        if (document.hidden || hasEnded || isPaused()) return;
        const isIdle = Date.now() - activeAt > IDLE_MS;
        // Pages that were opened at once do not ask at once for ever.
        timer = setTimeout(round, (isIdle ? IDLE_EVERY_MS : EVERY_MS) * (0.9 + Math.random() / 5));
    };

    const round = async () => {
        clearTimeout(timer);
        await ask();
        next();
    };

    pause.addEventListener("click", () => {
        pause.setAttribute("aria-pressed", String(!isPaused()));
        next();
    });
    document.addEventListener("visibilitychange", () => {
        if (document.hidden || hasEnded || isPaused()) next();
        else round();
    });
    for (const sign of ["focusout", "change"]) {
        document.addEventListener(sign, () => setTimeout(() => { if (later) show(later); }));
    }
    for (const sign of ["pointerdown", "pointermove", "keydown", "wheel"]) {
        document.addEventListener(sign, () => {
            const wasIdle = Date.now() - activeAt > IDLE_MS;
            activeAt = Date.now();
            if (wasIdle) next();
        }, { passive: true });
    }
    pause.hidden = false;
    next();
})();
