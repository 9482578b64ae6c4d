/** The theme: light, dark, or the system's. */

import { byId } from "./dom.js";

const KEY = "theme";
const NEXT = { auto: "dark", dark: "light", light: "auto" };

/** @typedef {keyof typeof NEXT} Theme */

export function start() {
  const button = byId("theme");
  /** @param {Theme} theme */
  const set = (theme) => {
    document.documentElement.dataset.theme = theme;
    button.setAttribute(
      "aria-label",
      `Colours: ${theme === "auto" ? "as the system has them" : theme}. Change.`,
    );
    button.title = `Colours: ${theme}`;
  };
  const kept = localStorage.getItem(KEY);
  let theme = /** @type {Theme} */ (kept && kept in NEXT ? kept : "auto");
  set(theme);
  button.addEventListener("click", () => {
    theme = /** @type {Theme} */ (NEXT[theme]);
    localStorage.setItem(KEY, theme);
    set(theme);
  });
}
