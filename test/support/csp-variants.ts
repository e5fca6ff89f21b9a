// Test support: the versions and encodings in which transcripts run, and the hand-written primitives they share.

import { CSP_VERSIONS, NAMESPACES, type CspVersion } from '../../src/wv/version.ts';
import { HABITS, type Habits } from './phone.ts';

/** One of each version; both encodings are among them. */
export const VERSIONS = [
  ['1.1', 'xml', { ...HABITS.android, version: '1.1' }],
  ['1.2', 'wbxml', { ...HABITS.androidWbxml, version: '1.2' }],
  ['1.3', 'xml', { ...HABITS.android, version: '1.3' }],
] as const satisfies readonly (readonly [CspVersion, string, Habits])[];

/** Every version in both encodings, with the habits of Android. */
export const ANDROIDS = CSP_VERSIONS.flatMap((version) =>
  ([HABITS.android, HABITS.androidWbxml] as const).map((habits): [CspVersion, string, Habits] => [
    version,
    habits.encoding,
    { ...habits, version },
  ]),
);

/** `<Name>text</Name>` of each text. */
export function elements(name: string, ...contents: readonly string[]): string {
  return contents.map((content) => `<${name}>${content}</${name}>`).join('');
}

export function users(...ids: readonly string[]): string {
  return elements('User', ...ids.map((id) => elements('UserID', id)));
}

export function sublist(version: CspVersion, content: string): string {
  return `<PresenceSubList xmlns="${NAMESPACES[version].presence}">${content}</PresenceSubList>`;
}

export function updatePresence(version: CspVersion, values: Readonly<Record<string, string>>): string {
  const attributes = Object.entries(values).map(([name, value]) =>
    elements(name, elements('Qualifier', 'T') + elements('PresenceValue', value)),
  );
  return elements('UpdatePresence-Request', sublist(version, attributes.join('')));
}

export function subscribe(...ids: readonly string[]): string {
  return elements('SubscribePresence-Request', users(...ids));
}

/** ListManage with any of its parts, in the order of the DTD. */
export function manageList(list: string, ...parts: readonly string[]): string {
  return elements('ListManage-Request', elements('ContactList', list) + parts.join(''));
}

export function property(name: string, value: string): string {
  return elements('Property', elements('Name', name) + elements('Value', value));
}

export interface MessageParts {
  readonly report?: boolean;
  /** More of MessageInfo, such as Validity. */
  readonly info?: string;
  /** Recipient's content when it is not just users. */
  readonly recipient?: string;
  /** Default: nobody is named. */
  readonly sender?: string;
}

export function sendMessage(text: string, to: readonly string[], parts: MessageParts = {}): string {
  const { report = false, info = '', recipient = '', sender } = parts;
  const from = sender === undefined ? '' : elements('Sender', users(sender));
  return elements(
    'SendMessage-Request',
    elements('DeliveryReport', report ? 'T' : 'F') +
      elements('MessageInfo', `${elements('Recipient', users(...to) + recipient)}${from}${info}`) +
      elements('ContentData', text),
  );
}

export function screenName(name: string, group: string): string {
  return elements('ScreenName', elements('SName', name) + elements('GroupID', group));
}

export interface InvitationParts {
  readonly type?: string;
  /** Recipient's content beside users. */
  readonly recipient?: string;
  /** Between Recipient and InviteNote: GroupID, PresenceSubList, URLList. */
  readonly offer?: string;
  readonly sender?: string;
  readonly note?: string;
  /** After the note: ScreenName. */
  readonly as?: string;
  readonly validity?: number;
}

export function invite(id: string, to: readonly string[], parts: InvitationParts = {}): string {
  const { type = 'IM', recipient = '', offer = '', sender = '', note, as = '', validity = 600 } = parts;
  return elements(
    'Invite-Request',
    elements('InviteID', id) +
      elements('InviteType', type) +
      sender +
      elements('Recipient', users(...to) + recipient) +
      offer +
      (note === undefined ? '' : elements('InviteNote', note)) +
      as +
      elements('Validity', String(validity)),
  );
}

export function answerInvitation(id: string, accepted: boolean, more = ''): string {
  const said = elements('InviteID', id) + elements('Acceptance', accepted ? 'T' : 'F');
  return elements('InviteUser-Response', said + more);
}

export function cancelInvitation(id: string, to?: readonly string[], more = ''): string {
  const recipient = to === undefined ? '' : elements('Recipient', users(...to));
  return elements('CancelInvite-Request', elements('InviteID', id) + recipient + more);
}
