// Long PTS messages in several SMS (csp-transport section 3): the preamble with two letters more, which segment of
// which this is, and a slice of what stood behind it. Slices are octets: COMPAT(aosp) cuts characters in two.
import { CodecError } from './errors.ts';
import { divisionOf, readPreamble } from './pts-text.ts';

/** Two letters count up to 26. */
const MAX_SEGMENTS = 26;
/** An SMS holds 140 octets, of which 7 are the header with the port numbers. */
const SMS_OCTETS = 133;
const BLANK = 0x20;
/** How far a cut moves so that no blank stands at the edge of a slice, where a network might drop it. */
const MAX_SHIFT = 8;

/**
 * A message as SMS of at most `capacity` octets each, cut between characters. An error when that takes more than 26,
 * or when the preamble alone fills an SMS. `message` is what encodePts wrote.
 */
export function splitPts(message: Uint8Array, capacity = SMS_OCTETS): Uint8Array[] | CodecError {
  if (message.length <= capacity) return [message];
  const end = message.indexOf(BLANK);
  const space = capacity - end - 3;
  if (end < 0 || space < MAX_SHIFT)
    return new CodecError('too-large', `no room for a slice in ${capacity} octets`);
  const preamble = message.subarray(0, end);
  const slices: Uint8Array[] = [];
  for (let at = end + 1; at < message.length;) {
    const next = cutBefore(message, at, at + space);
    slices.push(message.subarray(at, next));
    at = next;
  }
  if (slices.length > MAX_SEGMENTS) return new CodecError('too-large', `over ${MAX_SEGMENTS} segments`);
  return slices.map((slice, index) =>
    joined([preamble, ascii(`${divisionOf(index, slices.length - 1)} `), slice]),
  );
}

/** The end of a slice that begins at `start` and may reach up to `limit`. */
function cutBefore(message: Uint8Array, start: number, limit: number): number {
  if (limit >= message.length) return message.length;
  let cut = limit;
  while (((message[cut] ?? 0) & 0xc0) === 0x80 && limit - cut < 4) cut -= 1;
  for (let shifted = cut; cut - shifted < MAX_SHIFT && shifted > start; shifted -= 1) {
    const whole = ((message[shifted] ?? 0) & 0xc0) !== 0x80;
    if (whole && message[shifted] !== BLANK && message[shifted - 1] !== BLANK) return shifted;
  }
  return cut;
}

const encoder = new TextEncoder();
const ascii = (text: string): Uint8Array => encoder.encode(text);

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** What may wait for its other parts. Memory is at most senders × messages × 26 × octets. */
export interface AssemblyLimits {
  readonly senders: number;
  /** Messages of one sender; one more puts his oldest out. */
  readonly messages: number;
  /** Octets of one segment. */
  readonly octets: number;
  /** How long a message waits for its other parts after the first of them, ms. */
  readonly patience: number;
}

const DEFAULTS: AssemblyLimits = { senders: 1000, messages: 4, octets: 1024, patience: 600_000 };

/**
 * What became of a segment: `whole` is a message that is complete, `waiting` says how many parts it lacks, and
 * `repeated` was here before.
 */
export type Taken =
  | { readonly kind: 'whole'; readonly message: Uint8Array }
  | { readonly kind: 'waiting'; readonly missing: number }
  | { readonly kind: 'repeated' };

/** A message that never became whole: its preamble without the two letters. */
export interface GivenUp {
  readonly sender: string;
  readonly preamble: string;
  readonly missing: number;
}

/** A message in parts. Kept for a while when it is whole, so that repeated parts do not begin another. */
interface Parts {
  readonly since: number;
  readonly parts: (Uint8Array | undefined)[];
  missing: number;
}

/** Puts segments together, in whatever order and between whatever others they come. Time is given, in ms. */
export class PtsAssembly {
  private readonly limits: AssemblyLimits;
  private readonly senders = new Map<string, Map<string, Parts>>();
  private givenUp: GivenUp[] = [];

  constructor(limits: Partial<AssemblyLimits> = {}) {
    this.limits = { ...DEFAULTS, ...limits };
  }

  /** Takes one SMS of `sender`; a message in one piece is whole at once. An error for what is no segment. */
  take(sender: string, sms: Uint8Array, now: number): Taken | CodecError {
    if (sms.length > this.limits.octets)
      return new CodecError('too-large', `over ${this.limits.octets} octets`);
    const preamble = preambleOf(sms);
    if (preamble instanceof CodecError) return preamble;
    const { segment, end } = preamble;
    if (segment === undefined) return { kind: 'whole', message: sms };
    const message = sms.subarray(0, end - 2);
    const key = new TextDecoder().decode(message).trim().toUpperCase();
    const slice = sms.slice(end + 1);
    return this.add(this.partsOf(sender, key, segment, slice, now), message, segment.index, slice);
  }

  /** Puts out what waited too long, and returns it with what had to make room since the last call. */
  expire(now: number): readonly GivenUp[] {
    for (const [sender, messages] of this.senders) {
      for (const [key, { since }] of messages) {
        if (now - since >= this.limits.patience) this.putOut(sender, key);
      }
    }
    const { givenUp } = this;
    this.givenUp = [];
    return givenUp;
  }

  /** Messages that wait, for a metric. */
  get waiting(): number {
    let count = 0;
    for (const messages of this.senders.values())
      for (const { missing } of messages.values()) if (missing > 0) count += 1;
    return count;
  }

  private add(parts: Parts, preamble: Uint8Array, index: number, slice: Uint8Array): Taken {
    if (parts.parts[index] !== undefined) return { kind: 'repeated' };
    parts.parts[index] = slice;
    parts.missing -= 1;
    if (parts.missing > 0) return { kind: 'waiting', missing: parts.missing };
    const slices = parts.parts.filter((part) => part !== undefined);
    return { kind: 'whole', message: joined([preamble, Uint8Array.of(BLANK), ...slices]) };
  }

  /** TransactionIDs begin again at 0: a part that does not fit the others begins a new message. */
  private partsOf(
    sender: string,
    key: string,
    { index, last }: { readonly index: number; readonly last: number },
    slice: Uint8Array,
    now: number,
  ): Parts {
    const present = this.senders.get(sender)?.get(key);
    if (present !== undefined) {
      const before = present.parts[index];
      const fits = present.parts.length === last + 1 && (before === undefined || equal(before, slice));
      if (fits && now - present.since < this.limits.patience) return present;
      this.putOut(sender, key);
    }
    const parts = { since: now, parts: Array.from({ length: last + 1 }, () => undefined), missing: last + 1 };
    this.roomFor(sender).set(key, parts);
    return parts;
  }

  private roomFor(sender: string): Map<string, Parts> {
    const present = this.senders.get(sender);
    if (present !== undefined) {
      const [oldest] = present.keys();
      if (oldest !== undefined && present.size >= this.limits.messages) this.putOut(sender, oldest);
    } else if (this.senders.size >= this.limits.senders) {
      const [first] = this.senders;
      if (first !== undefined) for (const key of first[1].keys()) this.putOut(first[0], key);
    }
    const messages = this.senders.get(sender) ?? new Map<string, Parts>();
    this.senders.set(sender, messages);
    return messages;
  }

  private putOut(sender: string, key: string): void {
    const messages = this.senders.get(sender);
    const parts = messages?.get(key);
    if (messages === undefined || parts === undefined) return;
    if (parts.missing > 0) this.note({ sender, preamble: key, missing: parts.missing });
    messages.delete(key);
    if (messages.size === 0) this.senders.delete(sender);
  }

  /** Nobody need call expire: what was given up is remembered up to a limit. */
  private note(message: GivenUp): void {
    this.givenUp.push(message);
    if (this.givenUp.length > this.limits.senders) this.givenUp.shift();
  }
}

const PREAMBLE_OCTETS = 24;

function preambleOf(sms: Uint8Array): ReturnType<typeof readPreamble> | CodecError {
  try {
    // One octet a character, so that positions are octets; only ASCII can be a preamble.
    return readPreamble(String.fromCharCode(...sms.subarray(0, PREAMBLE_OCTETS)));
  } catch (error) {
    if (error instanceof CodecError) return error;
    throw error;
  }
}

const equal = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((octet, index) => octet === b[index]);
