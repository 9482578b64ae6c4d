/** The page's state, and the listeners to its changes. */

/** @import {Message, View, Person, Channel, Unread} from "./types.js" */

export const state = {
  me: "",
  app: { id: "", name: "", writable: false, home: false },
  /** @type {Map<string, Person>} */ people: new Map(),
  /** @type {string[]} */ cast: [],
  /** @type {Record<string, string>} every channel's, also of those this person is not in */ names: {},
  /** @type {Record<string, string>} */ purposes: {},
  /** @type {{command: string, description: string, usage_hint: string}[]} */ commands: [],
  /** @type {{callback_id: string, name: string}[]} shortcuts on messages */ shortcuts: [],
  /** @type {{callback_id: string, name: string}[]} shortcuts without a message */ globalShortcuts: [],
  /** @type {Channel[]} */ channels: [],
  /** @type {Map<string, Message>} by channel and ts */ messages: new Map(),
  /** @type {Message[]} Slack's own notices to this person */ notices: [],
  /** @type {View | null} */ view: null,
  /** @type {View | null} the app's Home tab */ home: null,
  /** @type {"home" | "messages"} the tab of the app that is open */ tab: "messages",
  /** @type {Record<string, Unread>} */ unread: {},
  /** @type {string} the channel that is open */ open: "",
  /** @type {string | null} the ts of the thread that is open */ thread: null,
  /** @type {any[]} */ journal: [],
  /** @type {Map<string, any>} */ requests: new Map(),
  /** @type {Map<string, any>} */ traffic: new Map(),
  /** @type {{trouble: any[], twice: number, connected: number}} */ slack: {
    trouble: [],
    twice: 0,
    connected: 0,
  },
  /** @type {Record<string, string>} */ armed: {},
  /** @type {string[]} */ providers: [],
  /** @type {string[]} */ faults: [],
  /** @type {{ends: Record<string, string>, reported: boolean}} how the next calls end, if not in the usual
   * way, and whether CallOps is told */ calls: { ends: {}, reported: true },
  /** @type {{providers: string[], ends: string[]}} the usual end is the first */ ringing: {
    providers: [],
    ends: [],
  },
  /** @type {{state: string, pid: number | null}} */ bot: { state: "starting", pid: null },
};

/**
 * @typedef {"person" | "messages" | "place" | "view" | "home" | "unread" | "channels" | "journal" | "log" | "traffic"
 *   | "slack" | "armed" | "calls" | "bot"} Topic
 */

/** @type {Map<Topic, Set<(detail?: any) => void>>} */
const listeners = new Map();

/**
 * Call a listener when one of these topics changes.
 *
 * @param {Topic[]} topics
 * @param {(detail?: any) => void} listener
 */
export function on(topics, listener) {
  for (const topic of topics) {
    if (!listeners.has(topic)) listeners.set(topic, new Set());
    listeners.get(topic)?.add(listener);
  }
}

/**
 * @param {Topic[]} topics each listener of any of them is called once
 * @param {any=} detail
 */
export function changed(topics, detail) {
  const called = new Set(topics.flatMap((topic) => [...(listeners.get(topic) ?? [])]));
  for (const listener of called) listener(detail);
}

/** @returns {Person} */
export function me() {
  return person(state.me);
}

/**
 * @param {string} id
 * @returns {Person}
 */
export function person(id) {
  return state.people.get(id) ?? { id, name: id, realName: id, zone: "UTC", role: null };
}

/**
 * @param {string} id
 * @returns {Channel | undefined}
 */
export function channel(id) {
  return state.channels.find((one) => one.id === id);
}

/**
 * Return the messages of a channel with replies and Slack's own notices, oldest first.
 *
 * @param {string} id
 * @returns {Message[]}
 */
export function messagesIn(id) {
  const found = [...state.messages.values(), ...state.notices.filter((one) => one.ephemeral_to === state.me)];
  return found.filter((one) => one.channel === id).sort((a, b) => Number(a.ts) - Number(b.ts));
}

/**
 * @param {Message} message
 * @returns {boolean} whether it is in the channel itself, not in a thread
 */
export function isRoot(message) {
  return !message.thread_ts || message.thread_ts === message.ts;
}

/**
 * @param {Message} message
 * @returns {boolean} whether it notifies this person
 */
export function rings(message) {
  const everyone = ["!channel", "!here", "!everyone"];
  const direct = message.channel.startsWith("D") && message.user === state.app.id;
  const named = message.pings.some((one) => one === `@${state.me}` || everyone.includes(one));
  return (direct || named) && message.user !== state.me && !message.ephemeral_to;
}

/**
 * @param {string} id
 * @returns {boolean} whether it is the app's direct message and has no composer
 */
export function isDirect(id) {
  return id.startsWith("D");
}

/** @returns {boolean} whether the app's Home tab is open */
export function homeIsOpen() {
  return isDirect(state.open) && state.app.home && state.tab === "home";
}

/** @returns {string} the direct message with the app, which exists once the app wrote */
export function directChannel() {
  return state.channels.find((one) => one.direct === state.me)?.id ?? "D";
}
