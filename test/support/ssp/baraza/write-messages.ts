// SendMessage, its answer, the report, and invitations, as it prints them (samples 10 to 17, 43 to 46, 60, 61).

import { escape } from './xml.ts';
import { attributeNames, metaInfo, statusElement, userElement, type Actor, type Detail } from './write.ts';

/** To whom: a user, everyone in a group, or one behind a screen name. */
export type Recipient =
  | { readonly userId: string }
  | { readonly groupId: string }
  | { readonly groupId: string; readonly screenName: string };

export type Sender = { readonly userId: string } | { readonly groupId: string; readonly screenName: string };

export interface Message {
  readonly messageId: string;
  readonly contentType: string;
  readonly contentSize: number;
  /** Seconds. A report has none. */
  readonly validity?: number;
  readonly recipients: readonly Recipient[];
  readonly sender: Sender;
  readonly sentAt: Date;
}

/** A content, ready for the wire. */
export interface Content {
  readonly contentType: string;
  readonly contentSize: number;
  readonly base64: string;
}

/** Text is encoded by the peer, which leaves an empty line behind. */
export function textContent(text: string, contentType = 'text/plain'): Content {
  const octets = Buffer.from(text);
  return { contentType, contentSize: octets.length, base64: `${octets.toString('base64')}\n` };
}

/** Binary content came encoded from its client, and goes on as it came: the size is that of the BASE64. */
export function binaryContent(octets: Uint8Array, contentType: string): Content {
  const base64 = Buffer.from(octets).toString('base64');
  return { contentType, contentSize: base64.length, base64 };
}

/** Its dates are useless: the month is made of the minutes. */
export function damagedDate(when: Date): string {
  const month = (when.getUTCMinutes() + 1) % 16;
  const damaged = new Date(when);
  damaged.setUTCMonth(month - 1);
  return damaged.toISOString().replace(/\.\d+Z$/, 'Z');
}

function recipientElement(recipient: Recipient): string {
  if ('userId' in recipient) return `<Recipient>\n${userElement(recipient.userId)}\n</Recipient>\n`;
  const group = escape(recipient.groupId);
  return 'screenName' in recipient
    ? `<Recipient>\n<ScreenName groupID="${group}">${escape(recipient.screenName)}</ScreenName>\n</Recipient>\n`
    : `<Recipient>\n<GroupID groupID="${group}"/>\n</Recipient>\n`;
}

function senderElement(sender: Sender): string {
  if ('userId' in sender) return `<Sender>\n${userElement(sender.userId)}\n</Sender>\n`;
  const group = escape(sender.groupId);
  const name = `<ScreenName groupID="${group}">ScreenName=${escape(sender.screenName)}</ScreenName>`;
  return `<Sender>\n<GroupID groupID="${group}"/>\n<SenderDisplay>${name}</SenderDisplay>\n\n</Sender>\n`;
}

function messageInfo(message: Message): string {
  const validity = message.validity === undefined ? '' : ` validity="${message.validity}"`;
  return `<MessageInfo messageID="${escape(message.messageId)}" contentType="${escape(message.contentType)}" contentSize="${message.contentSize}"${validity}>
${message.recipients.map(recipientElement).join('')}${senderElement(message.sender)}
<DateTime format="iso8601">${damagedDate(message.sentAt)}</DateTime>

</MessageInfo>
`;
}

export const sendMessageRequest = (actor: Actor, report: boolean, message: Message, base64: string): string =>
  `<SendMessageRequest deliveryReport="${report ? 'Yes' : 'No'}">
${metaInfo(actor)}
${messageInfo(message)}<ContentData contentType="${escape(message.contentType)}" encoding="base64">
${base64}
</ContentData>

</SendMessageRequest>
`;

export const sendMessageResponse = (
  messageId: string,
  code: number,
  description: string,
  details: readonly Detail[],
): string =>
  `<SendMessageResponse messageID="${escape(messageId)}">
${statusElement(code, description, details)}
</SendMessageResponse>
`;

export const deliveryStatusReport = (
  actor: Actor,
  result: Detail,
  message: Message,
  deliveredAt: Date,
): string =>
  `<DeliveryStatusReport>
${metaInfo(actor)}
<DeliveryResult>${statusElement(result.code, result.description)}</DeliveryResult>
<DeliveryTime>${damagedDate(deliveredAt)}</DeliveryTime>
${messageInfo(message)}
</DeliveryStatusReport>
`;

/** IM a talk, GR a group, PR presence, SC shared content. */
export type InviteType = 'IM' | 'GR' | 'PR' | 'SC';

export interface Invitation {
  readonly inviteId: string;
  readonly type: InviteType;
  /** Seconds. */
  readonly validity: number;
  /** With `wv:`. */
  readonly inviting: string;
  readonly clientId: string;
  readonly invited: string;
  /** For GR. */
  readonly groupId?: string;
  /** For PR: names of attributes. */
  readonly attributes?: readonly string[];
  /** For SC. */
  readonly urls?: readonly string[];
  readonly note: string;
}

const invitee = (name: string, userId: string, clientId?: string): string =>
  `<${name}>${userElement(userId, clientId)}</${name}>\n`;

function subject({ groupId, attributes, urls }: Invitation): string {
  const group = groupId === undefined ? '' : `<GroupID groupID="${escape(groupId)}"/>\n`;
  const list =
    attributes === undefined
      ? ''
      : `<AttributeList>${attributeNames(attributes).replace('>', ' xmlns="http://www.openmobilealliance.org/DTD/WV-PA1.2">')}</AttributeList>\n`;
  const contents =
    urls === undefined
      ? ''
      : `<ContentIDList>${urls.map((url) => `<ContentID url="${escape(url)}"/>\n`).join('')}</ContentIDList>\n`;
  return group + list + contents;
}

/** It does not escape notes. */
export const inviteRequest = (actor: Actor, invitation: Invitation): string =>
  `<InviteRequest inviteID="${escape(invitation.inviteId)}" inviteType="${invitation.type}" validity="${invitation.validity}">
${metaInfo(actor)}
${invitee('Inviting', invitation.inviting, invitation.clientId)}${invitee('Invited', invitation.invited)}${subject(invitation)}<InviteNote>${invitation.note}</InviteNote>
</InviteRequest>
`;

/** Not well formed: it opens Canceled twice. */
export const cancelInviteRequest = (actor: Actor, invitation: Invitation): string =>
  `<CancelInviteRequest inviteID="${escape(invitation.inviteId)}">
${metaInfo(actor)}
${invitee('Canceling', invitation.inviting, invitation.clientId)}<Canceled>${userElement(invitation.invited)}<Canceled/>
<CancelNote>${invitation.note}</CancelNote>
</CancelInviteRequest>
`;
