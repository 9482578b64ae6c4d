/** The sidebar: channels and the app with their unread counts, and the choice of person. */

import { byId, fill, h, icon } from "./dom.js";
import { go, hash } from "./conversation.js";
import { become } from "./live.js";
import { avatar } from "./messages.js";
import { channel, directChannel, isDirect, on, person, state } from "./state.js";
import { placeOf } from "./time.js";

/** @type {Map<string, string>} each person's last place */
const last = new Map();

export function start() {
  on(["person", "channels", "unread", "place", "bot"], () => {
    places();
    people();
  });
  on(["place"], () => last.set(state.me, state.open));
  byId("drawer-open").addEventListener("click", () => drawer(true));
  byId("drawer-close").addEventListener("click", () => drawer(false));
  byId("shade").addEventListener("click", () => drawer(false));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && document.body.classList.contains("drawer")) drawer(false);
  });
}

function closed() {
  document.body.classList.remove("drawer");
  byId("drawer-open").setAttribute("aria-expanded", "false");
}

/** @param {boolean} open */
function drawer(open) {
  document.body.classList.toggle("drawer", open);
  byId("drawer-open").setAttribute("aria-expanded", String(open));
  byId(open ? "drawer-close" : "drawer-open").focus();
}

function places() {
  const channels = state.channels.filter((one) => !one.direct).sort((a, b) => a.name.localeCompare(b.name));
  const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.place;
  fill(
    byId("channels"),
    channels.map((one) => place(one.id, one.name, hash(one))),
  );
  const running = state.bot.state === "running";
  const presence = h("span", {
    class: `presence ${running ? "on" : ""}`,
    title: running ? "Active" : "Away",
  });
  fill(
    byId("apps"),
    place(
      directChannel(),
      state.app.name,
      h("span", { class: "avatar app small", "aria-hidden": "true" }, icon("call")),
      presence,
    ),
  );
  if (focused)
    document
      .querySelector(`[data-place="${CSS.escape(focused)}"]`)
      ?.dispatchEvent(new CustomEvent("refocus"));
}

/**
 * @param {string} id
 * @param {string} name
 * @param {HTMLElement} mark
 * @param {HTMLElement=} presence
 * @returns {HTMLElement}
 */
function place(id, name, mark, presence) {
  const unread = state.unread[state.me]?.[id];
  const open = id === state.open || (isDirect(id) && isDirect(state.open));
  const kind = channel(id)?.private ? `Private channel ${name}` : `Channel ${name}`;
  const said = unread ? `, ${unread.messages} unread` : "";
  const made = h(
    "button",
    {
      type: "button",
      class: `place${unread ? " unread" : ""}`,
      "aria-current": open ? "page" : null,
      "aria-label": `${isDirect(id) ? `${name}, app` : kind}${said}`,
      data: { place: id },
      on: {
        click: () => {
          closed();
          go(id);
        },
        refocus: () => made.focus(),
      },
    },
    mark,
    h("span", { class: "name" }, name),
    presence,
    unread && unread.pings > 0 && h("span", { class: "count" }, String(unread.pings)),
  );
  return h("li", {}, made);
}

function people() {
  const holder = byId("people");
  const hadFocus = holder.contains(document.activeElement);
  fill(
    holder,
    state.cast.map((id) => {
      const one = person(id);
      const pings = Object.values(state.unread[id] ?? {}).reduce((sum, counts) => sum + counts.pings, 0);
      const all = Object.values(state.unread[id] ?? {}).reduce((sum, counts) => sum + counts.messages, 0);
      const chosen = id === state.me;
      return h(
        "button",
        {
          type: "button",
          class: "person",
          role: "radio",
          "aria-checked": String(chosen),
          tabindex: chosen ? "0" : "-1",
          "aria-label": `${one.realName}, ${one.role}, in ${placeOf(one.zone)}${all ? `, ${all} unread` : ""}`,
          data: { person: id },
          on: { click: () => choose(id), keydown: (/** @type {KeyboardEvent} */ event) => arrows(event, id) },
        },
        avatar(id),
        h(
          "span",
          { class: "who" },
          h("strong", {}, one.realName),
          h("span", {}, `${one.role} · ${placeOf(one.zone)}`),
        ),
        !chosen && all > 0 && h("span", { class: pings ? "count" : "dot" }, pings ? String(pings) : ""),
      );
    }),
  );
  if (hadFocus) /** @type {HTMLElement | null} */ (holder.querySelector('[aria-checked="true"]'))?.focus();
}

/** @param {string} id */
export function choose(id) {
  if (id !== state.me) become(id, last.get(id) ?? null);
  closed();
}

/**
 * w3.org/WAI/ARIA/apg/patterns/radio, read 2026-11.
 *
 * @param {KeyboardEvent} event
 * @param {string} id
 */
function arrows(event, id) {
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const many = state.cast.length;
  choose(state.cast[(state.cast.indexOf(id) + step + many) % many]);
}
