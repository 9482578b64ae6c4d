/** The app's log: each request with its actions, and its events in the order of the chain. */

import { h } from "./dom.js";
import { me, person, state } from "./state.js";
import { clock } from "./time.js";

/** @type {Record<string, string>} the style of a state, beside its word */
const LOOKS = {
  succeeded: "good",
  failed: "bad",
  refused: "bad",
  unknown: "warn",
  pending: "wait",
  approved: "wait",
  sending: "wait",
};
/** Characters of a hash that are shown: enough to see that each event names the previous one. */
const HASH = 8;

/** @returns {HTMLElement[]} newest first */
export function requests() {
  const all = [...state.requests.values()].sort((a, b) => (a.asked_at < b.asked_at ? 1 : -1));
  return [
    h(
      "p",
      { class: "lead" },
      "Written before anything is done or said. Events are only ever added, each with " +
        "the hash of the one before it.",
    ),
    all.length
      ? h("ol", { class: "cards" }, all.map(request))
      : h("p", { class: "empty" }, "Nothing was asked yet."),
  ];
}

/**
 * @param {any} one
 * @returns {HTMLElement}
 */
function request(one) {
  return h(
    "li",
    { class: "card" },
    h(
      "p",
      { class: "card-head" },
      h("strong", {}, one.id),
      chip(one.state),
      h("span", { class: "by" }, `asked by @${person(one.requester).name}`),
    ),
    h(
      "ul",
      { class: "entries" },
      one.actions.map((/** @type {any} */ action) =>
        h(
          "li",
          {},
          h("code", {}, action.kind),
          ` ${action.target} via ${action.connection}`,
          one.actions.length > 1 && chip(action.state),
        ),
      ),
    ),
    h(
      "table",
      {},
      h("caption", { class: "hidden" }, `Events of ${one.id}`),
      h(
        "thead",
        { class: "hidden" },
        h(
          "tr",
          {},
          ["Number", "Time", "Event", "By", "Hash"].map((name) => h("th", { scope: "col" }, name)),
        ),
      ),
      h("tbody", {}, one.events.map(event)),
    ),
  );
}

/**
 * @param {any} one
 * @returns {HTMLElement}
 */
function event(one) {
  const at = new Date(one.at);
  const seconds = String(at.getUTCSeconds()).padStart(2, "0");
  const actor = one.actor === "system" ? "CallOps" : `@${person(one.actor).name}`;
  return h(
    "tr",
    {},
    h("td", { class: "seq" }, String(one.seq)),
    h("td", {}, clock(at, me().zone).replace(/(:\d\d) .*/, `$1:${seconds}`)),
    h("td", {}, h("strong", {}, one.name.replaceAll("_", " "))),
    h("td", {}, actor),
    h("td", { class: "hash" }, one.hash.slice(0, HASH)),
  );
}

/**
 * @param {string} name
 * @returns {HTMLElement}
 */
function chip(name) {
  return h("span", { class: `chip ${LOOKS[name] ?? ""}` }, name);
}
