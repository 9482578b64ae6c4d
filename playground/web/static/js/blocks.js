/**
 * Block Kit as elements: docs.slack.dev/reference/block-kit, read 2026-11.
 *
 * The blocks that the app uses are drawn. Any other block is named in its place instead of vanishing.
 */

/** @import {Block} from "./types.js" */
/** @import {Reader} from "./mrkdwn.js" */
/** @import {Place} from "./inputs.js" */

import { h } from "./dom.js";
import { pictured } from "./emoji.js";
import { control } from "./inputs.js";
import { rich } from "./mrkdwn.js";

/**
 * @param {Block[]} blocks
 * @param {Reader} reader
 * @param {Place} place their place, which handles what people do there
 * @returns {HTMLElement[]}
 */
export function drawn(blocks, reader, place) {
  return blocks.map((block) => draw(block, reader, place));
}

/**
 * @param {Block} block
 * @param {Reader} reader
 * @param {Place} place
 * @returns {HTMLElement}
 */
function draw(block, reader, place) {
  switch (block.type) {
    case "section":
      return h(
        "div",
        { class: "block section" },
        h(
          "div",
          { class: "section-text" },
          block.text && h("div", { class: "text" }, ...rich(block.text, reader)),
          block.fields &&
            h(
              "div",
              { class: "fields" },
              block.fields.map((/** @type {any} */ one) => h("div", { class: "text" }, ...rich(one, reader))),
            ),
        ),
        block.accessory && h("div", { class: "accessory" }, control(block.accessory, block, reader, place)),
      );
    case "header":
      return h("div", { class: "block header", role: "heading", "aria-level": "3" }, pictured(block.text.text));
    case "context":
      return h(
        "div",
        { class: "block context" },
        block.elements.map((/** @type {any} */ one) =>
          one.type === "image"
            ? h("span", {}, `[${one.alt_text}]`)
            : h("span", { class: "text" }, ...rich(one, reader)),
        ),
      );
    case "actions":
      return h(
        "div",
        { class: "block actions" },
        block.elements.map((/** @type {any} */ one) => control(one, block, reader, place)),
      );
    case "divider":
      return h("div", { class: "block" }, h("hr"));
    case "image": // nothing is fetched from elsewhere: what a screen reader says stands in its place
      return h("div", { class: "block image" }, `Image: ${block.alt_text}`);
    case "input":
      return input(block, reader, place);
    default:
      return h("div", { class: "block undrawn" }, `This page does not draw a ${block.type} block.`);
  }
}

/**
 * @param {Block} block
 * @param {Reader} reader
 * @param {Place} place
 * @returns {HTMLElement}
 */
function input(block, reader, place) {
  const id = `input-${block.block_id}`;
  const error = place.errors?.[block.block_id];
  const described = [error && `${id}-error`, block.hint && `${id}-hint`].filter(Boolean).join(" ");
  const several = ["radio_buttons", "checkboxes"].includes(block.element.type);
  const label = h(
    several ? "legend" : "label",
    { class: "label", for: several ? null : id },
    block.label.text,
    block.optional && h("span", { class: "optional" }, " (optional)"),
  );
  const named = { id, describedBy: described || null, invalid: Boolean(error), required: !block.optional };
  return h(
    several ? "fieldset" : "div",
    { class: `block input${error ? " wrong" : ""}`, "aria-describedby": several ? described || null : null },
    label,
    control(block.element, block, reader, place, named),
    error && h("p", { class: "error", id: `${id}-error` }, `${error}`),
    block.hint && h("p", { class: "hint", id: `${id}-hint` }, block.hint.text),
  );
}
