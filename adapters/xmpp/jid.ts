// JIDs (RFC 7622 as servers of the RFC 6122 era apply it) and JID escaping (XEP-0106).

declare const brand: unique symbol;
/** A bare JID in canonical form: `local@domain` or `domain`, folded to lower case. */
export type BareJid = string & { readonly [brand]: 'BareJid' };

export interface JidParts {
  /** '' for a server's or component's own JID. As on the wire, that is escaped. */
  readonly local: string;
  readonly domain: string;
  /** '' for a bare JID. Never escaped, case kept. */
  readonly resource: string;
}

/** Octets that each part of a JID may have. */
const MAX_PART_BYTES = 1023;
const DOMAIN = /^(?!-)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*$/;

function fits(part: string): boolean {
  return part.length <= MAX_PART_BYTES && Buffer.byteLength(part, 'utf8') <= MAX_PART_BYTES;
}

/** Splits a JID and folds its bare part. Undefined when it is none. Domains must be ASCII (IDNA A-labels). */
export function parseJid(text: string): JidParts | undefined {
  const slash = text.indexOf('/');
  const bare = slash < 0 ? text : text.slice(0, slash);
  const resource = slash < 0 ? '' : text.slice(slash + 1);
  const at = bare.indexOf('@');
  const local = at < 0 ? '' : bare.slice(0, at).normalize('NFC').toLowerCase();
  const domain = bare.slice(at + 1).toLowerCase();
  if (at === 0 || (slash >= 0 && resource === '')) return undefined;
  if (domain.length > 253 || !DOMAIN.test(domain) || !fits(local) || !fits(resource)) return undefined;
  return { local, domain, resource };
}

/** The bare JID of parts. */
export function bareJid(parts: { readonly local: string; readonly domain: string }): BareJid {
  return (parts.local === '' ? parts.domain : `${parts.local}@${parts.domain}`) as BareJid;
}

const ESCAPED: Readonly<Record<string, string>> = {
  ' ': '\\20',
  '"': '\\22',
  '&': '\\26',
  "'": '\\27',
  '/': '\\2f',
  ':': '\\3a',
  '<': '\\3c',
  '>': '\\3e',
  '@': '\\40',
};
const UNESCAPED: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(ESCAPED).map(([char, escape]) => [escape, char])),
  '\\5c': '\\',
};

/** Escapes a localpart. A backslash only where it would otherwise read as an escape. */
export function escapeLocal(text: string): string {
  return text
    .replace(/\\(?=20|22|26|27|2f|3a|3c|3e|40|5c)/g, '\\5c')
    .replace(/[ "&'/:<>@]/g, (char) => ESCAPED[char] ?? char);
}

export function unescapeLocal(local: string): string {
  return local.replace(/\\(?:20|22|26|27|2f|3a|3c|3e|40|5c)/g, (escape) => UNESCAPED[escape] ?? escape);
}

// Invisible, private, blank or unassigned for ever: servers drop, replace or refuse them in a localpart.
const UNFIT =
  /\p{Cc}|\p{Cf}|\p{Co}|\p{Cs}|\p{Zl}|\p{Zp}|\p{Noncharacter_Code_Point}|\u034f|[\u1806\u180b-\u180d]|[\ufe00-\ufe0f]|(?! )\p{Zs}/u;

/**
 * True when a resource survives the string preparation of XMPP servers (resourceprep: NFKC, case kept) unchanged. One
 * that does not would come back as somebody else.
 */
export function isStableResource(text: string): boolean {
  return text !== '' && !UNFIT.test(text) && text.normalize('NFKC') === text && fits(text);
}

/** True when case folding as of RFC 3491 gives the character itself. Dotless i is its own fold in spite of its capital. */
function foldsToItself(char: string): boolean {
  return char === 'ı' || char.toUpperCase().toLowerCase().normalize('NFKC') === char;
}

/**
 * True when an unescaped localpart survives the string preparation of XMPP servers (nodeprep: NFKC and case
 * folding) unchanged. What does not would come back as somebody else.
 */
export function isStableLocal(text: string): boolean {
  if (text === '' || UNFIT.test(text) || text.startsWith(' ') || text.endsWith(' ')) return false;
  if (text.normalize('NFKC') !== text || text.toLowerCase() !== text) return false;
  return Array.from(text).every((char) => char < '\u0080' || foldsToItself(char)) && fits(escapeLocal(text));
}
