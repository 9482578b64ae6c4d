/** The notifications on this person's phone: messages that ping them in places that they do not look at. */

/** @import {Message} from "./types.js" */

import { byId, h, icon } from "./dom.js";
import { pictured } from "./emoji.js";
import { go, placeName } from "./conversation.js";
import { plain } from "./mrkdwn.js";
import { reader } from "./messages.js";
import { isDirect, isRoot, on, rings, state } from "./state.js";

/** Milliseconds for which a notification stays, and how many are shown at once. */
const STAYS = 9000;
const AT_ONCE = 3;

export function start() {
  on(["messages"], (/** @type {Message[]} */ fresh) => {
    for (const one of fresh ?? []) {
      const looking = one.channel === state.open && document.visibilityState === "visible" && isRoot(one);
      if (rings(one) && !looking) show(one);
    }
  });
  on(["person"], () => byId("phone").replaceChildren());
  on(["place"], () => {
    // no notification of the place that the person opens
    for (const one of /** @type {NodeListOf<HTMLElement>} */ (byId("phone").querySelectorAll(".banner"))) {
      if (one.dataset.channel === state.open) one.remove();
    }
  });
}

/** @param {Message} message */
function show(message) {
  const holder = byId("phone");
  const banner = h(
    "div",
    { class: "banner", data: { channel: message.channel } },
    h(
      "button",
      {
        type: "button",
        class: "banner-text",
        on: {
          click: () => {
            banner.remove();
            go(message.channel);
          },
        },
      },
      h(
        "span",
        { class: "banner-head" },
        icon("phone"),
        isDirect(message.channel)
          ? `Phone · ${state.app.name}`
          : `Phone · ${state.app.name} in ${placeName(message.channel)}`,
      ),
      h("span", {}, pictured(plain(message.text, reader()))),
    ),
    h(
      "button",
      {
        type: "button",
        class: "round",
        "aria-label": "Put this notification away",
        on: { click: () => banner.remove() },
      },
      icon("close"),
    ),
  );
  holder.append(banner);
  while (holder.childElementCount > AT_ONCE) holder.firstElementChild?.remove();
  const leave = () => (banner.matches(":hover, :focus-within") ? setTimeout(leave, STAYS) : banner.remove());
  setTimeout(leave, STAYS);
}
