/** Sends people's acts to the page's server. */

/**
 * @typedef {{error: string | null, errors?: Record<string, string>, sentence?: string}} Done
 *   `error` is Slack's code. `sentence` says why its client would not allow the act at all.
 */

/**
 * @param {string} what
 * @param {Record<string, unknown>} body
 * @returns {Promise<Done>}
 */
export async function act(what, body) {
  try {
    const reply = await fetch(`/do/${what}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const told = await reply.json();
    return reply.ok ? { error: null, ...told } : { error: "impossible", sentence: told.sentence };
  } catch {
    return { error: "impossible", sentence: "The demo does not answer. Does it still run?" };
  }
}
