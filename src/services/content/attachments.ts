// Pictures and other attachments of messages: large ones are kept as content while the message is under way, and each
// client gets them in a form that it takes (csp-transactions section 0, rule 10).

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Clock, Log } from '../../ops/ports.ts';
import type { ServiceAddress } from '../../wv/ids.ts';
import { contentSize, type Message, type MessageContent } from '../../wv/message.ts';
import { result, type Result } from '../../wv/status.ts';
import type { ContentRecord } from '../../store/content.ts';
import type { Store } from '../../store/store.ts';
import { bareType, isAccepted, isAttachment, isMimeType, isPicture, isText } from './content-types.ts';
import { ContentError, type ContentRefusal } from './errors.ts';
import type { ContentFiles } from './files.ts';
import type { ContentLinks } from './links.ts';
import type { PictureWish } from './pictures.ts';
import type { Renditions } from './renditions.ts';
import type { AreaRules, ContentStorage } from './storage.ts';

export interface AttachmentDependencies {
  readonly store: Store;
  readonly storage: ContentStorage;
  readonly files: ContentFiles;
  readonly renditions: Renditions;
  readonly links: ContentLinks;
  readonly clock: Clock;
  readonly log: Log;
  /** The server's own area. */
  readonly owner: ServiceAddress;
  readonly limits: {
    /** Attachments up to so many octets travel in the message itself. */
    readonly inline: number;
    readonly maxBytes: number;
    /** Octets of all that are kept. */
    readonly quota: number;
  };
}

/** A form of the content that the client takes by push or in answer to GetMessage. */
export type Wish = PictureWish;

/** How long a client may be made to wait for another form. */
const DEADLINE_MS = 20_000;
/** In the names of what is offered to other networks, and whom its links are for. */
const OFFERED = 'other networks';
const MAX_ITEMS = 10_000_000;
/** Octets of BASE64 decoded at a time; a multiple of 4. */
const PIECE = 65_536;

/** What the sender of a message is told when its attachment cannot be kept. */
const CODES: Partial<Record<ContentRefusal, 415 | 503 | 507>> = {
  quota: 507,
  busy: 503,
  scanner: 503,
};

const EXTENSIONS: ReadonlyMap<string, string> = new Map([
  ['image/jpeg', 'jpg'],
  ['image/png', 'png'],
  ['image/gif', 'gif'],
  ['image/webp', 'webp'],
  ['audio/amr', 'amr'],
  ['audio/midi', 'mid'],
  ['video/3gpp', '3gp'],
  ['video/mp4', 'mp4'],
]);

export class Attachments {
  private readonly deps: AttachmentDependencies;
  private readonly rules: AreaRules;

  constructor(deps: AttachmentDependencies) {
    this.deps = deps;
    const { maxBytes, quota } = deps.limits;
    this.rules = { maxItem: maxBytes, quota, maxItems: MAX_ITEMS, types: ['*/*'], knownPictures: false };
  }

  /**
   * The message as it waits in queues: an attachment too large for that lies on disk when this resolves. A Result says
   * why it cannot be kept: 415 too large or refused by the scanner, 507 no room, 503 not now.
   */
  async keep(message: Message): Promise<Message | Result> {
    const { content } = message;
    const bytes = contentSize(content);
    if (content.stored !== undefined || !isAttachment(content)) return message;
    if (bytes <= this.deps.limits.inline) return message;
    try {
      const item = await this.original(message);
      const stored = { id: item.id, bytes: item.size };
      return { ...message, content: { ...content, data: '', stored } };
    } catch (error) {
      if (!(error instanceof ContentError)) throw error;
      return result(CODES[error.refusal] ?? 415, error.message);
    }
  }

  /**
   * The content in a form that is wished: as it is, a picture made to fit, or a text with a link to the original where
   * the type is not taken. undefined = there is none (in time): the message can only be announced.
   */
  async adapted(message: Message, wish: Wish): Promise<MessageContent | undefined> {
    const { clock, log } = this.deps;
    const { promise: late, resolve: giveUp } = Promise.withResolvers<undefined>();
    const cancel = clock.after(DEADLINE_MS, () => giveUp(undefined));
    try {
      return await Promise.race([this.adapt(message, wish), late]);
    } catch (error) {
      log.error({ err: error, messageId: message.id }, 'content could not be adapted');
      return undefined;
    } finally {
      cancel();
    }
  }

  /** A link for other networks to content that is kept until `expiresAt`; undefined where it cannot be kept or linked. */
  async offered(content: MessageContent, expiresAt: number): Promise<string | undefined> {
    const { links, log } = this.deps;
    if (!links.possible) return undefined;
    try {
      return await links.reuse(await this.original({ id: OFFERED, content, expiresAt }), OFFERED);
    } catch (error) {
      if (!(error instanceof ContentError)) throw error;
      log.warn({ refusal: error.refusal }, 'content could not be offered to another network');
      return undefined;
    }
  }

  private async adapt(message: Message, wish: Wish): Promise<MessageContent | undefined> {
    const { content } = message;
    const type = bareType(content.contentType);
    const accepted = isAccepted(wish.types, type) || isText(type);
    if (accepted && contentSize(content) <= wish.maxBytes) return this.whole(content);
    const picture = isPicture(type) ? await this.picture(content, wish) : undefined;
    if (picture !== undefined || accepted) return picture;
    return this.link(message, wish);
  }

  /** The content with its octets in it; undefined when they went since: their time was over. */
  async whole(content: MessageContent): Promise<MessageContent | undefined> {
    const { stored, contentType } = content;
    if (stored === undefined) return content;
    const octets = await this.octets(stored.id);
    return octets && { contentType, encoding: 'base64', data: octets.toString('base64') };
  }

  /** undefined when the file went since: its time was over. */
  private async octets(id: string): Promise<Buffer | undefined> {
    if ((await this.deps.storage.get(id)) === undefined) return undefined;
    return readFile(this.deps.files.pathOf(id));
  }

  private async picture(content: MessageContent, wish: Wish): Promise<MessageContent | undefined> {
    const { renditions, files } = this.deps;
    const { stored } = content;
    if (stored === undefined && content.encoding !== 'base64') return undefined;
    const made =
      stored === undefined
        ? await renditions.picture(Buffer.from(content.data, 'base64'), digest(content.data), wish)
        : await renditions.picture(files.pathOf(stored.id), stored.id, wish);
    return made && { contentType: made.type, encoding: 'base64', data: made.octets.toString('base64') };
  }

  /** `image/png, 12 KB: https://…`: what it is, and where. */
  private async link(message: Message, wish: Wish): Promise<MessageContent | undefined> {
    const { links, store } = this.deps;
    if (!links.possible) return undefined;
    const { stored } = message.content;
    const item = stored === undefined ? await this.original(message) : await store.contentItem(stored.id);
    if (item === undefined) return undefined;
    const audience = message.recipients.map((party) => (party.kind === 'user' ? party.user : party.group));
    const url = await links.reuse(item, audience.join(' '));
    const data = `${item.type}, ${readableSize(item.size)}: ${url}`;
    const text: MessageContent = { contentType: 'text/plain', encoding: 'none', data };
    return contentSize(text) <= wish.maxBytes ? text : undefined;
  }

  /** The content as an item: one for a message, however often and for however many recipients it arrives. */
  private async original(
    message: Pick<Message, 'content' | 'expiresAt'> & { readonly id: string },
  ): Promise<ContentRecord> {
    const { store, storage, owner } = this.deps;
    const { content, expiresAt } = message;
    const type = isMimeType(bareType(content.contentType))
      ? bareType(content.contentType)
      : 'application/octet-stream';
    const name = `${digest(`${message.id} ${content.data}`).slice(0, 24)}.${EXTENSIONS.get(type) ?? 'bin'}`;
    const known = await store.contentNamed(owner, name);
    if (known !== undefined) {
      await store.keepContent(known.id, expiresAt);
      return known;
    }
    const announced = contentSize(content);
    const source = octetsOf(content);
    return storage.add({ owner, name, type, source, announced, expiresAt, replace: true }, this.rules);
  }
}

async function* octetsOf({ encoding, data }: MessageContent): AsyncIterable<Uint8Array> {
  const characters = encoding === 'base64' ? data.replace(/\s+/g, '') : data;
  const coding = encoding === 'base64' ? 'base64' : 'utf8';
  for (let at = 0; at < characters.length; at += PIECE) {
    yield Buffer.from(characters.slice(at, at + PIECE), coding);
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function readableSize(bytes: number): string {
  if (bytes < 1_000) return `${bytes} bytes`;
  return bytes < 1_000_000 ? `${Math.round(bytes / 1_000)} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
