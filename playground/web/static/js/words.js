/**
 * Slack's own messages in place of the app's. Their wording is second-hand, from people's reports. The text
 * in `why` is ours.
 */

/** @type {Record<string, string>} */
const WHY = {
  dispatch_failed: "CallOps is not connected to Slack. Start it again in “What really happened”.",
  operation_timeout: "CallOps did not answer within Slack's 3 seconds.",
  invalid_command_response: "CallOps answered something that Slack does not take.",
};

/**
 * @param {string} command
 * @param {string} code
 * @returns {{sentence: string, why: string}}
 */
export function commandFailed(command, code) {
  if (code === "invalid_command") {
    const rule = "In Slack, all messages that start with the “/” character are interpreted as commands.";
    return { sentence: `${command} is not a valid command. ${rule}`, why: "" };
  }
  return { sentence: `${command} failed with the error “${code}”`, why: WHY[code] ?? "" };
}

/**
 * @param {string} code
 * @returns {string}
 */
export function pressFailed(code) {
  return `This app is not responding. Try again. (${code}) ${WHY[code] ?? ""}`.trim();
}

/**
 * @param {string} code
 * @returns {string}
 */
export function submitFailed(code) {
  const trouble = "We had some trouble connecting. Try again?";
  return code === trouble ? trouble : `${trouble} (${code}) ${WHY[code] ?? ""}`.trim();
}

export const READ_ONLY = "Sending messages to this app has been turned off.";
export const NO_COMMANDS_IN_THREADS = "is not supported in threads. Sorry!";
