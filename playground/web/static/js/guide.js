/** The first minute: three commands to try and what to look at. Each is ticked off once it has happened. */

import { act } from "./act.js";
import { suggest } from "./conversation.js";
import { byId, fill, h, icon } from "./dom.js";
import { choose } from "./sidebar.js";
import { on, state } from "./state.js";

const KEY = "guide";
const LOST = { provider: "callkaro", fault: "silence" };

/**
 * @typedef {object} Step
 * @property {string} title
 * @property {string} command
 * @property {(Node | string)[]} look
 * @property {() => boolean} happened
 */

/** @returns {Step[]} */
function steps() {
  return [
    {
      title: "Place a call",
      command: "/place-call 98765 43210 tomorrow 9:30",
      look: ["Press ", h("b", {}, "Place this call"), ". ", h("b", {}, "#call-audit"),
        " tells everyone; on the right is what CallKaro was really asked."],
      happened: () => some("place_call", (entry) => entry.state === "succeeded"),
    },
    {
      title: "Cancel it, with a manager",
      command: "/cancel-call 98765 43210 customer asked",
      look: ["Then ", link("be Mira", () => choose("U0MANAGER")), ": her ", h("b", {}, "#call-approvals"),
        " has a card. Press ", h("b", {}, "Review…"), "."],
      happened: () => some("cancel_call", (entry) => entry.state === "succeeded"),
    },
    {
      title: "Lose an answer",
      command: "/place-call 98765 43211",
      look: [link("Let CallKaro never answer", () => lose()),
        " and place a call. CallOps says that it does not know, and asks a manager: it never calls twice."],
      happened: () => [...state.requests.values()].some((one) =>
        one.events.some((/** @type {any} */ event) => event.name === "unknown")),
    },
  ];
}

export function start() {
  on(["log", "person", "armed"], draw);
  byId("guide-open").addEventListener("click", () => show(byId("guide").hidden));
  show(localStorage.getItem(KEY) !== "closed");
}

/** @param {boolean} shown */
function show(shown) {
  byId("guide").hidden = !shown;
  byId("guide-open").setAttribute("aria-expanded", String(shown));
  localStorage.setItem(KEY, shown ? "open" : "closed");
}

async function lose() {
  await act("arm", LOST);
  document.dispatchEvent(new CustomEvent("open-tab", { detail: "switches" }));
}

function draw() {
  const holder = byId("guide");
  if (holder.contains(document.activeElement)) {
    const { activeElement } = document;
    requestAnimationFrame(() => {
      if (!activeElement?.isConnected) /** @type {HTMLElement | null} */ (holder.querySelector("button"))?.focus();
    });
  }
  fill(
    holder,
    h("header", {}, h("h2", {}, "Your first minute"),
      h("button", {
        type: "button", class: "round", "aria-label": "Put the guide away",
        on: {
          click: () => {
            show(false);
            byId("guide-open").focus();
          },
        },
      }, icon("close"))),
    h("ol", {}, steps().map((step) => {
      const done = step.happened();
      return h("li", { class: done ? "done" : "" },
        h("h3", {}, step.title, done && h("span", { class: "tick" }, " ✓ done")),
        h("button", { type: "button", class: "try", on: { click: () => suggest(step.command) } },
          h("code", {}, step.command), h("span", {}, "Try it")),
        h("p", {}, ...step.look));
    })),
  );
}

/**
 * @param {string} kind
 * @param {(entry: any) => boolean} holds
 * @returns {boolean}
 */
function some(kind, holds) {
  return [...state.requests.values()].some((one) =>
    one.entries.some((/** @type {any} */ entry) => entry.kind === kind && holds(entry)));
}

/**
 * @param {string} text
 * @param {() => void} click
 * @returns {HTMLElement}
 */
function link(text, click) {
  return h("button", { type: "button", class: "link", on: { click } }, text);
}
