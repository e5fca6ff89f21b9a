// Presence as it prints it (samples 20 to 30).

import { escape } from './xml.ts';
import { attributeNames, cspElement, metaInfo, userElement, type Actor, type Csp } from './write.ts';

const each = (name: string, userIds: readonly string[], after = ''): string =>
  userIds.map((userId) => `<${name} userID="${escape(userId)}"/>${after}`).join('');

export const subscribeRequest = (
  actor: Actor,
  userIds: readonly string[],
  names: readonly string[] | undefined,
): string =>
  `<SubscribeRequest>${metaInfo(actor)}${each('UserID', userIds)}<AttributeList>${attributeNames(names)}</AttributeList>
</SubscribeRequest>
`;

export const unsubscribeRequest = (actor: Actor, userIds: readonly string[]): string =>
  `<UnsubscribeRequest>${metaInfo(actor)}${each('UserID', userIds)}
</UnsubscribeRequest>
`;

export const getPresenceRequest = (
  actor: Actor,
  userIds: readonly string[],
  names: readonly string[] | undefined,
): string =>
  `<GetPresenceRequest>
${metaInfo(actor)}
${each('VerUserID', userIds, '\n')}<AttributeList>
${attributeNames(names)}
</AttributeList>
</GetPresenceRequest>
`;

export interface Published {
  /** With `wv:`. */
  readonly userId: string;
  readonly attributes: readonly Csp[];
}

const presenceValue = ({ userId, attributes }: Published): string =>
  `<PresenceValue userID="${escape(userId)}">
${cspElement({ name: 'PresenceSubList', value: attributes })}</PresenceValue>
`;

/** Without MetaInfo; without a value when nothing is authorised. The watcher is written without `wv:`. */
export const presenceNotification = (watcher: string, published: readonly Published[]): string =>
  `<PresenceNotification>

${userElement(watcher)}${published.map(presenceValue).join('')}</PresenceNotification>
`;

/** Without a Status. */
export const getPresenceResponse = (published: readonly Published[]): string =>
  `<GetPresenceResponse>
${published.map(presenceValue).join('')}</GetPresenceResponse>
`;
