// Invitations that are not about groups (bridging.md 1): to talk (IM) and to shared content (SC) they become a message
// in the direct chat, to watch each other (PR) a chat and the watching. The other answers in words, if at all.

import type { RelayPort } from '../../src/sap/port.ts';
import { trusted } from '../../src/wv/ids.ts';
import type { MessageId } from '../../src/wv/ids.ts';
import { status } from '../../src/wv/primitives.ts';
import type { InviteRequest, InviteType, Status } from '../../src/wv/primitives.ts';
import { isSuccess, OK, result } from '../../src/wv/status.ts';
import type { OutboundMessages } from './messages-out.ts';
import type { Watching } from './presence-in.ts';

export interface InvitationOptions {
  readonly relay: RelayPort;
  readonly outbound: OutboundMessages;
  readonly watching: Watching;
}

/** A phone names a handful; more are not passed on. */
const MAX_URLS = 16;
const MAX_URL = 2048;
/** How long an invitation without a time is worth sending, in ms. */
const LIFETIME_MS = 24 * 60 * 60_000;

/** What an invitation says when nobody wrote a note. */
const FALLBACKS: Partial<Record<InviteType, string>> = { IM: 'Would you like to talk?', PR: '', SC: '' };

export class Invitations {
  readonly #options: InvitationOptions;

  constructor(options: InvitationOptions) {
    this.#options = options;
  }

  /** 405 for what has no counterpart. */
  async invite(request: InviteRequest): Promise<Status> {
    const { inviteType, inviting, invited, note = '', urls = [], meta } = request;
    const fallback = FALLBACKS[inviteType];
    if (fallback === undefined || inviting.kind !== 'user' || invited.kind !== 'user')
      return status(result(405));
    if (inviteType === 'PR') {
      const publishers = [invited.user];
      const watched = await this.#options.watching.subscribe({
        primitive: 'SubscribeRequest',
        meta,
        watcher: inviting.user,
        publishers,
      });
      if (!isSuccess(watched)) return status(watched);
    }
    const links = inviteType === 'SC' ? usable(urls) : [];
    const words = [note.trim() || fallback, ...links].filter((line) => line !== '').join('\n');
    if (words !== '') return await this.#write(request, words);
    return status(inviteType === 'SC' ? result(402, 'nothing is shared') : OK);
  }

  /** As a message with an id of its own: sent once, in order, in the chat of the two. */
  async #write(
    { meta, inviteId, inviting, invited, validity }: InviteRequest,
    data: string,
  ): Promise<Status> {
    const { relay, outbound } = this.#options;
    const now = relay.clock.now();
    const { result: outcome } = await outbound.send({
      primitive: 'SendMessageRequest',
      meta,
      deliveryReport: false,
      message: {
        id: trusted<MessageId>(`invite-${inviteId}`),
        sender: inviting,
        recipients: [invited],
        sentAt: now,
        expiresAt: now + (validity === undefined ? LIFETIME_MS : validity * 1000),
        content: { contentType: 'text/plain', encoding: 'none', data },
      },
    });
    return status(outcome);
  }
}

function usable(urls: readonly string[]): readonly string[] {
  return urls
    .map((url) => url.trim())
    .filter((url) => url !== '' && url.length <= MAX_URL)
    .slice(0, MAX_URLS);
}
