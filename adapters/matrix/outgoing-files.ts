// Pictures and other files of our users on their way to Matrix: into the media repository, else a link to our own
// content service, else a line that says what it was (bridging.md 4). What became of a file is on disk before the
// message goes out, so that a retry sends the same.

import type { RelayPort } from '../../src/sap/port.ts';
import type { Message, MessageContent } from '../../src/wv/message.ts';
import { fileNameOf, isFile, mediaType } from '../bridging/file-content.ts';
import { LateWork } from '../bridging/late-work.ts';
import { sniff } from '../bridging/sniff.ts';
import type { FileSettings } from './config.ts';
import { namedFile, textContent } from './content-out.ts';
import type { EventContent } from './content-out.ts';
import { HomeserverError } from './errors.ts';
import type { MatrixUserId } from './ids.ts';
import { reasonOf } from './inbox.ts';
import type { MediaRepository } from './media.ts';
import { pictureFacts } from './pictures.ts';
import type { Thumbnail } from './pictures.ts';

export interface OutgoingFileOptions {
  readonly relay: RelayPort;
  readonly media: MediaRepository;
  readonly settings: FileSettings;
}

/** The relay gives a request 10 s: what takes longer goes on, and the retry finds it done. */
const WAIT_MS = 7000;
/** Files on their way at once; more are tried again later. */
const MAX_UPLOADS = 8;
const MSGTYPES: ReadonlyMap<string, string> = new Map([
  ['image', 'm.image'],
  ['audio', 'm.audio'],
  ['video', 'm.video'],
]);

export class OutgoingFiles {
  readonly #options: OutgoingFileOptions;
  readonly #work: LateWork<EventContent>;

  constructor(options: OutgoingFileOptions) {
    this.#options = options;
    const { clock, log } = options.relay;
    const onFailure = (error: unknown): void => {
      if (!(error instanceof HomeserverError))
        log.error({ error: reasonOf(error) }, 'matrix: a file was not sent');
    };
    this.#work = new LateWork({ clock, limit: MAX_UPLOADS, waitMs: WAIT_MS, onFailure });
  }

  /**
   * What to send for a file; undefined: the content is text.
   * @throws HomeserverError, transient: the file is on its way, or cannot be sent now; the same request is to come again
   */
  async prepare(message: Message, ghost: MatrixUserId): Promise<EventContent | undefined> {
    if (!isFile(message.content)) return undefined;
    const kept = await this.#options.relay.storage.get(keyOf(message));
    if (kept !== undefined) return JSON.parse(kept.slice(kept.indexOf(' ') + 1)) as EventContent;
    const made = await this.#work.within(message.id, () => this.#make(message, ghost));
    if (made === undefined) throw new HomeserverError({ status: 503, errcode: 'upload under way' });
    return made;
  }

  /**
   * What to send for a message, whatever is in it.
   * @throws HomeserverError, transient, while a file is on its way into the media repository
   */
  async contentOf(message: Message, ghost: MatrixUserId): Promise<EventContent> {
    return (await this.prepare(message, ghost)) ?? textContent(message.content);
  }

  /** The message is over: nothing needs to be known of its file any more. */
  async concluded(message: Message): Promise<void> {
    if (isFile(message.content)) await this.#options.relay.storage.delete(keyOf(message));
  }

  /** At the start: forgets files of messages whose time is over. In a process of its own nobody concludes them. */
  async forgetOld(): Promise<void> {
    const { storage, clock } = this.#options.relay;
    for (const [key, kept] of await storage.list(KEY)) {
      if (Number.parseInt(kept, 10) <= clock.now()) await storage.delete(key);
    }
  }

  async #make(message: Message, ghost: MatrixUserId): Promise<EventContent> {
    const content = await this.#contentFor(message, ghost);
    const kept = `${message.expiresAt} ${JSON.stringify(content)}`;
    await this.#options.relay.storage.put(keyOf(message), kept);
    return content;
  }

  async #contentFor({ content, expiresAt }: Message, ghost: MatrixUserId): Promise<EventContent> {
    const { relay, settings } = this.#options;
    const octets = Buffer.from(content.data, content.encoding === 'base64' ? 'base64' : 'utf8');
    const isFitting = octets.length > 0 && octets.length <= settings.maxBytes;
    const uploaded = isFitting ? await this.#uploaded(octets, content, ghost) : undefined;
    if (uploaded !== undefined && !(uploaded instanceof HomeserverError)) {
      relay.metrics.count('matrix_files_total', { direction: 'out', outcome: 'upload' });
      return uploaded;
    }
    const link = await relay.fileLink(content, Math.max(0, expiresAt - relay.clock.now()));
    if (link === undefined && uploaded?.transient === true) throw uploaded;
    const outcome = link === undefined ? 'text' : 'link';
    relay.metrics.count('matrix_files_total', { direction: 'out', outcome });
    return namedFile(content, link);
  }

  /** The failure when another way is better than waiting. @throws HomeserverError when waiting is better */
  async #uploaded(
    octets: Buffer,
    content: MessageContent,
    ghost: MatrixUserId,
  ): Promise<EventContent | HomeserverError> {
    try {
      return await this.#upload(octets, content, ghost);
    } catch (error) {
      if (!(error instanceof HomeserverError) || (error.transient && error.status < 500)) throw error;
      const { status, errcode } = error;
      this.#options.relay.log.warn({ status, errcode }, 'matrix: the media repository took no file');
      return error;
    }
  }

  async #upload(octets: Buffer, content: MessageContent, ghost: MatrixUserId): Promise<EventContent> {
    const { media } = this.#options;
    const known = sniff(octets);
    const type = known ?? mediaType(content);
    const name = fileNameOf(content);
    const facts = known === undefined ? undefined : await pictureFacts(octets, known);
    const url = await media.upload(ghost, { octets, type, name });
    const thumbnail = await this.#thumbnail(facts?.thumbnail, ghost);
    const size = facts === undefined ? {} : { w: facts.width, h: facts.height };
    const kind = type.split('/')[0] ?? '';
    // Clients that cannot show a picture offer to save it.
    const isShown = known !== undefined && (kind !== 'image' || facts !== undefined);
    return {
      msgtype: (isShown ? MSGTYPES.get(kind) : undefined) ?? 'm.file',
      body: name,
      filename: name,
      url,
      info: { mimetype: type, size: octets.length, ...size, ...thumbnail },
    };
  }

  async #thumbnail(thumbnail: Thumbnail | undefined, ghost: MatrixUserId): Promise<object> {
    if (thumbnail === undefined) return {};
    const { octets, width, height } = thumbnail;
    const type = 'image/jpeg';
    const url = await this.#options.media.upload(ghost, { octets, type, name: 'thumbnail.jpg' });
    return {
      thumbnail_url: url,
      thumbnail_info: { mimetype: type, size: octets.length, w: width, h: height },
    };
  }
}

const KEY = 'upload ';

function keyOf(message: Message): string {
  return KEY + message.id;
}
