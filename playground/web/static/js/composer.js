/**
 * The composer: Enter sends, Shift and Enter starts a new line, a slash offers the app's commands.
 *
 * The pattern of the list: w3.org/WAI/ARIA/apg/patterns/combobox (list autocomplete), read 2026-11.
 */

import { act } from "./act.js";
import { fill, h, icon } from "./dom.js";
import { menuButton } from "./menu.js";
import { state } from "./state.js";
import { pressFailed } from "./words.js";

/** Number of composers on the page so far, which makes their ids unique. */
let count = 0;

export class Composer {
  /**
   * @param {HTMLElement} holder
   * @param {(text: string) => void} send
   * @param {boolean} offersCommands
   */
  constructor(holder, send, offersCommands) {
    this.send = send;
    this.offersCommands = offersCommands;
    this.holder = holder;
    this.key = "";
    /** @type {Map<string, string>} the drafts, by place */
    this.drafts = new Map();
    /** @type {typeof state.commands} */
    this.offered = [];
    this.chosen = 0;
    this.listId = `offer-${(count += 1)}`;
    this.field = /** @type {HTMLTextAreaElement} */ (
      h("textarea", {
        rows: 1,
        on: {
          input: () => this.changed(),
          keydown: (/** @type {KeyboardEvent} */ event) => this.key_(event),
          blur: () => this.offer([]),
        },
      })
    );
    if (offersCommands) {
      for (const [name, value] of Object.entries({
        role: "combobox",
        "aria-autocomplete": "list",
        "aria-expanded": "false",
        "aria-controls": this.listId,
        "aria-haspopup": "listbox",
      }))
        this.field.setAttribute(name, value);
    }
    this.list = h("ul", {
      class: "offer",
      id: this.listId,
      role: "listbox",
      "aria-label": "Commands",
      hidden: true,
    });
    this.usage = h("p", { class: "usage", hidden: true });
    this.button = h(
      "button",
      {
        type: "button",
        class: "send",
        "aria-label": "Send now",
        disabled: true,
        on: { click: () => this.submit() },
      },
      icon("send"),
    );
    this.shortcuts = h("span", {});
    this.note = h("p", { class: "read-only", hidden: true });
    this.box = h(
      "div",
      { class: "box" },
      this.field,
      h(
        "div",
        { class: "bar" },
        this.shortcuts,
        h("span", { class: "keys" }, "Enter to send · Shift + Enter for a new line"),
        this.button,
      ),
    );
    fill(holder, this.list, this.usage, this.box, this.note);
  }

  /**
   * @param {string} key the place
   * @param {string} label
   * @param {string | null} readOnly why nobody can write here, or null
   */
  place(key, label, readOnly) {
    this.note.hidden = readOnly === null;
    this.note.textContent = readOnly ?? "";
    this.box.hidden = readOnly !== null;
    this.field.placeholder = label;
    this.field.setAttribute("aria-label", label);
    if (this.offersCommands && state.globalShortcuts.length) fill(this.shortcuts, shortcuts());
    if (key === this.key) return;
    this.drafts.set(this.key, this.field.value);
    this.key = key;
    this.field.value = this.drafts.get(key) ?? "";
    this.changed();
  }

  changed() {
    const { value } = this.field;
    this.field.style.height = "auto";
    this.field.style.height = `${this.field.scrollHeight}px`;
    /** @type {any} */ (this.button).disabled = !value.trim();
    if (!this.offersCommands) return;
    const naming = /^\/\S*$/.test(value);
    this.chosen = 0;
    this.offer(naming ? state.commands.filter((one) => one.command.startsWith(value)) : []);
    const typed = state.commands.find((one) => value.startsWith(`${one.command} `));
    this.usage.hidden = !typed;
    if (typed) fill(this.usage, h("strong", {}, typed.command), ` ${typed.usage_hint}`);
  }

  /** @param {typeof state.commands} commands */
  offer(commands) {
    this.offered = commands;
    this.list.hidden = commands.length === 0;
    this.field.setAttribute("aria-expanded", String(commands.length > 0));
    fill(
      this.list,
      commands.map((one, index) =>
        h(
          "li",
          {
            id: `${this.listId}-${index}`,
            role: "option",
            "aria-selected": String(index === this.chosen),
            on: {
              mousedown: (/** @type {Event} */ event) => {
                event.preventDefault();
                this.take(index);
              },
            },
          },
          h("span", { class: "avatar app small", "aria-hidden": "true" }, icon("call")),
          h(
            "span",
            { class: "offered" },
            h(
              "span",
              {},
              h("strong", {}, one.command),
              " ",
              h("span", { class: "usage-hint" }, one.usage_hint),
            ),
            h("span", { class: "offered-what" }, one.description),
          ),
          h("span", { class: "offered-app" }, state.app.name),
        ),
      ),
    );
    const active = commands.length ? `${this.listId}-${this.chosen}` : null;
    if (active) this.field.setAttribute("aria-activedescendant", active);
    else this.field.removeAttribute("aria-activedescendant");
  }

  /** @param {number} index */
  take(index) {
    this.field.value = `${this.offered[index].command} `;
    this.changed();
  }

  /** @param {KeyboardEvent} event */
  key_(event) {
    const many = this.offered.length;
    if (many && ["ArrowDown", "ArrowUp", "Tab", "Escape"].includes(event.key)) {
      event.preventDefault();
      if (event.key === "Tab") this.take(this.chosen);
      else if (event.key === "Escape") this.offer([]);
      else {
        this.chosen = (this.chosen + (event.key === "ArrowDown" ? 1 : many - 1)) % many;
        this.offer(this.offered);
      }
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      const exact = this.offered[this.chosen]?.command === this.field.value;
      if (many && !exact) this.take(this.chosen);
      else this.submit();
    }
  }

  submit() {
    const text = this.field.value.trim();
    if (!text) return;
    this.field.value = "";
    this.changed();
    this.field.focus();
    this.send(text);
  }
}

/** @returns {HTMLElement} the menu with the app's shortcuts that need no message */
function shortcuts() {
  const items = state.globalShortcuts.map(({ name, callback_id }) => ({
    text: [name, h("span", {}, state.app.name)],
    chosen: async () => {
      const done = await act("shortcut", { person: state.me, callback_id });
      const detail = done.sentence ?? (done.error ? pressFailed(done.error) : "");
      if (detail) document.dispatchEvent(new CustomEvent("notice", { detail }));
    },
  }));
  return menuButton({ class: "tool", title: "Shortcuts", "aria-label": "Shortcuts" }, icon("plus"), items);
}
