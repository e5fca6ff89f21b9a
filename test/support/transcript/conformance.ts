// docs/conformance.md out of what the transcripts went through.

import { existsIn } from '../../../src/access/csp/schema/lookup.ts';
import { TRANSACTIONS } from '../../../src/access/csp/transactions/index.ts';
import { EXPECTED } from '../../transcripts/expected-codes.ts';
import type { Coverage } from './coverage.ts';
import { BINDINGS } from './stage.ts';

/** Every transaction of csp-transactions, by service: requests of clients, and requests of the server (`<`). */
const SERVICES: Readonly<Record<string, string>> = {
  'Session and service access': `Login-Request Logout-Request <Disconnect KeepAlive-Request Service-Request
    ClientCapability-Request GetSPInfo-Request WV-CSP-NSDiscovery-Request Extended-Request`,
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

/** Whether the server takes part in it. */
export const isServed = ({ name, fromServer }: Row): boolean =>
  fromServer || TRANSACTIONS[name] !== undefined;

/** Every transaction of the document. */
export const ROWS: readonly Row[] = Object.values(SERVICES).flatMap(rowsOf);

/** Transactions that are served, in a version that has them, and that no transcript went through. */
export function emptyCells(coverage: Coverage): readonly string[] {
  return ROWS.filter(isServed).flatMap(({ name }) =>
    BINDINGS.filter(({ version }) => existsIn(name, version))
      .filter((binding) => coverage.codes(name, binding.name).length === 0)
      .map((binding) => `${name} in ${binding.name}`),
  );
}

function cell(coverage: Coverage, { name, fromServer }: Row, binding: (typeof BINDINGS)[number]): string {
  if (!existsIn(name, binding.version)) return '–';
  const codes = coverage.codes(name, binding.name);
  if (codes.length > 0) return codes.join(' ');
  return isServed({ name, fromServer }) ? '' : 'not served';
}

function table(coverage: Coverage, rows: readonly Row[]): string {
  const head = ['Transaction', ...BINDINGS.map(({ name }) => name)];
  const lines = rows.map((row) => [
    row.fromServer ? `← ${row.name}` : row.name,
    ...BINDINGS.map((binding) => cell(coverage, row, binding)),
  ]);
  return [head, head.map(() => '---'), ...lines].map((line) => `| ${line.join(' | ')} |`).join('\n');
}

/** Codes that our sources give a transaction and that are not sent, with the reason. */
function notSent(): string {
  const lines = ROWS.flatMap(({ name }) =>
    Object.entries(EXPECTED[name]?.never ?? {}).map(([code, why]) => [
      name,
      EXPECTED[name]?.section,
      code,
      why,
    ]),
  );
  const head = ['Transaction', 'Section', 'Code', 'Why not'];
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
    'server begins: the codes it told, or `sent`. `taken` are answers of clients. `–`: the version has no such',
    'primitive. Each code that the specifications give a transaction is here (test/transcripts/expected-codes.ts, which',
    'the transcripts are held against), or in the list at the end.\n',
    ...parts,
    `## Not sent\n\n${notSent()}\n`,
  ].join('\n');
}
