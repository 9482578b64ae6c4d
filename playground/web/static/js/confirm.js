/** The dialog before something that cannot be undone. */

/** @import {Reader} from "./mrkdwn.js" */

import { h } from "./dom.js";
import { rich } from "./mrkdwn.js";

/**
 * @param {{title: any, text: any, confirm: any, deny: any, style?: string}} asked
 * @param {Reader} reader
 * @returns {Promise<boolean>} whether the person went on
 */
export function confirmed(asked, reader) {
  return new Promise((resolve) => {
    const dialog = /** @type {HTMLDialogElement} */ (
      h(
        "dialog",
        { class: "confirm", "aria-labelledby": "confirm-title" },
        h("h2", { id: "confirm-title" }, asked.title.text),
        h("div", { class: "text" }, ...rich(asked.text, reader)),
        h(
          "footer",
          {},
          h(
            "button",
            { type: "button", class: "button", on: { click: () => dialog.close("no") } },
            asked.deny.text,
          ),
          h(
            "button",
            {
              type: "button",
              class: `button ${asked.style ?? "primary"}`,
              on: { click: () => dialog.close("yes") },
            },
            asked.confirm.text,
          ),
        ),
      )
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
