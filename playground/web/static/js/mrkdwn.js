/**
 * Slack's mrkdwn as elements: docs.slack.dev/messaging/formatting-message-text, read 2026-11.
 *
 * The rule for marks (not inside a word, not beside a space) is second-hand.
 */

import { h } from "./dom.js";
import { pictured } from "./emoji.js";
import { person, state } from "./state.js";
import { slackDate } from "./time.js";

const FENCE = /```([\s\S]*?)```\n?/g;
const ATOM = /`([^`\n]+)`|<([^<>\n]+)>/g;
const EMPHASIS = /(?<![\w*_~])([*_~])(?=\S)(.+?)(?<=\S)\1(?![\w*_~])/;
const EMPHASES = { "*": "strong", _: "em", "~": "del" };
const SAFE_LINK = /^(https?:|mailto:|tel:)/;
/**
 * @param {string} url
 * @returns {boolean} whether a link to it may be drawn
 */
export function safe(url) {
  return SAFE_LINK.test(url);
}

/** A message's address, as chat.getPermalink returns it. */
const PERMALINK = /^https:\/\/callops\.slack\.com\/archives\/(\w+)\/p(\d+)(\d{6})(?:\?|$)/;
/** Characters of Unicode's private use area stand for finished elements. */
const FIRST_ATOM = 0xe000;
const LAST_ATOM = 0xf8ff;
const ATOMS = /[\ue000-\uf8ff]/g;

/**
 * @typedef {{zone: string, now: Date}} Reader
 */

/**
 * @param {string} text
 * @param {Reader} reader
 * @returns {(Node | string)[]}
 */
export function mrkdwn(text, reader) {
  const found = [];
  let from = 0;
  for (const fence of text.matchAll(FENCE)) {
    found.push(...lines(text.slice(from, fence.index), reader));
    found.push(h("pre", {}, unescaped(fence[1].replace(/^\n|\n$/g, ""))));
    from = fence.index + fence[0].length;
  }
  found.push(...lines(text.slice(from), reader));
  return found;
}

/**
 * Return a text object of either type as elements.
 *
 * @param {{type: string, text: string}} text
 * @param {Reader} reader
 * @returns {(Node | string)[]}
 */
export function rich(text, reader) {
  return text.type === "mrkdwn" ? mrkdwn(text.text, reader) : pictured(text.text);
}

/**
 * Return the plain text for a notification.
 *
 * @param {string} text
 * @param {Reader} reader
 * @returns {string}
 */
export function plain(text, reader) {
  return h("span", {}, ...mrkdwn(text, reader)).textContent ?? "";
}

/**
 * @param {string} text
 * @param {Reader} reader
 * @returns {(Node | string)[]}
 */
function lines(text, reader) {
  /** @type {(Node | string)[]} */
  const found = [];
  /** @type {string[]} */
  let quoted = [];
  const shown = text.split("\n");
  shown.forEach((line, index) => {
    const quote = /^(?:>|&gt;) ?(.*)$/.exec(line);
    if (quote) quoted.push(quote[1]);
    if (quoted.length && (!quote || index === shown.length - 1)) {
      found.push(h("blockquote", {}, ...lines(quoted.join("\n"), reader)));
      quoted = [];
      if (!quote) found.push(...inline(line, reader), index < shown.length - 1 ? "\n" : "");
    } else if (!quote) {
      found.push(...inline(line, reader), index < shown.length - 1 ? "\n" : "");
    }
  });
  return found;
}

/**
 * @param {string} line
 * @param {Reader} reader
 * @returns {(Node | string)[]}
 */
function inline(line, reader) {
  /** @type {(Node | string)[]} */
  const atoms = [];
  const marked = line.replace(ATOMS, "").replace(ATOM, (whole, code, control) => {
    if (FIRST_ATOM + atoms.length > LAST_ATOM) return whole;
    atoms.push(code === undefined ? controlled(control, reader) : h("code", {}, unescaped(code)));
    return String.fromCharCode(FIRST_ATOM + atoms.length - 1);
  });
  return emphasized(marked, atoms);
}

/**
 * @param {string} text
 * @param {(Node | string)[]} atoms
 * @returns {(Node | string)[]}
 */
function emphasized(text, atoms) {
  const found = EMPHASIS.exec(text);
  if (!found) return withAtoms(text, atoms);
  const [whole, mark, inner] = found;
  const tag = EMPHASES[/** @type {keyof typeof EMPHASES} */ (mark)];
  return [
    ...withAtoms(text.slice(0, found.index), atoms),
    h(tag, {}, ...emphasized(inner, atoms)),
    ...emphasized(text.slice(found.index + whole.length), atoms),
  ];
}

/**
 * @param {string} text
 * @param {(Node | string)[]} atoms
 * @returns {(Node | string)[]}
 */
function withAtoms(text, atoms) {
  const found = [];
  let from = 0;
  for (const one of text.matchAll(ATOMS)) {
    found.push(...pictured(unescaped(text.slice(from, one.index))), atoms[one[0].charCodeAt(0) - FIRST_ATOM]);
    from = one.index + 1;
  }
  found.push(...pictured(unescaped(text.slice(from))));
  return found.filter((one) => one !== "");
}

/**
 * Return the element for the text between < and >: a mention, a date or a link.
 *
 * @param {string} control
 * @param {Reader} reader
 * @returns {Node | string}
 */
function controlled(control, reader) {
  const [target, label] = halves(control);
  if (target.startsWith("!date^")) {
    const [, unix, pattern] = target.split("^");
    const shown = slackDate(unix, pattern ?? "", unescaped(label), reader.zone, reader.now);
    return h("span", { class: "date", title: `In ${reader.zone}` }, shown);
  }
  if (target.startsWith("@")) {
    const id = target.slice(1);
    const known = state.people.get(id);
    const mine = id === state.me ? " mention-me" : "";
    return h("span", { class: `mention${mine}` }, `@${known ? person(id).name : label || id}`);
  }
  if (target.startsWith("#")) {
    const known = state.channels.find((one) => one.id === target.slice(1));
    return h("span", { class: "mention" }, `#${known?.name ?? (label || target.slice(1))}`);
  }
  if (target.startsWith("!")) {
    const said = label || `@${target.slice(1).replace(/^subteam\^\w+$/, "group")}`;
    return h("span", { class: "mention mention-me" }, said);
  }
  const shown = unescaped(label || target);
  if (!SAFE_LINK.test(target)) return shown;
  const here = PERMALINK.exec(target);
  if (here) return permalink(here[1], `${here[2]}.${here[3]}`, unescaped(target), shown);
  return h("a", { href: unescaped(target), target: "_blank", rel: "noreferrer noopener" }, shown);
}

/**
 * Return a link to a message of this workspace, which opens it in the page.
 *
 * @param {string} channel
 * @param {string} ts
 * @param {string} href
 * @param {string} shown
 * @returns {HTMLElement}
 */
function permalink(channel, ts, href, shown) {
  /** @param {Event} event */
  const click = (event) => {
    event.preventDefault();
    document.dispatchEvent(new CustomEvent("open-message", { detail: { channel, ts } }));
  };
  return h("a", { href, on: { click } }, shown);
}

/**
 * @param {string} control
 * @returns {[string, string]}
 */
function halves(control) {
  const bar = control.indexOf("|");
  return bar < 0 ? [control, ""] : [control.slice(0, bar), control.slice(bar + 1)];
}

/**
 * @param {string} text
 * @returns {string}
 */
function unescaped(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}
