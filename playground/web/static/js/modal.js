/**
 * The modal that a person sees. `<dialog>` keeps the focus inside and restores it afterwards.
 *
 * Views stack up to three (docs.slack.dev/surfaces/modals, read 2026-11). The top one is drawn. Closing it
 * shows the one below unchanged.
 */

/** @import {View, Block, Element_} from "./types.js" */
/** @import {Place} from "./inputs.js" */

import { act } from "./act.js";
import { drawn } from "./blocks.js";
import { byId, fill, focusKey, h, icon } from "./dom.js";
import { reader } from "./messages.js";
import { on, state } from "./state.js";
import { pressFailed, submitFailed } from "./words.js";

/** @type {Map<string, unknown>} what was typed, by view, block and action */
const typed = new Map();
/** The version of the view that is drawn. */
let shown = "";
let shownId = "";
/** @type {HTMLElement | null} who had the keyboard before */
let before = null;

export function start() {
  const dialog = /** @type {HTMLDialogElement} */ (byId("modal"));
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    close();
  });
  on(["view", "person"], () => show(dialog));
}

/** @param {HTMLDialogElement} dialog */
function show(dialog) {
  const { view } = state;
  const now = view ? `${view.id} ${view.hash} ${JSON.stringify(view.errors)} ${picked(view)}` : "";
  if (now === shown) return;
  shown = now;
  if (!view) {
    shownId = "";
    typed.clear();
    if (dialog.open) dialog.close();
    // Chromium restores the focus to a field that it still treats as inert, where nothing can be typed
    /** @type {HTMLElement | null} */ (document.activeElement)?.blur();
    const back = before?.isConnected ? before : byId("composer").querySelector("textarea");
    /** @type {HTMLElement | null} */ (back)?.focus();
    return;
  }
  const key = dialog.open && view.id === shownId ? focusKey(dialog) : null;
  shownId = view.id;
  draw(dialog, view);
  if (!dialog.open) {
    before = /** @type {HTMLElement | null} */ (document.activeElement);
    dialog.showModal();
  }
  focus(dialog, view, key);
}

/**
 * @param {View} view
 * @returns {string} the ids of the files that were picked
 */
function picked(view) {
  const held = Object.values(view.values).flatMap((one) => Object.values(one));
  return held.flatMap((one) => (one.files ?? []).map((/** @type {any} */ file) => file.id)).join(" ");
}

/**
 * @param {HTMLDialogElement} dialog
 * @param {View} view
 * @param {string | null} key
 */
function focus(dialog, view, key) {
  const wrong = dialog.querySelector('[aria-invalid="true"], .wrong input');
  const again = key ? dialog.querySelector(`[data-key="${CSS.escape(key)}"]`) : null;
  const wanted = dialog.querySelector("[data-autofocus]");
  const first = dialog.querySelector(".modal-body :is(input, textarea, select)");
  const title = dialog.querySelector("#modal-title"); // not a button: a long press of Enter decides nothing
  /** @type {HTMLElement | null} */ (wrong ?? again ?? wanted ?? first ?? title)?.focus();
}

/**
 * @param {HTMLDialogElement} dialog
 * @param {View} view
 */
function draw(dialog, view) {
  const pushed = view.previous_id !== null;
  const leave = view.close?.text ?? "Cancel"; // surfaces/modals: the button's default
  fill(
    dialog,
    h(
      "form",
      {
        novalidate: true,
        class: pushed ? "pushed" : "",
        on: {
          submit: (/** @type {Event} */ event) => {
            event.preventDefault();
            submit(dialog, view);
          },
        },
      },
      h(
        "header",
        {},
        pushed
          ? h(
              "button",
              { type: "button", class: "round", "aria-label": "Back", on: { click: close } },
              icon("back"),
            )
          : h("span", { class: "avatar app small", "aria-hidden": "true" }, icon("call")),
        h("h2", { id: "modal-title", tabindex: "-1" }, view.title.text),
        h(
          "button",
          { type: "button", class: "round", "aria-label": "Close the dialog", on: { click: close } },
          icon("close"),
        ),
      ),
      h("p", { class: "trouble", role: "alert", id: "modal-trouble", hidden: true }),
      h("div", { class: "modal-body" }, drawn(view.blocks, reader(), place(view))),
      h(
        "footer",
        {},
        h("button", { type: "button", class: "button", on: { click: close } }, leave),
        view.submit &&
          h("button", { type: "submit", class: "button primary", "data-key": "submit" }, view.submit.text),
      ),
    ),
  );
}

/**
 * @param {View} view
 * @returns {Place}
 */
function place(view) {
  return {
    errors: view.errors,
    value: (block, element) => {
      const key = `${view.id}\n${block.block_id}\n${element.action_id}`;
      return typed.has(key) ? typed.get(key) : given(view, block, element);
    },
    typed: (block, element, value) => {
      typed.set(`${view.id}\n${block.block_id}\n${element.action_id}`, value === "" ? null : value);
    },
    pick: async (block, element, files) => {
      const where = { view_id: view.id, block_id: block.block_id, action_id: element.action_id };
      return (await act("pick", { person: state.me, ...where, files })).sentence ?? null;
    },
    press: async (block, element, value) => {
      const done = await act("click", {
        person: state.me,
        view_id: view.id,
        block_id: block.block_id,
        action_id: element.action_id,
        value,
        typed: whatWasTyped(view).filter((one) => one.action_id !== element.action_id),
      });
      if (done.sentence) return done.sentence;
      return done.error ? pressFailed(done.error) : null;
    },
  };
}

/**
 * @param {View} view
 * @param {Block} block
 * @param {Element_} element
 * @returns {unknown} a text, an option's value, or several
 */
function given(view, block, element) {
  const held = view.values[block.block_id]?.[element.action_id];
  if (!held) return null;
  if (held.files) return held.files;
  if (held.selected_options) return held.selected_options.map((/** @type {any} */ one) => one.value);
  if (held.selected_option) return held.selected_option.value;
  return held.value ?? held.selected_date ?? held.selected_time ?? held.selected_date_time ?? held.selected_user ?? null;
}

/**
 * @param {View} view
 * @returns {{block_id: string, action_id: string, value: unknown}[]}
 */
function whatWasTyped(view) {
  const inputs = view.blocks.flatMap((block) => (block.element ? [[block, block.element]] : []));
  return inputs.flatMap(([block, element]) => {
    const key = `${view.id}\n${block.block_id}\n${element.action_id}`;
    const one = { block_id: block.block_id, action_id: element.action_id, value: typed.get(key) };
    return typed.has(key) ? [one] : [];
  });
}

/**
 * @param {HTMLDialogElement} dialog
 * @param {View} view
 */
async function submit(dialog, view) {
  const button = dialog.querySelector('[type="submit"]');
  if (!button || button.getAttribute("aria-busy")) return;
  button.setAttribute("aria-busy", "true");
  const done = await act("submit", { person: state.me, view_id: view.id, typed: whatWasTyped(view) });
  button.removeAttribute("aria-busy");
  const trouble = document.getElementById("modal-trouble");
  const sentence = done.sentence ?? (done.error ? submitFailed(done.error) : "");
  if (trouble) {
    trouble.hidden = !sentence;
    trouble.textContent = sentence;
  }
  if (sentence || Object.keys(done.errors ?? {}).length) {
    const wrong = dialog.querySelector('[aria-invalid="true"], .wrong input');
    /** @type {HTMLElement | null} */ (wrong)?.focus();
  }
}

async function close() {
  if (state.view) await act("close", { person: state.me, view_id: state.view.id });
}
