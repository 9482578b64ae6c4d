/**
 * A button that opens a menu: w3.org/WAI/ARIA/apg/patterns/menu-button, read 2026-11.
 *
 * The menu is a popover, which stands above a modal too. Arrows move in it, Escape and Tab close it.
 */

import { h } from "./dom.js";

/** @typedef {{text: import("./dom.js").Child, chosen: () => void}} Item */

let many = 0;

/**
 * @param {Record<string, any>} attributes the button's
 * @param {import("./dom.js").Child} content the button's
 * @param {Item[]} items
 * @returns {HTMLElement}
 */
export function menuButton(attributes, content, items) {
  many += 1;
  const id = `menu-${many}`;
  const shown = items.map(({ text, chosen }) =>
    h(
      "button",
      {
        type: "button",
        role: "menuitem",
        tabindex: "-1",
        on: {
          click: () => {
            menu.hidePopover();
            button.focus();
            chosen();
          },
        },
      },
      text,
    ),
  );
  const menu = h(
    "div",
    {
      id,
      class: "menu",
      role: "menu",
      popover: "auto",
      "aria-label": attributes["aria-label"],
      on: { keydown: (/** @type {KeyboardEvent} */ event) => keys(event) },
    },
  );
  const button = h(
    "button",
    {
      ...attributes,
      type: "button",
      popovertarget: id,
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      on: {
        keydown: (/** @type {KeyboardEvent} */ event) => {
          if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
          event.preventDefault();
          menu.showPopover();
          shown.at(event.key === "ArrowDown" ? 0 : -1)?.focus();
        },
      },
    },
    content,
  );
  // A closed menu is empty, so that its words are not among those of the message.
  menu.addEventListener("beforetoggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState === "open") menu.replaceChildren(...shown);
  });
  menu.addEventListener("toggle", (event) => {
    const open = /** @type {ToggleEvent} */ (event).newState === "open";
    button.setAttribute("aria-expanded", String(open));
    if (!open) {
      menu.replaceChildren();
      return;
    }
    beside(menu, button);
    if (!menu.contains(document.activeElement)) shown[0]?.focus();
  });

  /** @param {KeyboardEvent} event */
  function keys(event) {
    const at = shown.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (event.key === "Tab" || event.key === "Escape") {
      menu.hidePopover();
      button.focus();
    }
    if (event.key === "Escape") event.preventDefault(); // it closes the menu, not the thread or modal below
    if (to === undefined) return;
    event.preventDefault();
    shown.at(to % shown.length)?.focus();
  }
  return h("span", { class: "with-menu" }, button, menu);
}

/**
 * Put a menu below its button, or above it where there is no room, and not over the part at its left.
 *
 * @param {HTMLElement} menu
 * @param {HTMLElement} button
 */
function beside(menu, button) {
  const gap = 4;
  const { top, bottom, left, right } = button.getBoundingClientRect();
  const edge = button.closest("main, aside, dialog")?.getBoundingClientRect().left ?? 0;
  const { offsetHeight: height, offsetWidth: width } = menu;
  const below = bottom + gap + height <= innerHeight;
  menu.style.top = `${below ? bottom + gap : Math.max(gap, top - gap - height)}px`;
  const start = right - width < edge ? left : right - width;
  menu.style.left = `${Math.max(gap, Math.min(start, innerWidth - width - gap))}px`;
}
