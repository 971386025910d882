// Makes a field with data-options a combobox as WAI-ARIA 1.2 has it: it offers what there is while somebody types, and
// puts what they choose into the text field that data-into names. Without this script the field's button does that.
"use strict";
(() => {
    const WAIT_MS = 150, LEAST = 2;

    const combine = (input) => {
        const into = document.getElementById(input.dataset.into);
        const list = document.createElement("ul"), status = document.createElement("span");
        let timer = 0, asked = null, active = null;

        const attributes = (element, given) => {
            for (const [name, value] of Object.entries(given)) element.setAttribute(name, value);
        };
        attributes(list, { id: `${input.id}-options`, class: "options", role: "listbox", "aria-label": input.labels[0].textContent });
        attributes(status, { class: "hidden", role: "status" });
        attributes(input, { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id });
        list.hidden = true;
        input.after(list, status);

        const activate = (option) => {
            active?.setAttribute("aria-selected", "false");
            active = option;
            if (!option) return input.removeAttribute("aria-activedescendant");
            option.setAttribute("aria-selected", "true");
            input.setAttribute("aria-activedescendant", option.id);
            option.scrollIntoView({ block: "nearest" });
        };

        const open = (isOpen) => {
            activate(null);
            list.hidden = !isOpen;
            input.setAttribute("aria-expanded", String(isOpen));
        };

        // What is still asked for is of no use any more.
        const close = () => {
            clearTimeout(timer);
            asked?.abort();
            open(false);
        };

        const show = (found) => {
            list.replaceChildren(...found.options.map(({ value, text, note, is_whole: isWhole }, place) => {
                const option = document.createElement("li"), said = document.createElement("span");
                attributes(option, { id: `${list.id}-${place}`, role: "option", "aria-selected": "false" });
                Object.assign(option.dataset, { value, ...(isWhole && { whole: "" }) });
                said.className = "small";
                said.textContent = note;
                option.append(text, " ", said);
                return option;
            }));
            open(found.options.length > 0);
            status.textContent = found.said;
        };

        const ask = async () => {
            close();
            if (input.value.trim().length < LEAST) return;
            asked = new AbortController();
            const { signal } = asked;
            try {
                const address = `${input.dataset.options}&text=${encodeURIComponent(input.value)}`;
                const answer = await fetch(address, { cache: "no-store", redirect: "error", signal });
                const found = answer.ok && await answer.json();
                if (found && !signal.aborted && document.activeElement === input) show(found);
            } catch {
                // An answer that does not come offers nothing: the button still finds it.
            }
        };

        const choose = (option) => {
            const { value, whole } = option.dataset;
            input.value = whole === undefined ? value : "";
            if (whole === undefined) return ask();
            into.value = `${into.value.trimEnd()}\n${value}`.trimStart();
            close();
            status.textContent = input.dataset.added.replace("{}", value);
        };

        const KEYS = {
            ArrowDown: (options) => activate(active?.nextElementSibling ?? options[0]),
            ArrowUp: (options) => activate(active?.previousElementSibling ?? options[options.length - 1]),
            Home: (options) => active && activate(options[0]),
            End: (options) => active && activate(options[options.length - 1]),
            Enter: () => active && choose(active),
            Escape: close,
        };

        input.addEventListener("keydown", (event) => {
            if (event.isComposing || event.ctrlKey || event.metaKey) return;
            if (list.hidden) {
                if (event.key === "ArrowDown") ask();
                else if (event.key === "Escape") input.value = "";
                else return;
            } else if (!KEYS[event.key] || KEYS[event.key](list.children) === null) return;
            event.preventDefault();
        });
        input.addEventListener("input", () => {
            close();
            timer = setTimeout(ask, WAIT_MS);
        });
        input.addEventListener("blur", close);
        // The focus stays in the field.
        list.addEventListener("pointerdown", (event) => event.preventDefault());
        list.addEventListener("click", (event) => {
            const option = event.target.closest("[role=option]");
            if (option) choose(option);
        });
    };

    document.querySelectorAll("[data-options]").forEach(combine);
})();
