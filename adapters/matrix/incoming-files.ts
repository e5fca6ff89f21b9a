// Files that Matrix users send, fetched for the phone with our token, for phones cannot (bridging.md 4). What cannot be
// passed on as it is becomes a link of our own; what may not be fetched is named.

import type { RelayPort } from '../../src/sap/port.ts';
import type { MessageContent } from '../../src/wv/message.ts';
import { sniff } from '../bridging/sniff.ts';
import type { Acquaintances } from './acquaintances.ts';
import type { FileSettings } from './config.ts';
import { HomeserverError } from './errors.ts';
import type { Ghosts } from './ghosts.ts';
import type { MatrixUserId } from './ids.ts';
import { Lru } from './lru.ts';
import type { MediaRepository } from './media.ts';
import type { Portal } from './portals.ts';
import { SerialQueues } from './queues.ts';
import type { FileReference } from './text.ts';

export interface IncomingFileOptions {
  readonly relay: RelayPort;
  readonly ghosts: Pick<Ghosts, 'ensure'>;
  readonly media: MediaRepository;
  readonly acquaintances: Pick<Acquaintances, 'have'>;
  readonly settings: FileSettings;
}

/** The octets for the phone, or where it finds them. */
export type FetchedFile = { readonly content: MessageContent } | { readonly link: string };

const MINUTE_MS = 60_000;
/** Senders whose files are counted. */
const COUNTED = 10_000;
/** Tries while the homeserver does not have it; then the message goes on without. */
const TRIES = 3;
/** Files fetched at once, for each is in memory; and those that may wait for it. */
const LANES = 8;
const MAX_WAITING = 64;
/** How long a link of ours is good, in ms. */
const LINK_MS = 7 * 24 * 60 * 60_000;
/** Pages, drawings and scripts: nothing that a browser would run gets a link of ours. */
const RUNNABLE = /html|xml|svg|script/i;

export class IncomingFiles {
  readonly #options: IncomingFileOptions;
  readonly #counts = new Lru<MatrixUserId, { readonly since: number; files: number }>(COUNTED);

  readonly #lanes = new SerialQueues();
  #turn = 0;

  constructor(options: IncomingFileOptions) {
    this.#options = options;
  }

  /**
   * Undefined = it is only named.
   * @param attempt counts from 1
   * @throws HomeserverError while it may work a little later
   */
  async fetch(portal: Portal, file: FileReference, attempt: number): Promise<FetchedFile | undefined> {
    const { relay, settings } = this.#options;
    const refused = await this.#refusal(portal, file);
    const fetched = typeof refused === 'string' ? undefined : await this.#octets(portal, refused, attempt);
    const made = fetched === undefined ? undefined : await this.#made(fetched, file);
    const outcome = typeof refused === 'string' ? refused : outcomeOf(fetched, made);
    relay.metrics.count('matrix_files_total', { direction: 'in', outcome });
    if (outcome === 'too_large')
      relay.log.debug({ room: portal.room, limit: settings.maxBytes }, 'matrix: a file is too large');
    return made;
  }

  /** Why it is not even asked for; else where it is. */
  async #refusal(portal: Portal, { uri, size = 0 }: FileReference) {
    const { acquaintances, settings } = this.#options;
    if (uri === undefined) return 'unreadable';
    if (size > settings.maxBytes) return 'too_large';
    const isWanted =
      settings.fetchFrom === 'contacts'
        ? await acquaintances.have(portal.user, portal.peer)
        : settings.fetchFrom === 'everybody';
    if (!isWanted) return 'stranger';
    if (!this.#isWithinRate(portal.peer)) return 'rate';
    return this.#lanes.size < LANES + MAX_WAITING ? { uri } : 'busy';
  }

  async #octets(
    portal: Portal,
    { uri }: { readonly uri: NonNullable<FileReference['uri']> },
    attempt: number,
  ): Promise<Buffer | undefined> {
    const { ghosts, media, relay, settings } = this.#options;
    try {
      const ghost = await ghosts.ensure(portal.user);
      this.#turn = (this.#turn + 1) % LANES;
      return await this.#lanes.run(`lane ${this.#turn}`, () => media.download(ghost, uri, settings.maxBytes));
    } catch (error) {
      if (!(error instanceof HomeserverError) || (error.transient && attempt < TRIES)) throw error;
      const { status, errcode } = error;
      relay.log.info({ room: portal.room, status, errcode }, 'matrix: a file was not fetched');
      return undefined;
    }
  }

  async #made(octets: Buffer, file: FileReference): Promise<FetchedFile | undefined> {
    const type = sniff(octets);
    const data = octets.toString('base64');
    if (type !== undefined)
      return { content: { contentType: named(type, file.name), encoding: 'base64', data } };
    if (octets.length === 0 || isRunnable(octets, file)) return undefined;
    const anything: MessageContent = { contentType: 'application/octet-stream', encoding: 'base64', data };
    const link = await this.#options.relay.fileLink(anything, LINK_MS);
    return link === undefined ? undefined : { link };
  }

  #isWithinRate(peer: MatrixUserId): boolean {
    const now = this.#options.relay.clock.now();
    const counted = this.#counts.get(peer);
    if (counted === undefined || now - counted.since >= MINUTE_MS) {
      this.#counts.set(peer, { since: now, files: 1 });
      return true;
    }
    counted.files += 1;
    return counted.files <= this.#options.settings.perMinute;
  }
}

function outcomeOf(octets: Buffer | undefined, made: FetchedFile | undefined): string {
  if (octets === undefined) return 'missing';
  if (made === undefined) return 'refused';
  return 'link' in made ? 'link' : 'fetched';
}

function isRunnable(octets: Buffer, { type, name }: FileReference): boolean {
  const beginning = octets
    .subarray(0, 64)
    .toString('latin1')
    .replace(/^\u00ef\u00bb\u00bf/, '');
  return RUNNABLE.test(type) || /\.(?:x?html?|svgz?|xml|m?js)$/i.test(name) || /^\s*</.test(beginning);
}

/** COMPAT(phones): they compare the type of a picture as a whole, so only other files carry their names. */
function named(type: string, name: string): string {
  return name === '' || type.startsWith('image/') ? type : `${type}; name="${name}"`;
}
