/**
 * Types of the server's data, as far as the page uses them. There is no code here.
 *
 * @typedef {{type: string, text: string}} TextObject
 * @typedef {Record<string, any> & {type: string, block_id: string}} Block
 * @typedef {Record<string, any> & {type: string, action_id: string}} Element_
 *
 * @typedef {object} Message
 * @property {string} ts
 * @property {string} channel
 * @property {string} user
 * @property {string} text the text of a phone's notification
 * @property {Block[]} blocks
 * @property {string | null} thread_ts
 * @property {string | null} ephemeral_to
 * @property {string | null} in_reply_to the command that an answer in the channel belongs to
 * @property {number} edits how often it was edited
 * @property {string[]} pings the people whom it notifies
 * @property {Notice=} notice set for a notice of Slack itself, which is no message
 *
 * @typedef {object} Notice
 * @property {string} sentence
 * @property {string} why
 *
 * @typedef {object} View
 * @property {string} id
 * @property {string} hash
 * @property {string | null} previous_id
 * @property {TextObject} title
 * @property {Block[]} blocks
 * @property {Record<string, Record<string, Record<string, any>>>} values
 * @property {Record<string, string>} errors
 * @property {number} changed
 * @property {TextObject=} submit
 * @property {TextObject=} close
 *
 * @typedef {{id: string, name: string, realName: string, zone: string, role: string | null}} Person
 * @typedef {{id: string, name: string, members: string[], private: boolean, direct: string | null}} Channel
 * @typedef {Record<string, {messages: number, pings: number}>} Unread by channel
 *
 * @typedef {object} Screen
 * @property {Message[]} messages
 * @property {[string, string][]} gone
 * @property {View | null} view
 * @property {View | null} home
 * @property {Channel[]} channels
 * @property {Record<string, Unread>} unread by person
 */

export {};
