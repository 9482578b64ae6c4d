/**
 * “What really happened”: the providers' journals, the log, the traffic with Slack, and the switches for
 * failures.
 *
 * The pattern of the tabs: w3.org/WAI/ARIA/apg/patterns/tabs, read 2026-11.
 */

import { byId, fill, h } from "./dom.js";
import { exchanges } from "./pane_providers.js";
import { requests } from "./pane_log.js";
import { switches } from "./pane_switches.js";
import { refusals, traffic } from "./pane_slack.js";
import { on, state } from "./state.js";

/** @typedef {import("./state.js").Topic} Topic */

/** @type {{id: string, name: string, topics: Topic[], draw: () => HTMLElement[]}[]} */
const TABS = [
  { id: "providers", name: "Providers", topics: ["journal"], draw: exchanges },
  { id: "log", name: "Log", topics: ["log"], draw: requests },
  { id: "slack", name: "Slack", topics: ["traffic"], draw: traffic },
  { id: "switches", name: "Break it", topics: ["armed", "calls", "slack", "bot"], draw: switches },
];
const KEY = "pane";
/** The width with room beside the conversation, as in layout.css. */
const BESIDE = "(min-width: 1101px)";
let tab = "providers";

export function start() {
  const open = byId("pane-open");
  /** @param {boolean} shown */
  const show = (shown) => {
    document.body.classList.toggle("with-pane", shown);
    open.setAttribute("aria-expanded", String(shown));
  };
  /** @param {boolean} shown */
  const want = (shown) => {
    show(shown);
    localStorage.setItem(KEY, shown ? "open" : "closed");
  };
  const wide = matchMedia(BESIDE);
  const fit = () => show(wide.matches && localStorage.getItem(KEY) !== "closed");
  fit();
  wide.addEventListener("change", fit); // it opens by itself only if it does not cover the conversation
  open.addEventListener("click", () => want(!document.body.classList.contains("with-pane")));
  byId("pane-close").addEventListener("click", () => {
    want(false);
    open.focus();
  });
  drawTabs();
  for (const one of TABS) {
    on([...one.topics, "person"], () => {
      if (one.id === tab) drawPanel();
    });
  }
  on(["armed", "calls", "slack", "bot"], drawTabs);
  on(["traffic"], (lines) => refusals(lines ?? []));
  document.addEventListener("open-tab", (event) => {
    show(true);
    choose(/** @type {CustomEvent} */ (event).detail);
  });
}

/** @param {string} id */
function choose(id) {
  tab = id;
  drawTabs();
  drawPanel();
}

function drawTabs() {
  const holder = byId("pane-tabs");
  const hadFocus = holder.contains(document.activeElement);
  const broken =
    Object.keys(state.armed).length +
    Object.keys(state.calls.ends).length +
    (state.calls.reported ? 0 : 1) +
    state.slack.trouble.length +
    state.slack.twice +
    (state.bot.state === "stopped" ? 1 : 0);
  fill(
    holder,
    TABS.map(({ id, name }) =>
      h(
        "button",
        {
          type: "button",
          role: "tab",
          id: `tab-${id}`,
          "aria-selected": String(id === tab),
          "aria-controls": "pane-panel",
          tabindex: id === tab ? "0" : "-1",
          on: { click: () => choose(id), keydown: arrows },
        },
        name,
        id === "switches" && broken > 0 && h("span", { class: "count" }, String(broken)),
      ),
    ),
  );
  if (hadFocus) /** @type {HTMLElement | null} */ (holder.querySelector('[aria-selected="true"]'))?.focus();
}

/** @param {KeyboardEvent} event */
function arrows(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const at = TABS.findIndex((one) => one.id === tab);
  choose(TABS[(at + step + TABS.length) % TABS.length].id);
}

function drawPanel() {
  const panel = byId("pane-panel");
  const key = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.key;
  const inside = panel.contains(document.activeElement);
  const top = panel.scrollTop;
  const opened = new Set(
    [...panel.querySelectorAll("details[open]")].map((one) => /** @type {HTMLElement} */ (one).dataset.key),
  );
  panel.setAttribute("aria-labelledby", `tab-${tab}`);
  fill(panel, TABS.find((one) => one.id === tab)?.draw() ?? []);
  for (const one of panel.querySelectorAll("details")) {
    if (opened.has(one.dataset.key)) one.open = true;
  }
  panel.scrollTop = top;
  if (inside) {
    const again = key ? panel.querySelector(`[data-key="${CSS.escape(key)}"]`) : null;
    /** @type {HTMLElement} */ (again ?? panel).focus();
  }
}
