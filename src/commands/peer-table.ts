// Peers as text for a terminal: a table of 80 columns, and everything about one of them.

import { z } from 'zod';

/** What the server tells of peers; keys of newer servers are no trouble. */
export const peersSchema = z.object({
  peers: z.array(
    z.object({
      domain: z.string(),
      domains: z.array(z.string()),
      listed: z.boolean(),
      session: z.string(),
      circuit: z.string(),
      url: z.string().optional(),
      version: z.string().optional(),
      dialect: z.string(),
      waiting: z.number(),
      since: z.iso.datetime().optional(),
      lastError: z.string().optional(),
      nextTryAt: z.iso.datetime().optional(),
      messagesIn: z.number().optional(),
      messagesOut: z.number().optional(),
    }),
  ),
});

export type ToldPeer = z.output<typeof peersSchema>['peers'][number];

export interface Look {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly colours: boolean;
}

const WIDTH = 80;
const HEADINGS = ['DOMAIN', 'SESSION', 'CIRCUIT', 'WAITING', 'NEXT TRY', 'LISTED'] as const;
const WIDTHS = [28, 10, 7, 7, 8, 6] as const;
const GAP = '  ';

const RED = 31;
const GREEN = 32;
const YELLOW = 33;
const COLOURS: Readonly<Record<string, number>> = { up: GREEN, 'setting-up': YELLOW, down: RED };

/** One line a peer; what went wrong with it last stands below. */
export function peerTable(peers: readonly ToldPeer[], look: Look): string {
  const lines = [row(HEADINGS), ...peers.flatMap((peer) => peerLines(peer, look))];
  return `${lines.join('\n')}\n`;
}

function peerLines(peer: ToldPeer, look: Look): string[] {
  const { domain, session, circuit, waiting, listed, lastError } = peer;
  const cells = [domain, session, circuit, String(waiting), fromNow(peer.nextTryAt, look.now), yesNo(listed)];
  const line = row(cells, look.colours ? COLOURS[session] : undefined);
  const troubled = lastError !== undefined && session !== 'up';
  return troubled ? [line, `${GAP}${cut(clean(lastError), WIDTH - GAP.length)}`] : [line];
}

/** The colour is put around the padded text of the session, so that columns stay where they are. */
function row(cells: readonly string[], colour?: number): string {
  const padded = cells.map((cell, index) => {
    const width = WIDTHS[index] ?? 0;
    const text = cut(clean(cell), width);
    return HEADINGS[index] === 'WAITING' ? text.padStart(width) : text.padEnd(width);
  });
  const [domain = '', session = '', ...rest] = padded;
  const painted = colour === undefined ? session : `\x1b[${colour}m${session}\x1b[39m`;
  return [domain, painted, ...rest].join(GAP).trimEnd();
}

/** Everything about one peer, a line for each. */
export function peerDetails(peer: ToldPeer, { now, colours }: Look): string {
  const { session, messagesIn, messagesOut } = peer;
  const colour = colours ? COLOURS[session] : undefined;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['domain', peer.domain],
    ['more', peer.domains.join(', ') || undefined],
    ['listed', yesNo(peer.listed)],
    ['session', `${session}${peer.since === undefined ? '' : ` since ${peer.since}`}`],
    ['circuit', peer.circuit],
    ['URL', peer.url],
    ['version', peer.version],
    ['dialect', peer.dialect],
    ['waiting', String(peer.waiting)],
    ['messages', messagesIn === undefined ? undefined : `${messagesIn} in, ${messagesOut ?? 0} out`],
    ['next try', peer.nextTryAt && `${peer.nextTryAt} (${fromNow(peer.nextTryAt, now)})`],
    ['last error', peer.lastError],
  ];
  const lines = rows.flatMap(([name, value]) => {
    if (value === undefined) return [];
    const text = clean(value);
    return [
      `${name.padEnd(12)}${name === 'session' && colour !== undefined ? `\x1b[${colour}m${text}\x1b[39m` : text}`,
    ];
  });
  return `${lines.join('\n')}\n`;
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}

/** `now`, `in 40 s`, `in 5 min`, `in 2 h`. */
function fromNow(time: string | undefined, now: number): string {
  if (time === undefined) return '';
  const left = Math.ceil((Date.parse(time) - now) / 1_000);
  if (left <= 0) return 'now';
  if (left < 100) return `in ${left} s`;
  return left < 6_000 ? `in ${Math.round(left / 60)} min` : `in ${Math.round(left / 3_600)} h`;
}

/** Errors quote what strangers wrote: nothing of it may steer the terminal. */
function clean(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ');
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}
