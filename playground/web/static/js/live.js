/** Applies the stream of events to the page's state. */

/** @import {Screen, Message} from "./types.js" */

import { byId } from "./dom.js";
import { changed, state } from "./state.js";

/** @type {EventSource | null} */
let source = null;

/**
 * Show the workspace as this person from now on.
 *
 * @param {string} person
 * @param {string | null} place a channel to open
 */
export function become(person, place) {
  source?.close();
  source = new EventSource(`/live/${person}`);
  let first = true;
  hear("everything", (told) => {
    everything(told, first ? place : state.open);
    first = false;
  });
  hear("screen", screen);
  hear("journal", (lines) => {
    state.journal.push(...lines);
    changed(["journal"]);
  });
  hear("log", (requests) => {
    for (const one of requests) state.requests.set(one.id, one);
    changed(["log"]);
  });
  hear("traffic", (lines) => {
    for (const one of lines) state.traffic.set(`${one.kind} ${one.number}`, one);
    changed(["traffic"], lines);
  });
  hear("slack", (told) => {
    state.slack = told;
    changed(["slack"]);
  });
  hear("armed", (told) => {
    state.armed = told;
    changed(["armed"]);
  });
  hear("calls", (told) => {
    state.calls = told;
    changed(["calls"]);
  });
  hear("bot", (told) => {
    state.bot = told;
    changed(["bot"]);
  });
  source.onopen = () => lost(false);
  source.onerror = () => lost(true);
}

/**
 * @param {string} event
 * @param {(told: any) => void} listener
 */
function hear(event, listener) {
  source?.addEventListener(event, (told) => listener(JSON.parse(told.data)));
}

/** @param {boolean} isLost */
function lost(isLost) {
  byId("lost").hidden = !isLost;
}

/**
 * @param {any} told
 * @param {string | null} place
 */
function everything(told, place) {
  state.me = told.me;
  state.app = told.app;
  state.people = new Map(told.people.map((/** @type {any} */ one) => [one.id, one]));
  state.cast = told.cast;
  state.names = told.names;
  state.purposes = told.purposes;
  state.commands = told.commands;
  state.shortcuts = told.shortcuts;
  state.globalShortcuts = told.globalShortcuts;
  state.messages = new Map();
  state.journal = told.journal;
  state.requests = new Map(told.requests.map((/** @type {any} */ one) => [one.id, one]));
  state.traffic = new Map(told.traffic.map((/** @type {any} */ one) => [`${one.kind} ${one.number}`, one]));
  state.slack = told.slack;
  state.armed = told.armed;
  state.providers = told.providers;
  state.faults = told.faults;
  state.calls = told.calls;
  state.ringing = told.ringing;
  state.bot = told.bot;
  takeIn(told.screen);
  const known = state.channels.some((one) => one.id === place);
  state.open = place && (known || place === "D") ? place : told.first;
  state.thread = null;
  changed([
    "person",
    "channels",
    "place",
    "messages",
    "unread",
    "view",
    "home",
    "journal",
    "log",
    "traffic",
    "slack",
    "armed",
    "calls",
    "bot",
  ]);
}

/** @param {Screen} told */
function screen(told) {
  const fresh = takeIn(told);
  if (state.open === "D") state.open = state.channels.find((one) => one.direct === state.me)?.id ?? "D";
  changed(["channels", "messages", "unread", "view", "home"], fresh);
}

/**
 * Return whether a message is there. As in Slack, a reload drops messages that only one person sees.
 *
 * @param {Message} message
 * @returns {boolean}
 */
function lasts(message) {
  return !message.ephemeral_to || Number(message.ts) * 1000 >= performance.timeOrigin;
}

/**
 * @param {Screen} told
 * @returns {Message[]} the new messages
 */
function takeIn(told) {
  const messages = told.messages.filter(lasts);
  const fresh = messages.filter((one) => !state.messages.has(`${one.channel} ${one.ts}`));
  for (const one of messages) state.messages.set(`${one.channel} ${one.ts}`, one);
  for (const [channel, ts] of told.gone) state.messages.delete(`${channel} ${ts}`);
  state.channels = told.channels;
  state.unread = told.unread;
  state.view = told.view;
  state.home = told.home;
  return fresh;
}
