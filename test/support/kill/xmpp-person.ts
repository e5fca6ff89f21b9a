// An XMPP user with @xmpp/client (untyped: what we use of it is described here). Asks for receipts, and sends a
// message again under the same id when it bounced or when no receipt comes.

import { createRequire } from 'node:module';
import { StringDecoder } from 'node:string_decoder';
import type { XmppServer } from '../../../scripts/stack/description.ts';
import { RunOver, type Names, type Person, type Surroundings } from './person.ts';

interface Stanza {
  readonly name: string;
  readonly attrs: Readonly<Record<string, string | undefined>>;
  getChild(name: string, namespace?: string): Stanza | undefined;
  getChildText(name: string): string | null;
}

interface Client {
  on(event: 'stanza', listener: (stanza: Stanza) => void): void;
  on(event: 'error', listener: (error: Error) => void): void;
  start(): Promise<unknown>;
  stop(): Promise<unknown>;
  send(stanza: Stanza): Promise<void>;
  readonly parser: { write(text: string): void } | null;
  _onData(data: Buffer): void;
}

interface Library {
  client(options: object): Client;
  xml(this: void, name: string, attrs?: object, ...children: (Stanza | string)[]): Stanza;
}

const library = createRequire(import.meta.url)('@xmpp/client') as Library;
const { xml } = library;

const RECEIPTS = 'urn:xmpp:receipts';
/** Without a receipt for so long the message is sent again, ms. */
const PATIENCE_MS = 4_000;
/** After a bounce, ms. */
const PAUSE_MS = 250;

type Outcome = 'received' | 'bounced' | 'silent';

export class XmppPerson implements Person {
  readonly names: Names;
  readonly #client: Client;
  readonly #surroundings: Surroundings;
  readonly #waiting = new Map<string, (outcome: Outcome) => void>();
  /** Ids of messages that were received. */
  readonly #receipts = new Set<string>();
  #sent = 0;

  private constructor(names: Names, client: Client, surroundings: Surroundings) {
    this.names = names;
    this.#client = client;
    this.#surroundings = surroundings;
  }

  static async login(
    names: Names,
    server: XmppServer,
    password: string,
    surroundings: Surroundings,
  ): Promise<XmppPerson> {
    const client = library.client({
      service: `xmpp://${server.host}:${server.c2sPort}`,
      domain: server.domain,
      resource: 'kill',
      username: names.name,
      password,
    });
    const person = new XmppPerson(names, client, surroundings);
    client.on('error', (error) => surroundings.ledger.violation(`${names.name}: ${error.message}`));
    // COMPAT(@xmpp/connection): decodes each chunk by itself, and throws on data that comes after its parser went.
    const decoder = new StringDecoder('utf8');
    client._onData = (data) => client.parser?.write(decoder.write(data));
    client.on('stanza', (stanza) => person.#heard(stanza));
    await client.start();
    await client.send(xml('presence'));
    return person;
  }

  async send(to: Names, text: string): Promise<void> {
    this.#sent += 1;
    const id = `${text.replace(/\W+/g, '-')}-${this.#sent}`;
    for (;;) {
      const outcome = await this.#try(to.jid, id, text);
      // The receipt comes once, perhaps after a later try was bounced: while nobody was waiting.
      if (outcome === 'received' || this.#receipts.has(id)) return;
      if (this.#surroundings.over.aborted)
        throw new RunOver(`${this.names.name}: “${text}” was never received`);
      if (outcome === 'bounced') await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  async close(): Promise<void> {
    await this.#client.stop();
  }

  async #try(to: string, id: string, text: string): Promise<Outcome> {
    const outcome = new Promise<Outcome>((resolve) => {
      const timer = setTimeout(() => resolve('silent'), PATIENCE_MS);
      this.#waiting.set(id, (known) => {
        clearTimeout(timer);
        resolve(known);
      });
    });
    const request = xml('request', { xmlns: RECEIPTS });
    await this.#client.send(xml('message', { to, type: 'chat', id }, xml('body', {}, text), request));
    return await outcome.finally(() => this.#waiting.delete(id));
  }

  #heard(stanza: Stanza): void {
    if (stanza.name !== 'message') return;
    const { id = '', type } = stanza.attrs;
    const receipt = stanza.getChild('received', RECEIPTS)?.attrs['id'];
    if (type === 'error') this.#waiting.get(id)?.('bounced');
    else if (receipt !== undefined) {
      this.#receipts.add(receipt);
      this.#waiting.get(receipt)?.('received');
    } else this.#surroundings.ledger.noteArrived(this.names.name, stanza.getChildText('body') ?? '', id);
  }
}
