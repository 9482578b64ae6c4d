/** Messages in a channel or a thread. */

/** @import {Message, Block, Element_} from "./types.js" */
/** @import {Reader} from "./mrkdwn.js" */
/** @import {Place} from "./inputs.js" */

import { act } from "./act.js";
import { drawn } from "./blocks.js";
import { exchange, h, icon } from "./dom.js";
import { pictured } from "./emoji.js";
import { menuButton } from "./menu.js";
import { mrkdwn, plain } from "./mrkdwn.js";
import { isRoot, me, messagesIn, person, state } from "./state.js";
import { clock, divider, ofTs } from "./time.js";
import { pressFailed } from "./words.js";

/** Seconds within which messages of an author are grouped. Slack's time is not documented. */
const TOGETHER = 300;

/** @returns {Reader} */
export function reader() {
  return { zone: me().zone, now: new Date() };
}

/**
 * @param {string} id a person's or the app's
 * @returns {HTMLElement}
 */
export function avatar(id) {
  const shown = person(id);
  if (id === state.app.id) return h("span", { class: "avatar app", "aria-hidden": "true" }, icon("call"));
  const initials = shown.realName
    .split(" ")
    .map((word) => word[0])
    .join("")
    .slice(0, 2);
  const colour = [...id].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 6;
  return h("span", { class: `avatar colour-${colour}`, "aria-hidden": "true" }, initials);
}

/** A list of messages on the page, updated message by message. */
export class MessageList {
  /**
   * @param {HTMLElement} list
   * @param {(ts: string) => void} openThread
   * @param {boolean} inThread
   */
  constructor(list, openThread, inThread) {
    this.list = list;
    this.openThread = openThread;
    this.inThread = inThread;
    /** @type {Map<string, {item: HTMLElement, drawn: string}>} */
    this.items = new Map();
  }

  clear() {
    this.items.clear();
    this.list.replaceChildren();
  }

  /** @param {Message[]} messages the visible ones, oldest first */
  show(messages) {
    const kept = new Set(messages.map((one) => one.ts));
    for (const [ts, { item }] of this.items) {
      if (!kept.has(ts)) {
        item.remove();
        this.items.delete(ts);
      }
    }
    for (const one of this.list.querySelectorAll(".day")) one.remove();
    /** @type {Message | null} */
    let previous = null;
    let day = "";
    let after = /** @type {Element | null} */ (null);
    for (const message of messages) {
      const today = divider(ofTs(message.ts), me().zone, new Date());
      if (today !== day && !this.inThread) {
        const line = h("li", { class: "day" }, h("span", {}, today));
        after = place(this.list, line, after);
        previous = null;
      }
      day = today;
      const together =
        previous !== null &&
        previous.user === message.user &&
        !message.ephemeral_to === !previous.ephemeral_to &&
        Number(message.ts) - Number(previous.ts) < TOGETHER;
      after = place(this.list, this.item(message, together), after);
      previous = message;
    }
  }

  /**
   * @param {Message} message
   * @param {boolean} together
   * @returns {HTMLElement}
   */
  item(message, together) {
    const replies = this.inThread
      ? []
      : messagesIn(message.channel).filter((one) => !isRoot(one) && one.thread_ts === message.ts);
    const now = JSON.stringify([message, together, replies.length, replies.at(-1)?.ts, state.me]);
    const known = this.items.get(message.ts);
    if (known?.drawn === now) return known.item;
    const item = this.draw(message, together, replies);
    if (known) {
      item.classList.add("changed");
      exchange(known.item, item);
    }
    this.items.set(message.ts, { item, drawn: now });
    return item;
  }

  /**
   * @param {Message} message
   * @param {boolean} together
   * @param {Message[]} replies
   * @returns {HTMLElement}
   */
  draw(message, together, replies) {
    const read = reader();
    const author = person(message.user);
    const at = ofTs(message.ts);
    const isApp = message.user === state.app.id;
    const name = message.notice ? "Slackbot" : author.realName;
    return h(
      "li",
      {
        class: `message${together ? " together" : ""}${message.ephemeral_to ? " ephemeral" : ""}`,
        data: { ts: message.ts },
      },
      message.ephemeral_to && h("p", { class: "only" }, icon("eye"), "Only visible to you"),
      message.in_reply_to &&
        !message.ephemeral_to &&
        h("p", { class: "only" }, `Answer to ${message.in_reply_to}`),
      message.notice
        ? h("span", { class: "avatar slackbot", "aria-hidden": "true" }, "S")
        : avatar(message.user),
      h(
        "div",
        { class: "body" },
        h(
          "p",
          { class: "head" },
          h("span", { class: "author" }, name),
          isApp && h("span", { class: "tag" }, "App"),
          h(
            "time",
            { datetime: at.toISOString(), title: `${divider(at, read.zone, read.now)}, ${read.zone}` },
            clock(at, read.zone),
          ),
        ),
        this.content(message, read),
        message.edits > 0 && h("span", { class: "edited" }, "(edited)"),
        replies.length > 0 && this.replies(message, replies),
      ),
      !message.notice && this.tools(message, read),
    );
  }

  /**
   * @param {Message} message
   * @param {Reader} read
   * @returns {HTMLElement}
   */
  content(message, read) {
    if (message.notice) {
      return h(
        "div",
        { class: "text" },
        message.notice.sentence,
        message.notice.why && h("span", { class: "why" }, message.notice.why),
      );
    }
    if (!message.blocks.length) return h("div", { class: "text" }, ...mrkdwn(message.text, read));
    return h("div", { class: "blocks" }, drawn(message.blocks, read, pressable(message)));
  }

  /**
   * @param {Message} message
   * @param {Message[]} replies
   * @returns {HTMLElement}
   */
  replies(message, replies) {
    const last = replies[replies.length - 1];
    const many = `${replies.length} ${replies.length === 1 ? "reply" : "replies"}`;
    return h(
      "button",
      {
        type: "button",
        class: "replies",
        "data-key": "replies",
        on: { click: () => this.openThread(message.ts) },
      },
      avatar(last.user),
      h("strong", {}, many),
      h("span", {}, `Last at ${clock(ofTs(last.ts), me().zone)}`),
    );
  }

  /**
   * @param {Message} message
   * @param {Reader} read
   * @returns {HTMLElement}
   */
  tools(message, read) {
    const said = plain(message.text, read);
    const phone = h(
      "button",
      {
        type: "button",
        class: "tool",
        "data-key": "phone",
        "aria-expanded": "false",
        title: "What a phone shows",
        "aria-label": "What a phone's notification shows",
        on: {
          click: () => {
            const open = phone.getAttribute("aria-expanded") === "true";
            phone.setAttribute("aria-expanded", String(!open));
            const item = phone.closest(".message");
            if (open) return item?.querySelector(".phone-text")?.remove();
            return item?.querySelector(".body")?.append(h("p", { class: "phone-text" }, icon("phone"), h("span", {}, pictured(said))));
          },
        },
      },
      icon("phone"),
    );
    const thread =
      !this.inThread &&
      !message.ephemeral_to &&
      h(
        "button",
        {
          type: "button",
          class: "tool",
          "data-key": "thread",
          title: "Reply in thread",
          "aria-label": "Reply in thread",
          on: { click: () => this.openThread(message.ts) },
        },
        icon("reply"),
      );
    return h("div", { class: "tools" }, phone, thread, !message.ephemeral_to && shortcuts(message));
  }
}

/**
 * Return the menu with the app's shortcuts on a message. A failure is said below the message.
 *
 * @param {Message} message
 * @returns {HTMLElement}
 */
function shortcuts(message) {
  const items = state.shortcuts.map(({ name, callback_id }) => ({
    text: [name, h("span", {}, state.app.name)],
    chosen: async () => {
      const { channel, ts } = message;
      const done = await act("shortcut", { person: state.me, callback_id, channel, ts });
      const sentence = done.sentence ?? (done.error ? pressFailed(done.error) : "");
      if (!sentence) return;
      made.closest(".message")?.querySelector(".body")?.append(h("p", { class: "press-error", role: "alert" }, sentence));
    },
  }));
  const attributes = { class: "tool", "data-key": "more", title: "More actions", "aria-label": "More actions" };
  const made = menuButton(attributes, icon("more"), items);
  return made;
}

/**
 * @param {Element} list
 * @param {Element} item
 * @param {Element | null} after
 * @returns {Element}
 */
function place(list, item, after) {
  const before = after ? after.nextSibling : list.firstChild;
  if (before !== item) list.insertBefore(item, before);
  return item;
}

/**
 * @param {Message} message
 * @returns {Place}
 */
function pressable(message) {
  return {
    value: (_block, element) => element.initial_option?.value ?? null,
    typed: () => undefined,
    press: async (block, element, value) => {
      const done = await act("click", {
        person: state.me,
        channel: message.channel,
        ts: message.ts,
        block_id: block.block_id,
        action_id: element.action_id,
        value,
      });
      if (done.sentence) return done.sentence;
      return done.error ? pressFailed(done.error) : null;
    },
  };
}
