// Answers to its own requests: what its clients would come to know of them.

import type { Answer, Peer } from './state.ts';
import { all, at, child, type Xml } from './xml.ts';

const codeOf = (element: Xml | undefined): number | undefined => {
  const code = element?.attributes['code'];
  return code === undefined ? undefined : Number(code);
};

/** Success of a message, and of all that is answered by a Status, is not shown. */
const QUIET_SUCCESS: ReadonlySet<string> = new Set(['Status', 'SendMessageResponse']);

function reachesClient(primitive: Xml, code: number | undefined): boolean {
  if (QUIET_SUCCESS.has(primitive.name)) return code !== 200;
  // Its clients got an answer long ago.
  if (primitive.name === 'GetPresenceResponse') return false;
  // It writes JoinedUser, and reads JoinedUsers.
  if (primitive.name === 'GetJoinedUsersResponse') return child(primitive, 'JoinedUsers') !== undefined;
  return true;
}

function joinedNames(primitive: Xml): string[] {
  const listed = all(child(primitive, 'JoinedList'), 'Name').map((name) => name.text);
  const mapped = all(at(primitive, 'JoinedUsers', 'UserMapList'), 'UserMapping')
    .flatMap((mapping) => all(mapping, 'Mapping'))
    .map((mapping) => child(mapping, 'SName')?.text ?? '');
  return [...listed, ...mapped];
}

function welcomeNote(primitive: Xml): string | undefined {
  const data = at(primitive, 'WelcomeNote', 'ContentData');
  if (data === undefined) return undefined;
  return data.attributes['encoding'] === undefined ? data.text : Buffer.from(data.text, 'base64').toString();
}

/** Notes an answer, however often it comes. One to nothing that was asked is dropped. */
export function takeAnswer(peer: Peer, transactionId: string, primitive: Xml): void {
  const status = primitive.name === 'Status' ? primitive : child(primitive, 'Status');
  const code = codeOf(status);
  const answer: Answer = {
    primitive: primitive.name,
    code,
    details: all(status, 'DetailedResult').map((detail) => codeOf(detail) ?? 0),
    reachesClient: reachesClient(primitive, code),
    joined: joinedNames(primitive),
    welcomeNote: welcomeNote(primitive),
    element: primitive,
  };
  peer.state.sent.get(transactionId)?.answers.push(answer);
}
