/** The app's tabs: Home, which the app publishes for each person, and Messages. */

import { act } from "./act.js";
import { drawn } from "./blocks.js";
import { byId, fill, h } from "./dom.js";
import { reader } from "./messages.js";
import { changed, homeIsOpen, isDirect, on, state } from "./state.js";
import { pressFailed } from "./words.js";

/** @type {{id: "home" | "messages", name: string, panel: string}[]} */
const TABS = [
  { id: "home", name: "Home", panel: "home" },
  { id: "messages", name: "Messages", panel: "scroller" },
];
/** The version of the view that is drawn. */
let shown = "";

export function start() {
  on(["place", "person"], () => {
    show();
    if (homeIsOpen()) open();
  });
  on(["home"], drawHome);
}

/** Tell the app that the person opened the tab, as Slack does each time. */
async function open() {
  const done = await act("home", { person: state.me });
  if (done.sentence) fill(byId("home"), h("p", { role: "alert" }, done.sentence));
}

function show() {
  const home = homeIsOpen();
  byId("app-tabs").hidden = !(isDirect(state.open) && state.app.home);
  byId("home").hidden = !home;
  byId("scroller").hidden = home;
  byId("composer").hidden = home;
  drawTabs();
  drawHome();
}

function drawTabs() {
  const holder = byId("app-tabs");
  const hadFocus = holder.contains(document.activeElement);
  fill(
    holder,
    TABS.map(({ id, name, panel }) =>
      h(
        "button",
        {
          type: "button",
          role: "tab",
          id: `app-tab-${id}`,
          "aria-selected": String(id === state.tab),
          "aria-controls": panel,
          tabindex: id === state.tab ? "0" : "-1",
          on: { click: () => choose(id), keydown: arrows },
        },
        name,
      ),
    ),
  );
  if (hadFocus) /** @type {HTMLElement | null} */ (holder.querySelector('[aria-selected="true"]'))?.focus();
}

/** @param {"home" | "messages"} id */
function choose(id) {
  state.tab = id;
  changed(["place"]);
}

/** @param {KeyboardEvent} event */
function arrows(event) {
  if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
  event.preventDefault();
  choose(state.tab === "home" ? "messages" : "home");
}

function drawHome() {
  const view = state.home;
  const now = `${state.me} ${view?.hash}`;
  if (!homeIsOpen() || now === shown) return;
  shown = now;
  const panel = byId("home");
  const focused = panel.contains(document.activeElement) ? label(document.activeElement) : null;
  if (!view) {
    fill(panel, h("p", { class: "lead" }, `${state.app.name} has shown nothing here yet.`));
    return;
  }
  fill(panel, h("div", { class: "blocks" }, drawn(view.blocks, reader(), place(view.id))));
  if (focused === null) return;
  const again = [...panel.querySelectorAll("button")].find((one) => label(one) === focused);
  (again ?? panel).focus();
}

/**
 * @param {Element | null} element
 * @returns {string} its name, as Slack makes new ids for each version of a view
 */
function label(element) {
  return element?.getAttribute("aria-label") ?? element?.textContent ?? "";
}

/**
 * @param {any} element
 * @returns {any} its block in the tab as it is now, which may have been drawn anew while a dialog was open
 */
function current(element) {
  const same = (/** @type {any} */ one) => one?.action_id === element.action_id && one.value === element.value;
  return state.home?.blocks.find((one) => [one.accessory, ...(one.elements ?? [])].some(same));
}

/**
 * @param {string} viewId
 * @returns {import("./inputs.js").Place}
 */
function place(viewId) {
  return {
    value: (_block, element) => element.initial_option?.value ?? null,
    typed: () => undefined,
    press: async (block, element, value) => {
      const { block_id } = current(element) ?? block;
      const { action_id } = element;
      const done = await act("click", { person: state.me, view_id: viewId, block_id, action_id, value });
      if (done.sentence) return done.sentence;
      return done.error ? pressFailed(done.error) : null;
    },
  };
}
