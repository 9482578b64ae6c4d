/** Builds the page's elements. Text stays text and never becomes markup. */

/**
 * @typedef {Node | string | null | undefined | false | readonly unknown[]} Child an element, text, nothing, or
 *   several of these, however nested
 */

/**
 * Return an element with attributes and children. `on` maps events to listeners. `data` sets data-*. True
 * sets an attribute without a value. Null, undefined and false leave it out.
 *
 * @param {string} tag
 * @param {Record<string, any>} attributes
 * @param {...Child} children
 * @returns {HTMLElement}
 */
export function h(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) made.addEventListener(event, listener);
    } else if (name === "data") {
      Object.assign(made.dataset, value);
    } else if (name === "value") {
      /** @type {any} */ (made).value = value;
    } else {
      made.setAttribute(name, value === true ? "" : String(value));
    }
  }
  made.append(...flat(children));
  return made;
}

/**
 * @param {Child[]} children
 * @returns {(Node | string)[]}
 */
function flat(children) {
  const kept = /** @type {any[]} */ (/** @type {any[]} */ (children).flat(Infinity));
  return kept.filter((child) => child !== null && child !== undefined && child !== false && child !== "");
}

/**
 * @param {Element} parent
 * @param {...Child} children
 */
export function fill(parent, ...children) {
  parent.replaceChildren(...flat(children));
}

/**
 * Return the element with an id.
 *
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/** Paths on a grid of 20, drawn with the current colour. */
const ICONS = {
  close: "M5 5l10 10M15 5L5 15",
  back: "M12 4l-6 6 6 6",
  menu: "M3 5h14M3 10h14M3 15h14",
  send: "M3 10l14-6-5 13-3-5z",
  reply: "M4 4h12v9H9l-4 3v-3H4z",
  phone: "M6 2h8v16H6zM9 15.5h2",
  eye: "M2 10s3-5 8-5 8 5 8 5-3 5-8 5-8-5-8-5zM10 8a2 2 0 1 0 0 4 2 2 0 0 0 0-4",
  pane: "M3 4h14v12H3zM12 4v12",
  contrast: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14M10 3v14",
  more: "M10 4.500v1M10 9.500v1M10 14.500v1",
  plus: "M10 4v12M4 10h12",
  dots: "M4.500 10h1M9.500 10h1M14.500 10h1",
  lock: "M5 9h10v8H5zM7 9V6a3 3 0 0 1 6 0v3",
  call: "M5 3l3 0 1.5 4-2 1.5a9 9 0 0 0 4 4L13 10.500l4 1.500v3c0 1-1 2-2 2A12 12 0 0 1 3 5c0-1 1-2 2-2z",
};

/**
 * @param {keyof typeof ICONS} name
 * @returns {SVGElement}
 */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/**
 * Replace an element with its newer version, and keep the focus inside it.
 *
 * @param {Element} old
 * @param {Element} fresh
 */
export function exchange(old, fresh) {
  const key = focusKey(old);
  old.replaceWith(fresh);
  if (key !== null) {
    const again = key ? fresh.querySelector(`[data-key="${CSS.escape(key)}"]`) : null;
    const first = again ?? fresh.querySelector("button, a[href], input, select, textarea") ?? fresh;
    if (first === fresh) fresh.setAttribute("tabindex", "-1");
    /** @type {HTMLElement} */ (first).focus({ preventScroll: true });
  }
}

/**
 * Return the data-key of the focused element inside, "" if it has none, null if the focus is elsewhere.
 *
 * @param {Element} parent
 * @returns {string | null}
 */
export function focusKey(parent) {
  const focused = /** @type {HTMLElement | null} */ (document.activeElement);
  return focused && parent.contains(focused) ? (focused.dataset.key ?? "") : null;
}
