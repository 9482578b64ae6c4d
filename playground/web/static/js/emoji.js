/**
 * The emoji of messages. They are drawn by this page (emoji/*.svg), because a computer may have no font for them.
 * Their characters stay in the text, for screen readers and for copying.
 */

import { h } from "./dom.js";

/** @type {Record<string, string>} by their names between colons, as in the transcript */
const EMOJI = {
  white_check_mark: "✅",
  x: "❌",
  warning: "⚠️",
  hourglass_flowing_sand: "⏳",
  double_vertical_bar: "⏸️",
  no_entry_sign: "🚫",
  hand: "✋",
  paperclip: "📎",
};
const NAMES = new Map(Object.entries(EMOJI).map(([name, one]) => [one, name]));
const KNOWN = new RegExp(`(${Object.values(EMOJI).join("|")})`, "u");

/**
 * Return a text with the characters of named emoji.
 *
 * @param {string} text
 * @returns {string}
 */
export function named(text) {
  return text.replace(/:([a-z0-9_+-]+):/g, (whole, name) => EMOJI[name] ?? whole);
}

/**
 * Return a text with its emoji drawn.
 *
 * @param {string} text
 * @returns {(Node | string)[]}
 */
export function pictured(text) {
  const parts = named(text).split(KNOWN);
  return parts
    .map((part) => (NAMES.has(part) ? h("span", { class: `emoji ${NAMES.get(part)}` }, part) : part))
    .filter((part) => part !== "");
}
