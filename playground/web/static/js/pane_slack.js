/** The traffic between Slack and the app, and Slack's refusals. */

import { byId, h, icon } from "./dom.js";
import { pictured } from "./emoji.js";
import { reader } from "./messages.js";
import { plain } from "./mrkdwn.js";
import { me, person, state } from "./state.js";
import { clock } from "./time.js";

/** Number of the newest lines that are drawn. */
const SHOWN = 80;
const MILLISECONDS = 1000;
/** Characters of a message that are drawn, once its names and times are. */
const SUBJECT = 160;

/** @returns {HTMLElement[]} newest first */
export function traffic() {
  const all = [...state.traffic.values()].sort((a, b) => b.at - a.at).slice(0, SHOWN);
  return [
    h(
      "p",
      { class: "lead" },
      "What Slack delivers to CallOps (→), what CallOps asks of Slack (←), and what " +
        "Slack refuses, with its code.",
    ),
    h("ol", { class: "traffic" }, all.map(line)),
  ];
}

/**
 * @param {any} one
 * @returns {HTMLElement}
 */
function line(one) {
  const at = new Date(one.at * MILLISECONDS);
  const time = h("time", { datetime: at.toISOString() }, clock(at, me().zone).replace(/ .*/, ""));
  if (one.kind === "refused") {
    return h(
      "li",
      { class: "refused" },
      time,
      h("span", { class: "way" }, "✕"),
      h(
        "div",
        {},
        h("strong", {}, one.code),
        ` ${one.where}`,
        ...one.lines.map((/** @type {string} */ said) => h("p", {}, said)),
      ),
    );
  }
  if (one.kind === "deliveries") {
    const took = one.seconds === null ? "" : `${Math.round(one.seconds * MILLISECONDS)} ms`;
    const result = one.error
      ? h("span", { class: "chip bad" }, one.error)
      : h("span", { class: "took" }, took);
    return h(
      "li",
      {},
      time,
      h("span", { class: "way" }, "→"),
      h(
        "div",
        {},
        h("strong", {}, one.about || one.type),
        ` ${one.who ? `@${person(one.who).name}` : ""} `,
        result,
        one.times > 1 && h("span", { class: "chip warn" }, `delivered ${one.times} times`),
      ),
    );
  }
  return h(
    "li",
    {},
    time,
    h("span", { class: "way" }, "←"),
    h(
      "div",
      {},
      h("strong", {}, one.method),
      ` ${where(one.where)} `,
      one.trouble && h("span", { class: "chip warn" }, one.trouble),
      one.error && h("span", { class: "chip bad" }, one.error),
      one.lines.map((/** @type {string} */ said) => h("p", { class: "why" }, said)),
      one.about && h("p", { class: "about" }, pictured(shortened(plain(one.about, reader())))),
    ),
  );
}

/**
 * @param {string} text
 * @returns {string}
 */
function shortened(text) {
  return text.length > SUBJECT ? `${text.slice(0, SUBJECT)}…` : text;
}

/**
 * @param {string} id
 * @returns {string}
 */
function where(id) {
  if (/^U/.test(id)) return `@${person(id).name}`;
  if (/^D0/.test(id)) return `@${person(id.replace("D0", "U0")).name}`;
  const name = state.names[id];
  return name ? `#${name}` : id;
}

/**
 * Show prominently what Slack has just refused.
 *
 * @param {any[]} lines
 */
export function refusals(lines) {
  for (const one of lines.filter((said) => said.kind === "refused")) {
    const toast = h(
      "div",
      { class: "toast", role: "alert" },
      h(
        "div",
        {},
        h("strong", {}, `Slack refused this: ${one.code}`),
        h("p", {}, `${one.where}. ${one.lines.join(" ")}`),
      ),
      h(
        "button",
        {
          type: "button",
          class: "round",
          "aria-label": "Put this away",
          on: { click: () => toast.remove() },
        },
        icon("close"),
      ),
    );
    byId("toasts").append(toast);
  }
}
