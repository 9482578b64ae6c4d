/** The switches: failures at a provider, at Slack, of the bot, and how calls end. */

import { act } from "./act.js";
import { h } from "./dom.js";
import { PROVIDERS } from "./pane_providers.js";
import { state } from "./state.js";

/** @type {Record<string, string>} what befalls a provider's next request */
const FAULTS = {
  reset: "Do it, then cut the connection",
  silence: "Do it, and never answer",
  server_error: "Do it, and answer 500",
  busy: "Do nothing, answer 429: come back in 3 s",
  slow: "Do it, and answer after 2 s",
  refused: "Refuse every connection until switched back",
};
/** @type {Record<string, string>} how a provider's next calls end */
const ENDS = {
  answered: "Somebody answers",
  no_answer: "Nobody answers",
  voicemail: "A voicemail answers",
  busy: "The line is busy",
  rejected: "The call is declined",
  invalid_number: "The number doesn't exist",
};
/** @type {Record<string, string>} */
const BOT = {
  running: "CallOps is running",
  starting: "CallOps is starting …",
  stopped: "CallOps is not running",
};

/** @returns {HTMLElement[]} */
export function switches() {
  return [
    h(
      "p",
      { class: "lead" },
      "Make something go wrong, then carry on. Watch that nothing is lost and nothing " + "happens twice.",
    ),
    h(
      "section",
      { class: "switches", "aria-labelledby": "switch-bot" },
      h("h3", { id: "switch-bot" }, "The bot"),
      bot(),
    ),
    h(
      "section",
      { class: "switches", "aria-labelledby": "switch-providers" },
      h("h3", { id: "switch-providers" }, "A provider's next request"),
      state.providers.map(provider),
    ),
    h(
      "section",
      { class: "switches", "aria-labelledby": "switch-ends" },
      h("h3", { id: "switch-ends" }, "When a provider's call rings"),
      state.ringing.providers.map(ending),
      reports(),
    ),
    h(
      "section",
      { class: "switches", "aria-labelledby": "switch-slack" },
      h("h3", { id: "switch-slack" }, "Slack"),
      slack(),
    ),
    h("p", { class: "press-error", role: "alert", id: "switch-error", hidden: true }),
  ];
}

/** @returns {HTMLElement} */
function bot() {
  const { state: now, pid } = state.bot;
  return h(
    "div",
    { class: "switch" },
    h(
      "span",
      {},
      h("span", { class: `presence ${now === "running" ? "on" : ""}` }),
      ` ${BOT[now]}${pid ? `, process ${pid}` : ""}`,
    ),
    now === "stopped"
      ? press("Start it again", "bot", { does: "start" }, "primary")
      : press("Kill it (kill -9)", "bot", { does: "kill" }, "danger", now === "starting"),
  );
}

/**
 * @param {string} name
 * @returns {HTMLElement}
 */
function provider(name) {
  const armed = state.armed[name];
  const id = `fault-${name}`;
  return h(
    "div",
    { class: `switch${armed ? " armed" : ""}` },
    h("label", { for: id }, PROVIDERS[name] ?? name),
    h(
      "select",
      {
        id,
        "data-key": id,
        on: {
          change: (/** @type {any} */ event) =>
            done("arm", { provider: name, fault: event.target.value || null }),
        },
      },
      h("option", { value: "", selected: !armed }, "Works as it should"),
      state.faults.map((one) => h("option", { value: one, selected: one === armed }, FAULTS[one] ?? one)),
    ),
  );
}

/**
 * @param {string} name
 * @returns {HTMLElement}
 */
function ending(name) {
  const usual = state.ringing.ends[0];
  const end = state.calls.ends[name] ?? usual;
  const id = `end-${name}`;
  return h(
    "div",
    { class: `switch${end === usual ? "" : " armed"}` },
    h("label", { for: id }, `Calls by ${PROVIDERS[name] ?? name}`),
    h(
      "select",
      {
        id,
        "data-key": id,
        on: {
          change: (/** @type {any} */ event) => done("ring", { provider: name, end: event.target.value }),
        },
      },
      state.ringing.ends.map((one) => h("option", { value: one, selected: one === end }, ENDS[one] ?? one)),
    ),
  );
}

/** @returns {HTMLElement} */
function reports() {
  const on = state.calls.reported;
  return h(
    "div",
    { class: `switch${on ? "" : " armed"}` },
    h("span", {}, on ? "CallKaro tells CallOps how a call ended" : "CallOps isn't told how a call ended"),
    on
      ? press("Don't tell", "report", { wanted: false })
      : press("Tell again", "report", { wanted: true }),
  );
}

/** @returns {HTMLElement[]} */
function slack() {
  const limited = state.slack.trouble.length > 0;
  const twice = state.slack.twice > 0;
  return [
    h(
      "div",
      { class: `switch${limited ? " armed" : ""}` },
      h("span", {}, limited ? "The next post is answered with 429" : "The next post: 429, come back in 3 s"),
      limited
        ? press("Call it off", "trouble", { does: "heal" })
        : press("Limit it", "trouble", { does: "ratelimited" }),
    ),
    h(
      "div",
      { class: `switch${twice ? " armed" : ""}` },
      h(
        "span",
        {},
        twice ? "The next click or command is delivered twice" : "The next click or command: delivered twice",
      ),
      press("Deliver twice", "trouble", { does: "twice" }, "", twice),
    ),
  ];
}

/**
 * @param {string} name
 * @param {string} what
 * @param {Record<string, unknown>} body
 * @param {string=} style
 * @param {boolean=} disabled
 * @returns {HTMLElement}
 */
function press(name, what, body, style, disabled) {
  return h(
    "button",
    {
      type: "button",
      class: `button small ${style ?? ""}`,
      "data-key": `switch-${name}`,
      disabled,
      on: { click: () => done(what, body) },
    },
    name,
  );
}

/**
 * @param {string} what
 * @param {Record<string, unknown>} body
 */
async function done(what, body) {
  const told = await act(what, body);
  const error = document.getElementById("switch-error");
  if (error) {
    error.hidden = !told.sentence;
    error.textContent = told.sentence ?? "";
  }
}
