/** The open conversation: its head, messages and composer, and the thread beside it. */

/** @import {Channel, Message} from "./types.js" */

import { act } from "./act.js";
import { Composer } from "./composer.js";
import { byId, fill, h, icon } from "./dom.js";
import { MessageList } from "./messages.js";
import { changed, channel, homeIsOpen, isDirect, isRoot, me, messagesIn, on, state } from "./state.js";
import { clock, placeOf } from "./time.js";
import { NO_COMMANDS_IN_THREADS, READ_ONLY, commandFailed } from "./words.js";

/** Pixels above the end that still count as the end. */
const NEAR_END = 80;
const MINUTE = 60_000;
/** True if the newest message stays visible, until the person scrolls up. */
let followed = true;

function toEnd() {
  const scroller = byId("scroller");
  scroller.scrollTop = scroller.scrollHeight;
}

/**
 * Open a channel.
 *
 * @param {string} id
 */
export function go(id) {
  state.open = id;
  state.thread = null;
  changed(["place"]);
  byId("composer").querySelector("textarea")?.focus();
}

/**
 * Open the place of a message, and show it. A message that this person cannot see is said to be private.
 *
 * @param {string} channelId
 * @param {string} ts
 */
export function goTo(channelId, ts) {
  const found = messagesIn(channelId).find((one) => one.ts === ts);
  if (!channel(channelId) || !found) {
    notice("You don't have access to this message, or it was deleted.", "");
    return;
  }
  const root = found.thread_ts ?? ts;
  go(channelId);
  if (root !== ts) openThread(root);
  followed = false;
  const shown = document.querySelector(`#messages > [data-ts="${CSS.escape(root)}"]`);
  shown?.scrollIntoView({ block: "center" });
  shown?.classList.add("changed");
}

/**
 * Open a thread.
 *
 * @param {string | null} ts null closes it
 */
export function openThread(ts) {
  state.thread = ts;
  changed(["place"]);
  const target = byId(ts ? "thread" : "composer").querySelector("textarea");
  target?.focus();
}

export function start() {
  const list = new MessageList(byId("messages"), openThread, false);
  const threadList = new MessageList(byId("thread-messages"), openThread, true);
  const composer = new Composer(byId("composer"), (text) => send(text, null), true);
  const reply = new Composer(byId("thread-composer"), (text) => send(text, state.thread), false);
  byId("thread-close").addEventListener("click", () => openThread(null));
  byId("thread").addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented) openThread(null);
  });

  const show = () => {
    const roots = messagesIn(state.open).filter(isRoot);
    list.show(roots);
    byId("beginning").hidden = false;
    if (followed) toEnd();
    showThread(threadList, reply);
    read();
  };
  on(["messages"], show);
  document.addEventListener("notice", (event) => notice(/** @type {CustomEvent} */ (event).detail, ""));
  on(["place", "person"], () => {
    list.clear();
    threadList.clear();
    head();
    const name = placeName(state.open);
    const silent = isDirect(state.open) && !state.app.writable;
    composer.place(`${state.me} ${state.open}`, `Message ${name}`, silent ? READ_ONLY : null);
    followed = true;
    show();
    history.replaceState(null, "", `#${state.me}/${isDirect(state.open) ? "D" : state.open}`);
    document.title = `${name} · ${me().realName} · CallOps demo`;
  });
  document.addEventListener("visibilitychange", read);
  document.addEventListener("open-message", (event) => {
    const { channel: where, ts } = /** @type {CustomEvent} */ (event).detail;
    goTo(where, ts);
  });
  byId("skip").addEventListener("click", () => {
    const field = byId("composer").querySelector("textarea");
    (field?.offsetParent ? field : byId(homeIsOpen() ? "home" : "scroller")).focus();
  });
  const scroller = byId("scroller");
  scroller.addEventListener("scroll", () => {
    followed = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_END;
  });
  const sizes = new ResizeObserver(() => followed && toEnd());
  sizes.observe(scroller);
  sizes.observe(byId("messages"));
  setInterval(head, MINUTE);
}

/**
 * @param {string} id
 * @returns {string}
 */
export function placeName(id) {
  return isDirect(id) ? state.app.name : `#${channel(id)?.name ?? id}`;
}

/**
 * @param {Channel | undefined} channel
 * @returns {HTMLElement} the mark before its name: a lock if it is private
 */
export function hash(channel) {
  return h("span", { class: "hash" }, channel?.private ? icon("lock") : "#");
}

function head() {
  const direct = isDirect(state.open);
  fill(
    byId("place"),
    h("h1", {}, direct ? state.app.name : [hash(channel(state.open)), channel(state.open)?.name]),
    h("p", {}, direct ? "What only you see" : state.purposes[state.open]),
  );
  const { realName, zone } = me();
  byId("viewer").textContent = `${realName} · ${clock(new Date(), zone)} in ${placeOf(zone)}`;
  fill(
    byId("beginning"),
    h("strong", {}, direct ? state.app.name : placeName(state.open)),
    h(
      "span",
      {},
      direct
        ? "Updates on your requests appear here."
        : `This is the very beginning of ${placeName(state.open)}. ${state.purposes[state.open] ?? ""}.`,
    ),
  );
}

/**
 * @param {MessageList} list
 * @param {Composer} reply
 */
function showThread(list, reply) {
  const ts = state.thread;
  const panel = byId("thread");
  document.body.classList.toggle("with-thread", ts !== null);
  panel.hidden = ts === null;
  if (!ts) return;
  const all = messagesIn(state.open);
  list.show(all.filter((one) => one.ts === ts || one.thread_ts === ts));
  byId("thread-place").textContent = placeName(state.open);
  const silent = isDirect(state.open) && !state.app.writable;
  reply.place(`${state.me} ${state.open} ${ts}`, "Reply…", silent ? READ_ONLY : null);
}

/** Mark the visible messages as read, if the person looks at the page. */
function read() {
  const unread = state.unread[state.me]?.[state.open];
  const last = messagesIn(state.open)
    .filter((one) => isRoot(one) && !one.notice)
    .at(-1);
  if (unread && last && !homeIsOpen() && document.visibilityState === "visible") {
    act("read", { person: state.me, channel: state.open, ts: last.ts });
  }
}

/**
 * Send a message, or a command if it begins with a slash, as in Slack's composer.
 *
 * @param {string} text
 * @param {string | null} thread
 */
async function send(text, thread) {
  followed = true;
  const body = { person: state.me, channel: state.open, text, thread_ts: thread };
  const command = text.split(/\s/, 1)[0];
  if (!text.startsWith("/")) {
    const done = await act("say", body);
    if (done.sentence) notice(done.sentence, "");
    return;
  }
  if (thread) {
    notice(`${command} ${NO_COMMANDS_IN_THREADS}`, "Type it in the channel.");
    return;
  }
  const done = await act("command", body);
  if (done.sentence) notice(done.sentence, "");
  else if (done.error) {
    const { sentence, why } = commandFailed(command, done.error);
    notice(sentence, why);
  }
}

/**
 * Show a notice of Slack itself, here and to this person only.
 *
 * @param {string} sentence
 * @param {string} why
 */
function notice(sentence, why) {
  state.notices.push({
    ts: (Date.now() / 1000).toFixed(6),
    channel: state.open,
    user: "USLACKBOT",
    text: sentence,
    blocks: [],
    thread_ts: null,
    ephemeral_to: state.me,
    in_reply_to: null,
    edits: 0,
    pings: [],
    notice: { sentence, why },
  });
  changed(["messages"], []);
}

/**
 * Put a text into the composer, for the person to send.
 *
 * @param {string} text
 */
export function suggest(text) {
  if (isDirect(state.open)) go("C0SUPPORT");
  const field = /** @type {HTMLTextAreaElement | null} */ (byId("composer").querySelector("textarea"));
  if (!field) return;
  field.value = text;
  field.dispatchEvent(new Event("input"));
  field.focus();
  field.setSelectionRange(text.length, text.length);
}
