/** The guide: three commands to try, and what to look at. Each step is ticked off once it has happened. */

import { act } from "./act.js";
import { suggest } from "./conversation.js";
import { byId, fill, focusKey, h, icon } from "./dom.js";
import { choose } from "./sidebar.js";
import { on, state } from "./state.js";

const KEY = "guide";
const LOST = { provider: "callkaro", fault: "silence" };

/**
 * @typedef {object} Step
 * @property {string} title
 * @property {string} command
 * @property {() => (Node | string)[]} look
 * @property {() => boolean} happened
 */

/** @type {Step[]} */
const STEPS = [
  {
    title: "Place a call",
    command: "/place-call 98765 43210 tomorrow 9:30",
    look: () => [
      "Send it, then press ",
      h("b", {}, "Place call"),
      ". Everyone sees it in ",
      h("b", {}, "#call-audit"),
      ". “What really happened” shows the request CallKaro got.",
    ],
    happened: () => some("place_call", (action) => action.state === "succeeded"),
  },
  {
    title: "Cancel it, with a manager",
    command: "/cancel-call 98765 43210 customer asked",
    look: () => [
      "Send it, then ",
      link("be Mira", () => choose("U0MANAGER")),
      ", a manager: press ",
      h("b", {}, "Review…"),
      " in ",
      h("b", {}, "#call-approvals"),
      " and approve. Nobody approves their own request.",
    ],
    happened: () => some("cancel_call", (action) => action.state === "succeeded"),
  },
  {
    title: "Lose an answer",
    command: "/place-call 98765 43211",
    look: () => [
      "First ",
      link("let CallKaro do it and never answer", () => lose()),
      ". CallOps then says the outcome is unknown, and never calls twice. CallKaro's report of the call's end " +
        "settles it. Without one, a manager records what happened.",
    ],
    happened: () =>
      [...state.requests.values()].some((one) =>
        one.events.some((/** @type {any} */ event) => event.name === "unknown"),
      ),
  },
];

/** @type {Step} */
const OVER = {
  title: "",
  command: "",
  look: () => [
    "Now ",
    link("break it", () => openTab("switches")),
    ": kill the bot while something waits, deliver a " +
      "click twice, let a provider refuse, let nobody answer a call. Nothing is lost, and nothing happens twice.",
  ],
  happened: () => false,
};

/** @type {number | null} the step that the person chose, null for the first open one */
let chosen = null;
/** Number of completed steps when the guide was last drawn. */
let before = 0;
/** True if the person opened the guide in this page. It then stays open, even if it is finished. */
let opened = false;

export function start() {
  on(["log", "person"], draw);
  byId("guide-open").addEventListener("click", () => {
    opened = byId("guide").hidden;
    want(opened);
  });
  show(localStorage.getItem(KEY) !== "closed");
}

/** @param {boolean} shown */
function show(shown) {
  byId("guide").hidden = !shown;
  byId("guide-open").setAttribute("aria-expanded", String(shown));
}

/** @param {boolean} shown */
function want(shown) {
  show(shown);
  localStorage.setItem(KEY, shown ? "open" : "closed");
}

async function lose() {
  await act("arm", LOST);
  openTab("switches");
}

/** @param {string} tab of what really happened */
function openTab(tab) {
  document.dispatchEvent(new CustomEvent("open-tab", { detail: tab }));
}

function draw() {
  const holder = byId("guide");
  const key = focusKey(holder);
  const done = STEPS.map((step) => step.happened());
  const many = done.filter(Boolean).length;
  if (many > before) chosen = null;
  before = many;
  if (many === STEPS.length && !opened) show(false); // a finished guide folds away
  const first = done.indexOf(false);
  const current = chosen ?? (first < 0 ? STEPS.length - 1 : first);
  const step = first < 0 && chosen === null ? OVER : STEPS[current];
  fill(
    holder,
    h(
      "header",
      {},
      h("h2", {}, first < 0 ? "Your first minute is over" : "Your first minute"),
      h(
        "ol",
        {},
        STEPS.map((one, index) =>
          h(
            "li",
            {},
            h(
              "button",
              {
                type: "button",
                class: `step${done[index] ? " done" : ""}`,
                "data-key": `step ${index}`,
                "aria-current": step === one ? "step" : null,
                on: {
                  click: () => {
                    chosen = index;
                    draw();
                  },
                },
              },
              h("span", { class: "number", "aria-hidden": "true" }, done[index] ? "✓" : String(index + 1)),
              h("span", { class: "title" }, one.title),
              done[index] && h("span", { class: "hidden" }, ", done"),
            ),
          ),
        ),
      ),
      h(
        "button",
        {
          type: "button",
          class: "round",
          "data-key": "close",
          "aria-label": "Put the guide away",
          on: {
            click: () => {
              want(false);
              byId("guide-open").focus();
            },
          },
        },
        icon("close"),
      ),
    ),
    h(
      "div",
      { class: "now" },
      step.command &&
        h(
          "button",
          { type: "button", class: "try", "data-key": "try", on: { click: () => suggest(step.command) } },
          h("code", {}, step.command),
          h("span", {}, "Try it"),
        ),
      h("p", {}, ...step.look()),
    ),
  );
  if (key !== null) {
    const again = key ? holder.querySelector(`[data-key="${CSS.escape(key)}"]`) : null;
    /** @type {HTMLElement | null} */ (again ?? holder.querySelector("button"))?.focus();
  }
}

/**
 * @param {string} kind
 * @param {(action: any) => boolean} holds
 * @returns {boolean}
 */
function some(kind, holds) {
  return [...state.requests.values()].some((one) =>
    one.actions.some((/** @type {any} */ action) => action.kind === kind && holds(action)),
  );
}

/**
 * @param {string} text
 * @param {() => void} click
 * @returns {HTMLElement}
 */
function link(text, click) {
  return h("button", { type: "button", class: "link", on: { click } }, text);
}
