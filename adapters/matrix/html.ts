// HTML of WV messages as Matrix lets it be (Client-Server API, m.text, "formatted_body"): a list of what passes,
// everything else is text or nothing. Pure.

/** Tags that pass, without attributes but for the link of `a`. */
const ALLOWED: ReadonlySet<string> = new Set(
  'a b blockquote br code del em h1 h2 h3 h4 h5 h6 hr i li ol p pre s strong sub sup u ul'.split(' '),
);
const VOID: ReadonlySet<string> = new Set(['br', 'hr']);
/** Their content is no text. */
const SILENT = /<(script|style|title|head|object|iframe)\b[^]*?(?:<\/\1\s*>|$)/gi;
const COMMENT = /<!--[^]*?(?:-->|$)/g;
const TAG = /<(\/?)([a-z][a-z0-9]*)\b([^<>]*)>/gi;
const LINK = /\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/i;
/** No scheme that runs something. */
const SAFE_LINK = /^(?:https?:|mailto:|tel:)[^\s<>"'`]*$/i;
/** Nesting that Matrix advises clients not to exceed. */
const MAX_DEPTH = 100;

/** The HTML with allowed tags only, balanced; safe to be put into a page. */
export function sanitized(html: string): string {
  const source = html.replace(COMMENT, '').replace(SILENT, '');
  const open: string[] = [];
  let out = '';
  let done = 0;
  for (const match of source.matchAll(TAG)) {
    const [whole, slash = '', name = '', attributes = ''] = match;
    out += escaped(source.slice(done, match.index));
    done = match.index + whole.length;
    out += slash === '' ? opened(name.toLowerCase(), attributes, open) : closed(name.toLowerCase(), open);
  }
  out += escaped(source.slice(done));
  return out + open.toReversed().map(endTag).join('');
}

function opened(name: string, attributes: string, open: string[]): string {
  if (!ALLOWED.has(name)) return '';
  if (VOID.has(name)) return `<${name}>`;
  if (open.length >= MAX_DEPTH) return '';
  open.push(name);
  const link = name === 'a' ? linkIn(attributes) : undefined;
  return link === undefined ? `<${name}>` : `<a href="${link}">`;
}

/** Closes what was opened since, too. */
function closed(name: string, open: string[]): string {
  const at = open.lastIndexOf(name);
  return at < 0 ? '' : open.splice(at).toReversed().map(endTag).join('');
}

function endTag(name: string): string {
  return `</${name}>`;
}

/** References stay as they are: they are those of the source. */
function linkIn(attributes: string): string | undefined {
  const [, double, single, bare] = LINK.exec(attributes) ?? [];
  const link = (double ?? single ?? bare ?? '').trim();
  return SAFE_LINK.test(link) ? escaped(link) : undefined;
}

function escaped(text: string): string {
  return text
    .replace(/&(?!(?:#x[0-9a-f]{1,6}|#\d{1,7}|[a-z][a-z0-9]{1,30});)/gi, '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
