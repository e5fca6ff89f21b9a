// SSP documents written by hand, for what no server of ours would say: posted in the name of a peer, in its session.

import { eventually } from '../eventually.ts';
import type { Passed } from './transcript.ts';
import type { WireTap } from './wire-tap.ts';

const NAMESPACE = 'http://www.openmobilealliance.org/DTD/WV-SSP1.3';

/** Who says it to whom: domains. */
export interface Route {
  readonly from: string;
  readonly to: string;
}

export interface RawTransaction {
  readonly id: string;
  readonly content: string;
}

export function document(sessionId: string, ...transactions: readonly RawTransaction[]): string {
  const inner = transactions.map(
    ({ id, content }) => `<Transaction mode="Request" transactionID="${id}">${content}</Transaction>`,
  );
  return `<WV-SSP-Message xmlns="${NAMESPACE}"><Session sessionID="${sessionId}">${inner.join('')}</Session></WV-SSP-Message>`;
}

export function metaInfo(service: string, user?: string): string {
  const acting = user === undefined ? '' : `<User userID="${user}"/>`;
  const originated = user === undefined ? 'No' : 'Yes';
  return `<MetaInfo clientOriginated="${originated}"><Requestor serviceID="wv:@${service}">${acting}</Requestor></MetaInfo>`;
}

export interface RawMessage {
  readonly id: string;
  readonly service: string;
  /** Of MetaInfo. */
  readonly user: string;
  /** Default: `user`. */
  readonly sender?: string;
  readonly recipients: readonly string[];
  readonly text?: string;
}

export function sendMessage({
  id,
  service,
  user,
  sender = user,
  recipients,
  text = 'hi',
}: RawMessage): string {
  const data = Buffer.from(text).toString('base64');
  return [
    `<SendMessageRequest deliveryReport="No">${metaInfo(service, user)}`,
    `<MessageInfo messageID="${id}" contentType="text/plain" contentSize="${text.length}" validity="600">`,
    ...recipients.map((recipient) => `<Recipient><User userID="${recipient}"/></Recipient>`),
    `<Sender><User userID="${sender}"/></Sender>`,
    `<DateTime format="iso8601">2026-01-02T03:04:05Z</DateTime></MessageInfo>`,
    `<ContentData contentType="text/plain" encoding="base64">${data}</ContentData></SendMessageRequest>`,
  ].join('');
}

/** The document that answers a transaction. */
export function answerTo(wire: WireTap, { from, to }: Route, id: string, mark = 0): Promise<Passed> {
  return eventually(`an answer to ${id}`, () =>
    wire
      .since(mark)
      .find(
        (passed) =>
          passed.from === to &&
          passed.to === from &&
          passed.body.includes(`mode="Response" transactionID="${id}"`),
      ),
  );
}

let asked = 0;

/** Says it in the session of `from`, behind its back; resolves with the document that answers. */
export async function ask(wire: WireTap, route: Route, content: string): Promise<string> {
  asked += 1;
  const id = `raw-${asked}`;
  const status = await wire.post(route.to, document(wire.sessionOf(route.from, route.to), { id, content }));
  if (status !== 200) throw new Error(`HTTP ${status}`);
  return (await answerTo(wire, route, id)).body;
}

/** Codes of Status and DetailedResult, in their order. */
export function codesIn(body: string): readonly number[] {
  return Array.from(body.matchAll(/\bcode="(\d+)"/g), ([, code]) => Number(code));
}
