// An instant message as it travels between homes (csp-transactions section 7, ssp section 6.5).

import type { ClientId, GroupAddress, MessageId, UserAddress } from './ids.ts';

/** Who sends or receives: a user (perhaps one of his clients), a group, or one screen name in a group. */
export type Party =
  | { readonly kind: 'user'; readonly user: UserAddress; readonly clientId?: ClientId }
  | { readonly kind: 'group'; readonly group: GroupAddress; readonly screenName?: string };

/** A name by which a user is known in one group. */
export interface ScreenName {
  readonly name: string;
  readonly group: GroupAddress;
}

/** Equal for the same party: clients do not matter, nor does the case of screen names. */
export function partyKey(party: Party): string {
  if (party.kind === 'user') return party.user;
  return party.screenName === undefined ? party.group : `${party.group} ${party.screenName.toLowerCase()}`;
}

/** Message content. `data` is text as is, or BASE64 of octets when `encoding` says so. */
export interface MessageContent {
  /** MIME type, perhaps with parameters; `text/plain` when a client named none. */
  readonly contentType: string;
  readonly encoding: 'none' | 'base64';
  readonly data: string;
  /** Only in our own queues: the octets lie with the content service under this id, and `data` is empty. */
  readonly stored?: { readonly id: string; readonly bytes: number };
}

export interface Message {
  /** Issued by the sender's home and kept by everyone after it. */
  readonly id: MessageId;
  readonly sender: Party;
  /** The recipients this copy is for. */
  readonly recipients: readonly Party[];
  /** What a copy from a group names as its recipient instead of the user: the group, or his screen name in it. */
  readonly addressedTo?: Party & { readonly kind: 'group' };
  /** When it was sent, milliseconds since the epoch. */
  readonly sentAt: number;
  /** When it stops being worth delivering, milliseconds since the epoch. */
  readonly expiresAt: number;
  readonly content: MessageContent;
}

/** Octets of the content as a client counts them (ContentSize): BASE64 is counted decoded. */
export function contentSize(content: MessageContent): number {
  if (content.stored !== undefined) return content.stored.bytes;
  if (content.encoding === 'none') return utf8Length(content.data);
  const characters = content.data.replace(/\s+/g, '');
  const padding = characters.endsWith('==') ? 2 : characters.endsWith('=') ? 1 : 0;
  return Math.max(0, Math.floor((characters.length * 3) / 4) - padding);
}

function utf8Length(text: string): number {
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) length += 1;
    else if (unit < 0x800) length += 2;
    else if (unit >= 0xd800 && unit < 0xdc00 && i + 1 < text.length) {
      length += 4;
      i++;
    } else length += 3;
  }
  return length;
}
