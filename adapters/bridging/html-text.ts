// The words of an HTML text, for those who see none. Pure.

const NAMED: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
};

function character(code: number): string {
  return code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : '';
}

/** One pass over the references: what was escaped twice stays escaped once. */
function unescapeHtml(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|([a-z]{2,6}));/gi, (whole, hex, decimal, name) => {
    if (typeof hex === 'string') return character(Number.parseInt(hex, 16));
    if (typeof decimal === 'string') return character(Number.parseInt(decimal, 10));
    return NAMED[String(name).toLowerCase()] ?? String(whole);
  });
}

/** The words of an HTML text: scripts and styles dropped, line breaks kept. */
export function textOfHtml(html: string): string {
  const text = html
    .replace(/<!--[^]*?(?:-->|$)/g, '')
    .replace(/<(script|style|title)\b[^]*?(?:<\/\1\s*>|$)/gi, '')
    .replace(/\s+/g, ' ')
    .replace(/ ?<(?:br|\/p|\/div|\/li|\/tr|\/h[1-6])\b[^<>]*> ?/gi, '\n')
    .replace(/<[^<>]*>/g, '');
  return unescapeHtml(text)
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}
