// A WV user with the project's own client: repeats what got no answer, acknowledges what came, and watches that
// nothing comes back that the server knows to be acknowledged.

import { readMessage, isBindError, type CspTransaction } from '../../../src/access/csp/codec/binding.ts';
import { contentKind, decode, isCodecError } from '../../../src/access/csp/codec/codec.ts';
import { WvClient, WvError, WvTransportError, type WvClientOptions } from '../../../src/client/client.ts';
import { stcp } from '../../../src/client/stcp.ts';
import { child, childText } from '../../../src/wv/element.ts';
import type { Names, Person, Surroundings } from './person.ts';
import type { Random } from './random.ts';

export class WvPerson implements Person {
  readonly names: Names;
  readonly client: WvClient;
  #sent = 0;

  private constructor(names: Names, client: WvClient) {
    this.names = names;
    this.client = client;
  }

  static async login(
    names: Names,
    options: Pick<WvClientOptions, 'url' | 'password' | 'version' | 'encoding'>,
    { ledger, random }: Surroundings,
  ): Promise<WvPerson> {
    const client = new WvClient({
      ...options,
      user: names.wv,
      cir: stcp({ reconnectMs: 100 }),
      pollSeconds: 5,
      cirPollSeconds: 5,
      retries: 100,
      timeoutMs: 10_000,
      fetch: watchedFetch(random, (id) =>
        ledger.violation(`${names.name} got ${id} again after acknowledging it`),
      ),
    });
    client.on('message', ({ text }) => ledger.noteArrived(names.name, text));
    client.on('error', ({ error }) => {
      // While the gateway is away nothing can be reached; anything else in the background is wrong.
      const isAway = error.message.startsWith('CIR') || isConnectionError(error);
      // Handed out once more by the restarted gateway before the first acknowledgement reached it: the second is void.
      const isRepeat = error instanceof WvError && error.code === 426;
      if (!isAway && !isRepeat) ledger.violation(`${names.name}: ${error.message}`);
    });
    client.on('disconnect', ({ code }) => ledger.violation(`${names.name} lost the session: ${code}`));
    await client.connect();
    return new WvPerson(names, client);
  }

  /** The same TransactionID and DateTime with every try: that is how the server knows the message again. */
  async send(to: Names, text: string): Promise<void> {
    this.#sent += 1;
    const id = `s${this.#sent}`;
    const DateTime = `${new Date().toISOString().replace(/[-:]|\.\d+/g, '')}`;
    for (;;) {
      try {
        await this.client.request(
          'SendMessage-Request',
          {
            DeliveryReport: false,
            MessageInfo: {
              ContentType: 'text/plain',
              ContentSize: text.length,
              DateTime,
              Recipient: { User: [{ UserID: to.wv }] },
              Sender: { User: { UserID: this.names.wv } },
            },
            ContentData: text,
          },
          { id, repeatable: true },
        );
        return;
      } catch (error) {
        // 503, 507: not now.
        if (!(error instanceof WvError) || ![503, 507].includes(error.code)) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }

  async close(): Promise<void> {
    await this.client.logout();
  }
}

function isConnectionError(error: Error): boolean {
  // Closed: by ourselves, over an acknowledgement; a session lost otherwise is told as such.
  if (error instanceof WvTransportError) return ['unreachable', 'closed'].includes(error.failure);
  return 'syscall' in error;
}

/** One answer to SendMessage in so many is lost on the way, as phones know it: the request comes again. */
const LOST = 40;

/** Looks into what goes over the wire: a NewMessage after an answered MessageDelivered is one too many. */
export function watchedFetch(
  random: Random,
  again: (messageId: string) => void,
  carry: typeof fetch = fetch,
): typeof fetch {
  const acknowledged = new Set<string>();
  return async (input, init) => {
    const answer = await carry(input, init);
    const type = new Headers(init?.headers).get('content-type') ?? undefined;
    const known = new Set(acknowledged);
    const request = transactions(type, init?.body as Uint8Array);
    const octets = new Uint8Array(await answer.clone().arrayBuffer());
    const isSubmission = request.some(({ primitive }) => primitive === 'SendMessage-Request');
    if (isSubmission && random.below(LOST) === 0) throw new TypeError('the answer was lost');
    if (answer.status === 200) {
      for (const id of idsOf(request, 'MessageDelivered')) acknowledged.add(id);
    }
    const news = transactions(answer.headers.get('content-type') ?? type, octets);
    for (const id of idsOf(news, 'NewMessage')) if (known.has(id)) again(id);
    return answer;
  };
}

function transactions(type: string | undefined, octets: Uint8Array): readonly CspTransaction[] {
  const kind = contentKind(type);
  if (kind === undefined || octets.length === 0) return [];
  const decoded = decode(kind, octets);
  if (isCodecError(decoded)) return [];
  const message = readMessage({ ...decoded, version: decoded.version ?? '1.2' });
  return isBindError(message) ? [] : message.transactions;
}

function idsOf(all: readonly CspTransaction[], primitive: string): string[] {
  return all
    .filter((transaction) => transaction.primitive === primitive)
    .map(({ content }) => childText(child(content, 'MessageInfo') ?? content, 'MessageID') ?? '');
}
