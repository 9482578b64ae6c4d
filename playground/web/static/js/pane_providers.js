/** The providers' own journals: each request, its effects there, and the reply. */

import { h } from "./dom.js";
import { me, state } from "./state.js";
import { clock } from "./time.js";

/** @type {Record<string, string>} */
export const PROVIDERS = { callkaro: "CallKaro", voxworks: "Voxworks", ryng: "Ryng", kore: "Kore.ai" };
/** @type {Record<string, string>} */
const EFFECTS = {
  placed: "Call placed",
  added: "There before the demo",
  attempted: "The call went out",
  removed: "Scheduled call removed",
  cancelled: "Call cancelled",
  deleted: "Campaign deleted",
};
/** @type {Record<string, string>} how a call ended */
const ENDED = {
  answered: "Answered",
  no_answer: "Nobody answered",
  voicemail: "Voicemail",
  busy: "Busy",
  rejected: "Declined",
  invalid_number: "Invalid number",
};
/** @type {Record<string, string>} */
const STRUCK = {
  reset: "the connection was cut",
  silence: "nothing was ever answered",
  slow: "it took its time",
  server_error: "told to fail",
  reply: "told to be busy",
};

/** @returns {HTMLElement[]} newest first */
export function exchanges() {
  const lines = state.journal;
  /** @type {Map<number, any>} */
  const answers = new Map(lines.filter((one) => one.line === "answer").map((one) => [one.request, one]));
  /** @type {Map<number, any[]>} */
  const effects = new Map();
  for (const one of lines.filter((line) => line.line === "effect" && line.request)) {
    effects.set(one.request, [...(effects.get(one.request) ?? []), one]);
  }
  const cards = lines.flatMap((one) => {
    if (one.line === "request")
      return [exchange(one, effects.get(one.number) ?? [], answers.get(one.number))];
    if (one.line === "end") return [h("li", { class: "card quiet" }, ended(one), when(one.at))];
    if (one.line === "told") return [told(one)];
    const bySomebodyElse = one.line === "effect" && !one.request && one.what !== "added";
    return bySomebodyElse ? [h("li", { class: "card quiet" }, effect(one), when(one.at))] : [];
  });
  return [
    h(
      "p",
      { class: "lead" },
      "The providers' own records: if it isn't listed here, it didn't happen.",
    ),
    cards.length
      ? h("ol", { class: "cards" }, cards.reverse())
      : h("p", { class: "empty" }, "No requests yet."),
    world(),
  ];
}

/**
 * @param {any} asked
 * @param {any[]} effects
 * @param {any} answer
 * @returns {HTMLElement}
 */
function exchange(asked, effects, answer) {
  return h(
    "li",
    { class: "card" },
    h(
      "p",
      { class: "card-head" },
      h("strong", {}, PROVIDERS[asked.provider] ?? asked.provider),
      when(asked.at),
    ),
    h(
      "dl",
      {},
      h("dt", {}, "asked"),
      h("dd", {}, h("code", { class: "line" }, `${asked.method} ${asked.target}`), body(asked.body)),
      h("dt", {}, "did"),
      h("dd", {}, effects.length ? effects.map(effect) : h("span", { class: "nothing" }, "nothing")),
      h("dt", {}, "said"),
      h("dd", {}, answered(answer)),
    ),
  );
}

/**
 * @param {any} answer
 * @returns {HTMLElement | HTMLElement[]}
 */
function answered(answer) {
  if (!answer) return h("span", { class: "nothing" }, "nothing yet");
  const struck = answer.fault && h("span", { class: "chip warn" }, STRUCK[answer.fault] ?? answer.fault);
  if (answer.status === null)
    return [h("span", { class: "chip bad" }, "no answer"), ...(struck ? [struck] : [])];
  const well = answer.status < 300 ? "good" : "bad";
  return /** @type {HTMLElement[]} */ (
    [h("span", { class: `chip ${well}` }, String(answer.status)), struck, body(answer.body)].filter(Boolean)
  );
}

/**
 * @param {any} one
 * @returns {HTMLElement}
 */
function effect(one) {
  const subject = one.subject;
  const due = subject.due && one.what === "placed" ? `, due ${clock(new Date(subject.due), me().zone)}` : "";
  return h(
    "span",
    { class: "chip good" },
    `${EFFECTS[one.what] ?? one.what}: ${subject.to ?? subject.id}${due}`,
  );
}

/**
 * @param {any} one
 * @returns {HTMLElement}
 */
function ended(one) {
  const { made, call } = one;
  const picked = made.end === "answered" || made.end === "voicemail";
  const lasted = picked ? `, ${made.seconds} s` : "";
  const again = made.again ? `, tries again at ${clock(new Date(made.again), me().zone)}` : "";
  return h(
    "span",
    { class: `chip ${picked ? "good" : "warn"}` },
    `${ENDED[made.end] ?? made.end}: ${call.to ?? call.id}${lasted}${again}`,
  );
}

/**
 * @param {any} one a webhook that the provider sent
 * @returns {HTMLElement}
 */
function told(one) {
  const heard = one.status === null ? "no answer" : String(one.status);
  const well = one.status !== null && one.status < 300 ? "good" : "bad";
  return h(
    "li",
    { class: "card" },
    h(
      "p",
      { class: "card-head" },
      h("strong", {}, PROVIDERS[one.provider] ?? one.provider),
      when(one.at),
    ),
    h(
      "dl",
      {},
      h("dt", {}, "told"),
      h(
        "dd",
        {},
        h(
          "details",
          { class: "whole", "data-key": `told-${one.number}` },
          h("summary", { "data-key": `told-summary-${one.number}` }, one.webhook),
          body(JSON.stringify(one.body.data ?? one.body)),
        ),
      ),
      h("dt", {}, "heard"),
      h("dd", {}, h("span", { class: `chip ${well}` }, heard)),
    ),
  );
}

/**
 * Show JSON name by name, and anything else unchanged.
 *
 * @param {string} text
 * @returns {HTMLElement | false}
 */
function body(text) {
  if (!text) return false;
  try {
    const said = JSON.parse(text);
    const pairs = Object.entries(said);
    if (!pairs.length) return false;
    return h(
      "code",
      { class: "body" },
      pairs.map(([name, value]) =>
        h(
          "span",
          {},
          h("span", { class: "name" }, name),
          ` ${typeof value === "string" ? value : JSON.stringify(value)}`,
        ),
      ),
    );
  } catch {
    return h("code", { class: "body" }, text);
  }
}

/** @returns {HTMLElement} the calls that can be cancelled although CallOps did not place them */
function world() {
  const added = state.journal.filter((one) => one.line === "effect" && one.what === "added");
  if (!added.length) return h("span");
  const by = Map.groupBy(added, (/** @type {any} */ one) => one.provider);
  return h(
    "details",
    { class: "world", "data-key": "world" },
    h("summary", { "data-key": "world-summary" }, "Calls that existed before the demo"),
    h(
      "ul",
      {},
      [...by].map(([provider, lines]) =>
        h(
          "li",
          {},
          h("strong", {}, PROVIDERS[provider] ?? provider),
          " ",
          lines.flatMap((/** @type {any} */ one) => [h("code", {}, one.subject.id), " "]),
        ),
      ),
    ),
  );
}

/**
 * @param {string} at
 * @returns {HTMLElement}
 */
function when(at) {
  const moment = new Date(at);
  const seconds = String(moment.getUTCSeconds()).padStart(2, "0");
  return h("time", { datetime: at }, clock(moment, me().zone).replace(/(:\d\d)/, `$1:${seconds}`));
}
