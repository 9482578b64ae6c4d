/**
 * Interactive elements: docs.slack.dev/reference/block-kit/block-elements, read 2026-11. The playground's
 * forms.py has the key of each element's value in `state.values`.
 */

/** @import {Block, Element_} from "./types.js" */
/** @import {Reader} from "./mrkdwn.js" */

import { confirmed } from "./confirm.js";
import { h, icon } from "./dom.js";
import { named, pictured } from "./emoji.js";
import { menuButton } from "./menu.js";
import { rich, safe } from "./mrkdwn.js";
import { person, state } from "./state.js";
import { instant, local } from "./time.js";

/**
 * @typedef {object} Place the place of elements
 * @property {(block: Block, element: Element_, value: unknown) => Promise<string | null>} press
 *   handles a click or a choice, and returns a sentence if it failed
 * @property {(block: Block, element: Element_) => unknown} value returns an element's present value
 * @property {(block: Block, element: Element_, value: unknown) => void} typed keeps a typed value
 * @property {(block: Block, element: Element_, files: {name: string, content: string}[]) => Promise<string | null>=} pick
 *   uploads picked files, or clears the element, and returns a sentence if it failed
 * @property {Record<string, string>=} errors by block_id
 *
 * @typedef {{id: string, describedBy: string | null, invalid: boolean, required: boolean}} Naming
 */

/** @type {Record<string, string>} */
const KINDS = {
  number_input: "number",
  email_text_input: "email",
  url_text_input: "url",
  datepicker: "date",
  timepicker: "time",
};

/**
 * @param {Element_} element
 * @param {Block} block
 * @param {Reader} reader
 * @param {Place} place
 * @param {Naming=} naming in an input block
 * @returns {HTMLElement}
 */
export function control(element, block, reader, place, naming) {
  const key = `${block.block_id} ${element.action_id}`;
  const common = {
    id: naming?.id,
    "data-key": key,
    "aria-describedby": naming?.describedBy,
    "aria-invalid": naming?.invalid ? "true" : null,
    "aria-required": naming?.required ? "true" : null,
    "data-autofocus": element.focus_on_load ? "" : null,
  };
  const unlabelled = naming ? {} : { "aria-label": element.placeholder?.text ?? "Choose" };
  /** @param {unknown} value */
  const take = (value) => place.typed(block, element, value);
  const given = place.value(block, element);
  switch (element.type) {
    case "button":
      return button(element, block, reader, place, key);
    case "overflow":
      return overflow(element, block, reader, place, key);
    case "plain_text_input":
      if (element.multiline) {
        return h("textarea", {
          ...common,
          rows: 3,
          maxlength: element.max_length,
          placeholder: element.placeholder?.text,
          value: given ?? "",
          on: { input: (/** @type {any} */ event) => take(event.target.value) },
        });
      }
      return text("text", { ...common, maxlength: element.max_length }, element, given, take);
    case "number_input":
    case "email_text_input":
    case "url_text_input":
    case "datepicker":
    case "timepicker":
      return text(KINDS[element.type], common, element, given, take);
    case "file_input":
      return files(element, block, place, common, /** @type {any[]} */ (given ?? []));
    case "datetimepicker":
      return moment(common, reader.zone, given, take);
    case "static_select":
    case "users_select":
      return select(element, { ...common, ...unlabelled }, given, async (value) => {
        take(value);
        if (!naming || block.dispatch_action) await pressed(element, block, place, value, reader);
      });
    case "radio_buttons":
    case "checkboxes":
      return several(element, block, reader, given, async (value) => {
        take(value);
        if (!naming || block.dispatch_action) await pressed(element, block, place, value, reader);
      });
    default:
      return h("span", { class: "undrawn" }, `This page does not draw a ${element.type}.`);
  }
}

/**
 * @param {Element_} element
 * @param {Block} block
 * @param {Reader} reader
 * @param {Place} place
 * @param {string} key
 * @returns {HTMLElement}
 */
function button(element, block, reader, place, key) {
  const leads = element.url && safe(element.url); // the app hears of the press, too
  const made = h(
    leads ? "a" : "button",
    {
      ...(leads ? { href: element.url, target: "_blank", rel: "noreferrer noopener" } : { type: "button" }),
      class: `button ${element.style ?? ""}`,
      "data-key": key,
      "aria-label": element.accessibility_label ?? null,
      on: {
        click: async () => {
          made.setAttribute("aria-busy", "true");
          await pressed(element, block, place, null, reader, made);
          made.removeAttribute("aria-busy");
        },
      },
    },
    pictured(element.text.text),
  );
  return made;
}

/**
 * @param {Element_} element
 * @param {Block} block
 * @param {Reader} reader
 * @param {Place} place
 * @param {string} key
 * @returns {HTMLElement}
 */
function overflow(element, block, reader, place, key) {
  const items = element.options.map((/** @type {any} */ option) => ({
    text: pictured(option.text.text),
    chosen: () => pressed(element, block, place, option.value, reader, made),
  }));
  const attributes = { class: "button more", "data-key": key, "aria-label": "More actions" };
  const made = menuButton(attributes, icon("dots"), items);
  return made;
}

/**
 * Confirm if required, press, and show a failure beside the element.
 *
 * @param {Element_} element
 * @param {Block} block
 * @param {Place} place
 * @param {unknown} value
 * @param {Reader} reader
 * @param {HTMLElement=} beside
 */
async function pressed(element, block, place, value, reader, beside) {
  if (element.confirm && !(await confirmed(element.confirm, reader))) return;
  beside?.parentElement?.querySelector(".press-error")?.remove();
  const sentence = await place.press(block, element, value);
  if (sentence && beside?.isConnected) {
    beside.parentElement?.append(h("p", { class: "press-error", role: "alert" }, sentence));
  }
}

/**
 * @param {string} kind
 * @param {Record<string, unknown>} common
 * @param {Element_} element
 * @param {unknown} given
 * @param {(value: string) => void} take
 * @returns {HTMLElement}
 */
function text(kind, common, element, given, take) {
  return h("input", {
    ...common,
    type: kind === "number" ? "text" : kind,
    inputmode: kind === "number" ? "decimal" : null,
    autocomplete: "off",
    placeholder: element.placeholder?.text,
    value: given ?? "",
    on: { input: (/** @type {any} */ event) => take(event.target.value) },
  });
}

/**
 * Return an input for files, which are uploaded as soon as they are picked, and the files picked so far.
 *
 * @param {Element_} element
 * @param {Block} block
 * @param {Place} place
 * @param {Record<string, unknown>} common
 * @param {any[]} given file objects
 * @returns {HTMLElement}
 */
function files(element, block, place, common, given) {
  const list = `${common.id}-files`;
  const described = [common["aria-describedby"], given.length && list].filter(Boolean).join(" ");
  /** @param {{name: string, content: string}[]} picked */
  const pick = async (picked) => {
    made.querySelector(".press-error")?.remove();
    const sentence = await place.pick?.(block, element, picked);
    if (sentence && made.isConnected) made.append(h("p", { class: "press-error", role: "alert" }, sentence));
  };
  const made = h(
    "div",
    { class: given.length ? "files picked" : "files" },
    h("input", {
      ...common,
      type: "file",
      multiple: element.max_files !== 1,
      accept: (element.filetypes ?? []).map((/** @type {string} */ one) => `.${one}`).join(",") || null,
      "aria-describedby": described || null,
      on: {
        change: async (/** @type {any} */ event) => pick(await Promise.all([...event.target.files].map(sent))),
      },
    }),
    given.length > 0 &&
      h(
        "p",
        { class: "names" },
        h("span", { id: list, role: "status" }, given.map((one) => one.name).join(", ")),
        h("button", { type: "button", class: "button", on: { click: () => pick([]) } }, "Remove"),
      ),
  );
  return made;
}

/**
 * Return a file's name and its content in base64.
 *
 * @param {File} file
 * @returns {Promise<{name: string, content: string}>}
 */
function sent(file) {
  return new Promise((resolve, reject) => {
    const reading = new FileReader();
    reading.addEventListener("load", () => {
      const content = String(reading.result);
      resolve({ name: file.name, content: content.slice(content.indexOf(",") + 1) });
    });
    reading.addEventListener("error", () => reject(reading.error));
    reading.readAsDataURL(file);
  });
}

/**
 * Return an input for a day and time in the viewer's zone. Its value is in seconds since 1970.
 *
 * @param {Record<string, unknown>} common
 * @param {string} zone
 * @param {unknown} given
 * @param {(value: number | null) => void} take
 * @returns {HTMLElement}
 */
function moment(common, zone, given, take) {
  return h("input", {
    ...common,
    type: "datetime-local",
    value: typeof given === "number" ? local(new Date(given * 1000), zone) : "",
    on: {
      input: (/** @type {any} */ event) =>
        take(event.target.value ? instant(event.target.value, zone) : null),
    },
  });
}

/**
 * Return the options of a menu of people, in the form of a select's.
 *
 * @param {unknown} given
 * @returns {any[]}
 */
function users(given) {
  const ids = new Set([...state.cast, ...(given ? [String(given)] : [])]);
  return [...ids].map((id) => ({ value: id, text: { text: person(id).realName } }));
}

/**
 * @param {Element_} element
 * @param {Record<string, unknown>} common
 * @param {unknown} given
 * @param {(value: string | null) => void} take
 * @returns {HTMLElement}
 */
function select(element, common, given, take) {
  /** @param {any} one */
  const option = (one) =>
    h("option", { value: one.value, selected: one.value === given }, named(one.text.text));
  return h(
    "select",
    { ...common, on: { change: (/** @type {any} */ event) => take(event.target.value || null) } },
    h("option", { value: "", selected: !given }, element.placeholder?.text ?? "Choose an option"),
    (element.type === "users_select" ? users(given) : (element.options ?? [])).map(option),
    (element.option_groups ?? []).map((/** @type {any} */ group) =>
      h("optgroup", { label: group.label.text }, group.options.map(option)),
    ),
  );
}

/**
 * @param {Element_} element
 * @param {Block} block
 * @param {Reader} reader
 * @param {unknown} given
 * @param {(value: unknown) => void} take
 * @returns {HTMLElement}
 */
function several(element, block, reader, given, take) {
  const one = element.type === "radio_buttons";
  const chosen = new Set(one ? [given] : /** @type {any} */ (given ?? []));
  return h(
    "div",
    { class: "choices" },
    element.options.map((/** @type {any} */ option) =>
      h(
        "label",
        { class: "choice" },
        h("input", {
          type: one ? "radio" : "checkbox",
          name: `${block.block_id}-${element.action_id}`,
          value: option.value,
          checked: chosen.has(option.value),
          "data-key": `${block.block_id} ${element.action_id} ${option.value}`,
          on: {
            change: (/** @type {any} */ event) => {
              if (one) return take(option.value);
              if (event.target.checked) chosen.add(option.value);
              else chosen.delete(option.value);
              return take([...chosen]);
            },
          },
        }),
        h("span", { class: "text" }, ...rich(option.text, reader)),
      ),
    ),
  );
}
