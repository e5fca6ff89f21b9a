// docs/conformance.md out of what the transcripts went through.

import { existsIn } from '../../../src/access/csp/schema/lookup.ts';
import { TRANSACTIONS } from '../../../src/access/csp/transactions/index.ts';
import type { Coverage } from './coverage.ts';
import { BINDINGS } from './stage.ts';

/** Every transaction of csp-transactions, by service: requests of clients, and requests of the server (`<`). */
const SERVICES: Readonly<Record<string, string>> = {
  'Session and service access': `Login-Request Logout-Request <Disconnect KeepAlive-Request Service-Request
    ClientCapability-Request GetSPInfo-Request WV-CSP-NSDiscovery-Request`,
  'Common services': `Search-Request StopSearch-Request Invite-Request <InviteUser-Request InviteUser-Response
    <Invite-Response CancelInvite-Request <CancelInviteUser-Request VerifyID-Request`,
  'Contact and attribute lists': `GetList-Request CreateList-Request DeleteList-Request ListManage-Request
    CreateAttributeList-Request DeleteAttributeList-Request GetAttributeList-Request`,
  Presence: `SubscribePresence-Request UnsubscribePresence-Request <PresenceNotification-Request GetPresence-Request
    UpdatePresence-Request GetWatcherList-Request <PresenceAuth-Request PresenceAuth-User CancelAuth-Request
    GetReactiveAuthStatus-Request`,
  'Access control': 'GetBlockedList-Request BlockEntity-Request',
  'Instant messaging': `SendMessage-Request <NewMessage <MessageNotification GetMessage-Request MessageDelivered
    RejectMessage-Request GetMessageList-Request SetDeliveryMethod-Request <DeliveryReport-Request
    ForwardMessage-Request`,
  Groups: `CreateGroup-Request DeleteGroup-Request JoinGroup-Request LeaveGroup-Request <LeaveGroup-Response
    GetGroupMembers-Request GetJoinedUsers-Request AddGroupMembers-Request RemoveGroupMembers-Request
    MemberAccess-Request GetGroupProps-Request SetGroupProps-Request RejectList-Request
    SubscribeGroupNotice-Request <GroupChangeNotice`,
  'Only in 1.3': `SubscribeNotification-Request UnsubscribeNotification-Request <Notification-Request
    <SystemMessage-Request SystemMessage-User GetPublicProfile-Request UpdatePublicProfile-Request GetMap-Request
    GetSegment-Request DropSegment-Request ExtendConversation-Request`,
};

interface Row {
  readonly name: string;
  readonly fromServer: boolean;
}

const rowsOf = (list: string): Row[] =>
  list
    .trim()
    .split(/\s+/)
    .map((word) => ({ name: word.replace('<', ''), fromServer: word.startsWith('<') }));

/** Transactions of a version that no transcript went through. */
export function emptyCells(coverage: Coverage): readonly string[] {
  return Object.values(SERVICES)
    .flatMap(rowsOf)
    .flatMap(({ name, fromServer }) =>
      BINDINGS.filter(({ version }) => version !== '1.3' && existsIn(name, version))
        .filter((binding) => coverage.codes(name, binding.name).length === 0)
        .filter(() => !fromServer && TRANSACTIONS[name] !== undefined)
        .map((binding) => `${name} in ${binding.name}`),
    );
}

function cell(coverage: Coverage, { name, fromServer }: Row, binding: (typeof BINDINGS)[number]): string {
  if (!existsIn(name, binding.version)) return '–';
  const codes = coverage.codes(name, binding.name);
  if (codes.length > 0) return codes.join(' ');
  return fromServer || TRANSACTIONS[name] !== undefined ? '' : 'not served';
}

function table(coverage: Coverage, rows: readonly Row[]): string {
  const head = ['Transaction', ...BINDINGS.map(({ name }) => name)];
  const lines = rows.map((row) => [
    row.fromServer ? `← ${row.name}` : row.name,
    ...BINDINGS.map((binding) => cell(coverage, row, binding)),
  ]);
  return [head, head.map(() => '---'), ...lines].map((line) => `| ${line.join(' | ')} |`).join('\n');
}

/** The whole document. */
export function conformance(coverage: Coverage, plays: number): string {
  const parts = Object.entries(SERVICES).map(
    ([service, list]) => `## ${service}\n\n${table(coverage, rowsOf(list))}\n`,
  );
  return [
    '# Conformance\n',
    '<!-- Written by the transcripts (WVGATE_UPDATE=1 with test/integration/transcripts.test.ts): do not edit. -->\n',
    `What ${plays} transcripts under test/transcripts went through before a whole server, over sockets: the status`,
    'codes that each transaction was answered with (`200` also where the answer has no code). `←` marks what the',
    'server begins: `sent` when a client got it. `taken` are answers of clients. `–`: the version has no such',
    'primitive.\n',
    ...parts,
  ].join('\n');
}
