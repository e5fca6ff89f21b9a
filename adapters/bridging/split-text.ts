// Long texts in numbered parts, for phones that take one or two thousand characters (bridging section 4). Pure.

const GRAPHEMES = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
/** Never shorter: numbers need room, too. */
export const SHORTEST_PART = 40;

/**
 * The parts "(1/3) …" of a text, each at most `limit` UTF-16 units long with its number; the text alone when it
 * fits, or when `limit` is 0. Cut between words where there are some, never within a character as people see it.
 */
export function splitText(text: string, limit: number): readonly string[] {
  if (limit === 0 || text.length <= limit) return [text];
  const room = Math.max(limit, SHORTEST_PART);
  for (let digits = 1; ; digits += 1) {
    const parts = cutText(text, room - '(/) '.length - 2 * digits);
    if (String(parts.length).length > digits) continue;
    return parts.length === 1 ? parts : parts.map((part, index) => `(${index + 1}/${parts.length}) ${part}`);
  }
}

function cutText(text: string, limit: number): readonly string[] {
  const parts: string[] = [];
  let rest = text.trim();
  while (rest.length > limit) {
    const at = cutBefore(rest, limit);
    parts.push(rest.slice(0, at).trimEnd());
    rest = rest.slice(at).trimStart();
  }
  if (rest !== '') parts.push(rest);
  return parts;
}

/** Where to cut a text that is longer than the limit: 1 … limit. */
function cutBefore(text: string, limit: number): number {
  const head = text.slice(0, limit + 1);
  const blank = head.search(/\s\S*$/);
  // A blank far ahead of the limit would waste a part: then within the word.
  return blank > limit / 2 ? blank : graphemeBefore(text, limit);
}

/** The last border between characters at or before the limit. A character longer than all of it is cut. */
function graphemeBefore(text: string, limit: number): number {
  const window = text.slice(0, limit + 32);
  const border = GRAPHEMES.segment(window).containing(limit)?.index ?? limit;
  if (border > 0) return border;
  const code = text.charCodeAt(limit - 1);
  return code >= 0xd800 && code < 0xdc00 && limit > 1 ? limit - 1 : limit;
}

/** At most `length` characters as people see them, on one line; what is cut off shows as "…". */
export function excerpt(text: string, length: number): string {
  // Only so much is looked at, however long the text is.
  const line = text
    .slice(0, length * 20)
    .replace(/\s+/g, ' ')
    .trim();
  // A character is at least one unit: what is short needs no look at its characters, which is dear.
  if (line.length <= length) return line;
  const characters = Array.from(GRAPHEMES.segment(line), ({ segment }) => segment);
  if (characters.length <= length) return line;
  return `${characters
    .slice(0, length - 1)
    .join('')
    .trimEnd()}…`;
}
