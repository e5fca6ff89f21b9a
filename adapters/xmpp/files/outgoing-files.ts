// Pictures and other files of our users on their way to XMPP: uploaded where the server lets us (XEP-0363), else a link
// to our own content service, else a line that says what it was. What became of a file is on disk before the message
// goes out, so that a retry sends the same.

import { contentSize } from '../../../src/wv/message.ts';
import type { Message, MessageContent } from '../../../src/wv/message.ts';
import { fileNameOf, isFile, mediaType } from '../../bridging/file-content.ts';
import { LateWork } from '../../bridging/late-work.ts';
import { BoundedMap } from '../bounded-map.ts';
import type { Bridge } from '../bridge.ts';
import type { IqRequests } from '../iq-requests.ts';
import type { BareJid } from '../jid.ts';
import type { XmlElement } from '../xml.ts';
import { AddressGate } from './addresses.ts';
import { fileElements } from './links.ts';
import { checkedUrl, resolveHost, TransferError } from './pinned-request.ts';
import type { TransferRules } from './pinned-request.ts';
import { putFile } from './put.ts';
import { UploadServices } from './upload-service.ts';
import type { UploadService } from './upload-service.ts';

/** What is sent instead of the content. No `elements`: the body says it all. */
export interface OutgoingFile {
  readonly body: string | undefined;
  readonly elements: readonly XmlElement[];
}

/** The relay gives a request 10 s: what takes longer goes on, and the retry finds it done. */
const WAIT_MS = 8_000;
const CONNECT_MS = 5_000;
const UPLOAD_MS = 60_000;
const TRIES = 2;
/** Links remembered without a look at the disk. */
const RECENT = 1_000;
/** Files on their way at once; more are tried again later. */
const MAX_UPLOADS = 8;
/** Where the body is as for content that cannot be sent: remembered like an address. */
const NO_LINK = '';

export class OutgoingFiles {
  readonly #bridge: Bridge;
  readonly #services: UploadServices;
  readonly #rules: TransferRules;
  /** By message: its recipients share one upload. */
  readonly #work: LateWork<string>;
  /** Links of messages to groups, whose copies come one portion after another. */
  readonly #recent = new BoundedMap<string, string>(RECENT);

  constructor(bridge: Bridge, requests: IqRequests) {
    this.#bridge = bridge;
    this.#services = new UploadServices(bridge, requests);
    const { insecure, allow } = bridge.settings.files;
    const gate = new AddressGate(allow);
    this.#rules = { gate, insecure, connectMs: CONNECT_MS, resolve: resolveHost };
    const { clock, log } = bridge.relay;
    this.#work = new LateWork({
      clock,
      limit: MAX_UPLOADS,
      waitMs: WAIT_MS,
      onFailure: (error) => log.error({ err: error }, 'XMPP gateway: a file could not be handed on'),
    });
  }

  /** undefined: the content is text. `later`: the upload goes on, the same request is to come again. */
  async prepare(message: Message, from: BareJid): Promise<OutgoingFile | 'later' | undefined> {
    const { content } = message;
    if (!isFile(content)) return undefined;
    const kept = await this.#bridge.relay.storage.get(keyOf(message));
    const known = kept === undefined ? this.#recent.get(message.id) : linkIn(kept);
    const link = known ?? (await this.#soon(message, from));
    if (link === undefined) return 'later';
    if (link === NO_LINK) return { body: undefined, elements: [] };
    const type = mediaType(content);
    const file = { url: link, name: fileNameOf(content), type, size: contentSize(content) };
    return { body: link, elements: fileElements(file) };
  }

  /** The message is over: nothing needs to be known of its file any more. */
  async concluded(message: Message): Promise<void> {
    if (isFile(message.content)) await this.#bridge.relay.storage.delete(keyOf(message));
  }

  /** At the start: forgets files of messages whose time is over. In a process of its own nobody concludes them. */
  async forgetOld(): Promise<void> {
    const { storage, clock } = this.#bridge.relay;
    for (const [key, kept] of await storage.list('file ')) {
      if (Number.parseInt(kept, 10) <= clock.now()) await storage.delete(key);
    }
  }

  /** The link, if there is one in time. */
  async #soon(message: Message, from: BareJid): Promise<string | undefined> {
    const link = await this.#work.within(message.id, () => this.#keep(message, from));
    // Once for each recipient.
    if (link !== undefined) await this.#note(message, link);
    return link;
  }

  async #keep(message: Message, from: BareJid): Promise<string> {
    const link = await this.#link(message, from);
    await this.#note(message, link);
    return link;
  }

  async #note(message: Message, link: string): Promise<void> {
    this.#recent.set(message.id, link);
    await this.#bridge.relay.storage.put(keyOf(message), `${message.expiresAt} ${link}`);
  }

  async #link({ content, expiresAt }: Message, from: BareJid): Promise<string> {
    const { relay } = this.#bridge;
    const uploaded = await this.#upload(content, from);
    if (uploaded !== undefined) return uploaded;
    const offered = await relay.fileLink(content, Math.max(0, expiresAt - relay.clock.now()));
    relay.metrics.count('xmpp_files_total', {
      direction: 'out',
      outcome: offered === undefined ? 'text' : 'link',
    });
    return offered ?? NO_LINK;
  }

  async #upload(content: MessageContent, from: BareJid): Promise<string | undefined> {
    const { relay, settings } = this.#bridge;
    const size = contentSize(content);
    if (size === 0 || size > settings.files.maxBytes) return undefined;
    const service = await this.#services.find();
    if (service === undefined || size > service.maxBytes) return undefined;
    const octets = Buffer.from(content.data, content.encoding === 'base64' ? 'base64' : 'utf8');
    for (let tried = 0; tried < TRIES; tried += 1) {
      try {
        const url = await this.#put(octets, content, { service, from });
        relay.metrics.count('xmpp_files_total', { direction: 'out', outcome: 'upload' });
        return url;
      } catch (error) {
        if (!(error instanceof TransferError)) throw error;
        const { failure, status } = error;
        relay.metrics.count('xmpp_file_failures_total', { direction: 'out', failure });
        relay.log.warn({ failure, status, service: service.jid }, 'XMPP gateway: an upload failed');
        if (!isWorthAnother(error)) return undefined;
      }
    }
    return undefined;
  }

  async #put(
    octets: Buffer,
    content: MessageContent,
    { service, from }: { service: UploadService; from: BareJid },
  ): Promise<string> {
    const type = mediaType(content);
    const slot = await this.#services.slot(from, service, {
      name: fileNameOf(content),
      size: octets.length,
      type,
    });
    // The service refused: it may not serve the gateway (see docs/xmpp.md).
    if (slot === undefined) throw new TransferError('status');
    const { insecure } = this.#rules;
    const { href } = checkedUrl(slot.get, insecure);
    await putFile({ url: slot.put, headers: slot.headers, type, octets, totalMs: UPLOAD_MS }, this.#rules);
    return href;
  }
}

/** What `#note` wrote: when the message ends, and the link. */
function linkIn(kept: string): string {
  return kept.slice(kept.indexOf(' ') + 1);
}

function isWorthAnother({ failure, status }: TransferError): boolean {
  return failure === 'broken' || failure === 'unresolved' || (failure === 'status' && (status ?? 0) >= 500);
}

function keyOf(message: Message): string {
  const [recipient] = message.recipients;
  const name = recipient?.kind === 'group' ? recipient.group : recipient?.user;
  return `file ${message.id} ${name ?? ''}`;
}
