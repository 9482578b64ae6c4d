/** The emoji that messages name between colons, as in the transcript. */

/** @type {Record<string, string>} */
const EMOJI = {
  white_check_mark: "✅",
  x: "❌",
  warning: "⚠️",
  hourglass_flowing_sand: "⏳",
  telephone_receiver: "📞",
  question: "❓",
  no_entry: "⛔",
  bell: "🔔",
};

/**
 * @param {string} text
 * @returns {string}
 */
export function named(text) {
  return text.replace(/:([a-z0-9_+-]+):/g, (whole, name) => EMOJI[name] ?? whole);
}
