// Content offered to users and groups: an invitation of type SC (csp-transactions section 5) with a link of its own
// for each, so that each can be revoked.

import type { UserAddress } from '../../wv/ids.ts';
import type { Party } from '../../wv/message.ts';
import { isSuccess, type Result } from '../../wv/status.ts';
import type { ContentRecord } from '../../store/content.ts';
import type { ContentLinks } from './links.ts';

/** The part of the invitation service that sharing needs. */
export interface Inviter {
  /** Sends an InviteRequest of type SC. */
  share(invitation: {
    readonly from: UserAddress;
    readonly to: Party;
    readonly url: string;
    readonly note: string;
    /** Seconds. */
    readonly validity: number;
  }): Promise<Result>;
}

export interface Shared {
  readonly to: Party;
  readonly result: Result;
  /** Absent when the invitation was refused: the link is revoked. */
  readonly url?: string;
}

/** Invites one after another; one that is refused does not keep the others from being invited. @throws ContentError */
export async function shareContent(
  services: { readonly links: ContentLinks; readonly inviter: Inviter },
  offer: {
    readonly from: UserAddress;
    readonly item: ContentRecord;
    readonly to: readonly Party[];
    readonly days?: number | undefined;
    readonly note?: string | undefined;
  },
): Promise<readonly Shared[]> {
  const { links, inviter } = services;
  const { from, item, days, note = item.name } = offer;
  const outcomes: Shared[] = [];
  for (const to of offer.to) {
    const link = await links.create(item, to.kind === 'user' ? to.user : to.group, days);
    const url = links.url(link, item);
    const validity = Math.round((link.expiresAt - link.createdAt) / 1000);
    const result = await inviter.share({ from, to, url, note, validity });
    if (isSuccess(result)) outcomes.push({ to, result, url });
    else {
      await links.revoke(item, link.token);
      outcomes.push({ to, result });
    }
  }
  return outcomes;
}
