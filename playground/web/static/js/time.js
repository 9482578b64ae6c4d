/**
 * Times in the viewer's time zone.
 *
 * The tokens of `<!date^…>`: docs.slack.dev/reference/block-kit/block-elements/date-element, "Date format
 * strings", read 2026-11. Slack's words for near days are second-hand.
 */

const DAY = 24 * 60 * 60 * 1000;

/** @type {Map<string, Intl.DateTimeFormat>} cached: creating one takes longer than the rest of a message */
const formatters = new Map();

/**
 * @param {string} locale
 * @param {string} zone
 * @param {Intl.DateTimeFormatOptions} options
 * @returns {Intl.DateTimeFormat}
 */
function formatter(locale, zone, options) {
  const key = `${locale} ${zone} ${Object.entries(options)}`;
  const known = formatters.get(key) ?? new Intl.DateTimeFormat(locale, { timeZone: zone, ...options });
  formatters.set(key, known);
  return known;
}

/**
 * @param {Date} at
 * @param {string} zone
 * @param {Intl.DateTimeFormatOptions} options
 * @returns {string}
 */
function format(at, zone, options) {
  // Some versions of ICU put a narrow no-break space before AM and PM
  return formatter("en-US", zone, options)
    .format(at)
    .replace(/\u202f/g, " ");
}

/**
 * @param {Date} at
 * @param {string} zone
 * @returns {string} such as 9:30 AM
 */
export function clock(at, zone) {
  return format(at, zone, { hour: "numeric", minute: "2-digit" });
}

/**
 * @param {Date} at
 * @param {string} zone
 * @returns {string} such as 2026-12-05
 */
export function isoDay(at, zone) {
  return formatter("en-CA", zone, { dateStyle: "short" }).format(at);
}

/**
 * @param {Date} at
 * @param {string} zone
 * @returns {string} in the format of a datetime-local input: 2026-12-05T09:30
 */
export function local(at, zone) {
  const time = formatter("en-GB", zone, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  return `${isoDay(at, zone)}T${time.format(at)}`;
}

/**
 * @param {string} said a local day and time in a zone, in the format of `local`
 * @param {string} zone
 * @returns {number} seconds since 1970, off by an hour for a time that the clocks skip
 */
export function instant(said, zone) {
  const wanted = Date.parse(`${said}Z`);
  let at = wanted;
  for (let tries = 0; tries < 2; tries += 1) at += wanted - Date.parse(`${local(new Date(at), zone)}Z`);
  return at / 1000;
}

/**
 * @param {Date} at
 * @param {Date} now
 * @param {string} zone
 * @returns {number} calendar days from now, in the zone
 */
function daysAway(at, now, zone) {
  return Math.round((Date.parse(isoDay(at, zone)) - Date.parse(isoDay(now, zone))) / DAY);
}

/**
 * @param {number} day
 * @returns {string}
 */
function ordinal(day) {
  const last = day >= 11 && day <= 13 ? 0 : day % 10;
  return `${day}${["th", "st", "nd", "rd"][last] ?? "th"}`;
}

/**
 * @param {Date} at
 * @param {Date} now
 * @returns {string}
 */
function ago(at, now) {
  const seconds = (now.getTime() - at.getTime()) / 1000;
  for (const [name, length] of /** @type {const} */ ([
    ["day", 86400],
    ["hour", 3600],
    ["minute", 60],
  ])) {
    const many = Math.trunc(Math.abs(seconds) / length);
    if (many > 0) {
      const said = `${many} ${name}${many > 1 ? "s" : ""}`;
      return seconds > 0 ? `${said} ago` : `in ${said}`;
    }
  }
  return "just now";
}

/**
 * Return the text of a token of a date's format, such as `date_short_pretty`.
 *
 * @param {string} token
 * @param {Date} at
 * @param {string} zone
 * @param {Date} now
 * @returns {string | null} null for a token that does not exist
 */
function token(token, at, zone, now) {
  const away = daysAway(at, now, zone);
  const near = { "-1": "yesterday", 0: "today", 1: "tomorrow" }[String(away)];
  if (token.endsWith("_pretty") && near) return near;
  const parts = Object.fromEntries(
    formatter("en-US", zone, {
      year: "numeric",
      month: "long",
      day: "numeric",
      weekday: "long",
    })
      .formatToParts(at)
      .map((part) => [part.type, part.value]),
  );
  const { year, month, weekday } = parts;
  const day = Number(parts.day);
  const iso = isoDay(at, zone);
  const thisYear = isoDay(now, zone).slice(0, 4) === year;
  switch (token.replace(/_pretty$/, "")) {
    case "date_num":
      return iso;
    case "date_slash":
      return `${iso.slice(5, 7)}/${iso.slice(8)}/${iso.slice(0, 4)}`;
    case "date":
      return `${month} ${ordinal(day)}, ${year}`;
    case "date_short":
      return `${month.slice(0, 3)} ${day}, ${year}`;
    case "date_long":
      return `${weekday}, ${month} ${ordinal(day)}, ${year}`;
    case "date_long_full":
      return `${month} ${day}, ${year}`;
    case "day_divider":
      return `${weekday}, ${month} ${ordinal(day)}${thisYear ? "" : `, ${year}`}`;
    case "time":
      return clock(at, zone);
    case "time_secs":
      return format(at, zone, { hour: "numeric", minute: "2-digit", second: "2-digit" });
    case "ago":
      return ago(at, now);
    default:
      return null;
  }
}

/**
 * Return the text of `<!date^unix^format|fallback>`.
 *
 * @param {string} unix
 * @param {string} pattern
 * @param {string} fallback
 * @param {string} zone
 * @param {Date} now
 * @returns {string}
 */
export function slackDate(unix, pattern, fallback, zone, now) {
  const at = new Date(Number(unix) * 1000);
  if (!/^\d+$/.test(unix) || Number.isNaN(at.getTime())) return fallback;
  return pattern.replace(/\{(\w+)\}/g, (whole, name) => token(name, at, zone, now) ?? whole);
}

/**
 * Return the label of a day's messages: Today, Yesterday, or the day.
 *
 * @param {Date} at
 * @param {string} zone
 * @param {Date} now
 * @returns {string}
 */
export function divider(at, zone, now) {
  const said = token("day_divider_pretty", at, zone, now) ?? "";
  return said.charAt(0).toUpperCase() + said.slice(1);
}

/**
 * @param {string} ts
 * @returns {Date}
 */
export function ofTs(ts) {
  return new Date(Number(ts) * 1000);
}

/**
 * @param {string} zone such as Asia/Kolkata
 * @returns {string} such as Kolkata
 */
export function placeOf(zone) {
  return zone.slice(zone.lastIndexOf("/") + 1).replaceAll("_", " ");
}
