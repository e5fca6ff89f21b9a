// Fetches files that somebody else named, so that nothing is gained by naming the wrong ones: only public addresses,
// a limited size read with a deadline, only types that are known. Knows nothing of XMPP.

import type { IncomingMessage } from 'node:http';
import { asTransferError, checkedUrl, openPinned, resolveHost, TransferError } from './pinned-request.ts';
import type { Resolve, TransferRules } from './pinned-request.ts';
import type { AddressGate } from './addresses.ts';
import { sniff } from '../../bridging/sniff.ts';

export interface FetchSettings {
  readonly gate: AddressGate;
  /** `http:` too, not only `https:`. */
  readonly insecure: boolean;
  /** Octets of one file. */
  readonly maxBytes: number;
  /** Files fetched at a time, and how many may wait for their turn. */
  readonly concurrent?: number;
  readonly waiting?: number;
  /** Milliseconds: to connect; for everything, redirects included. */
  readonly connectMs?: number;
  readonly totalMs?: number;
  /** How names become addresses; default: as the system does. */
  readonly resolve?: Resolve;
}

export interface FetchedFile {
  readonly octets: Buffer;
  /** By its first octets, whatever the server said. */
  readonly type: string;
}

const DEFAULTS = { concurrent: 8, waiting: 64, connectMs: 5_000, totalMs: 20_000 };
const MAX_REDIRECTS = 3;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

export class GuardedFetcher {
  readonly #rules: TransferRules;
  readonly #limits: typeof DEFAULTS & { readonly maxBytes: number };
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(settings: FetchSettings) {
    const { gate, insecure, resolve = resolveHost } = settings;
    this.#limits = { ...DEFAULTS, ...settings };
    this.#rules = { gate, insecure, resolve, connectMs: this.#limits.connectMs };
  }

  /** @throws TransferError */
  async fetch(address: string): Promise<FetchedFile> {
    const url = checkedUrl(address, this.#rules.insecure);
    await this.#turn();
    const signal = AbortSignal.timeout(this.#limits.totalMs);
    try {
      return await this.#follow(url, signal);
    } catch (error) {
      throw asTransferError(error, signal);
    } finally {
      this.#pass();
    }
  }

  async #follow(start: URL, signal: AbortSignal): Promise<FetchedFile> {
    let url = start;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
      const answer = await openPinned(url, this.#rules, {
        method: 'GET',
        headers: { accept: '*/*', 'accept-encoding': 'identity' },
        signal,
      });
      try {
        const { statusCode = 0, headers } = answer;
        if (!REDIRECTS.has(statusCode)) return await this.#read(answer);
        url = checkedUrl(headers.location ?? '', this.#rules.insecure && url.protocol === 'http:', url);
      } finally {
        // The socket goes with it.
        answer.destroy();
      }
    }
    throw new TransferError('redirects');
  }

  async #read(answer: IncomingMessage): Promise<FetchedFile> {
    const { statusCode = 0, headers } = answer;
    const { maxBytes } = this.#limits;
    if (statusCode !== 200) throw new TransferError('status', undefined, statusCode);
    // Nothing is unpacked: what comes packed although we asked for it plain is not what it says.
    if ((headers['content-encoding'] ?? 'identity') !== 'identity') throw new TransferError('type');
    if (Number(headers['content-length'] ?? 0) > maxBytes) throw new TransferError('too-large');
    const pieces: Buffer[] = [];
    let size = 0;
    for await (const piece of answer as AsyncIterable<Buffer>) {
      size += piece.length;
      if (size > maxBytes) throw new TransferError('too-large');
      pieces.push(piece);
    }
    const octets = Buffer.concat(pieces, size);
    const type = sniff(octets);
    if (type === undefined) throw new TransferError('type');
    return { octets, type };
  }

  async #turn(): Promise<void> {
    if (this.#running >= this.#limits.concurrent) {
      if (this.#waiting.length >= this.#limits.waiting) throw new TransferError('busy');
      // Whoever passes on the turn leaves the count as it is.
      return new Promise((resolve) => this.#waiting.push(resolve));
    }
    this.#running += 1;
    return undefined;
  }

  #pass(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running -= 1;
    else next();
  }
}
