// XMPP user to user over BOSH (XEP-0124, XEP-0206): one request to send, one long poll to receive.

import { HttpPost } from './http-post.ts';
import { runPairs, type Pair } from './pairs.ts';
import type { XmppAccount, XmppTask } from './tasks.ts';
import { resourceOf, roles, stanzaTo } from './xmpp-roles.ts';
import { bindRequest, plain } from './xmpp-stream.ts';

const BIND = "xmlns='http://jabber.org/protocol/httpbind'";
const XBOSH = "xmlns:xmpp='urn:xmpp:xbosh'";

/** The server holds one request until there is something to tell, or until the next one comes. */
class BoshSession {
  readonly #connections: readonly HttpPost[];
  readonly #domain: string;
  readonly #held: (Promise<string> | undefined)[] = [];
  #rid = 1_000_000;
  #sid = '';

  private constructor(connections: readonly HttpPost[], domain: string) {
    this.#connections = connections;
    this.#domain = domain;
  }

  static async login(task: XmppTask, account: XmppAccount, resource: string): Promise<BoshSession> {
    const { hostname, port, pathname } = new URL(task.boshUrl ?? '');
    const open = () => HttpPost.open(hostname, Number(port), pathname, 'text/xml; charset=utf-8');
    const session = new BoshSession([await open(), await open()], task.domain);
    await session.#open();
    const { name, password } = account;
    const auth = `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${plain(name, password)}</auth>`;
    await session.#until('<success', auth);
    await session.#until('features', '', ` to='${task.domain}' xmpp:restart='true' ${XBOSH}`);
    await session.#until("id='bind'", bindRequest(resource));
    return session;
  }

  /** One request without waiting for its answer, which comes when the next one is sent, on the other connection. */
  async send(content: string): Promise<void> {
    const turn = this.#rid % 2;
    await this.#held[turn];
    const held = this.post(content, '', turn);
    // Whoever needs the answer sees the failure; the last one is never looked at.
    held.catch(() => undefined);
    this.#held[turn] = held;
  }

  /** One request; the answer's text. */
  async post(content: string, attributes = '', turn = 0): Promise<string> {
    this.#rid += 1;
    const sid = this.#sid === '' ? '' : ` sid='${this.#sid}'`;
    const text = `<body ${BIND} rid='${this.#rid}'${sid}${attributes}>${content}</body>`;
    const answer = (await this.#connections[turn]?.post(Buffer.from(text)))?.toString('latin1') ?? '';
    if (/^[^>]*type=.terminate/.test(answer)) throw new Error('the XMPP server ended the BOSH session');
    return answer;
  }

  async #open(): Promise<void> {
    const answer = await this.post(
      '',
      ` to='${this.#domain}' hold='1' wait='30' ver='1.10' content='text/xml; charset=utf-8' ` +
        `xmpp:version='1.0' ${XBOSH}`,
    );
    this.#sid = /sid=['"]([^'"]+)/.exec(answer)?.[1] ?? '';
    if (this.#sid === '') throw new Error('the XMPP server opens no BOSH session');
  }

  async #until(wanted: string, content: string, attributes = ''): Promise<void> {
    let answer = await this.post(content, attributes);
    for (let tries = 0; !answer.replaceAll('"', "'").includes(wanted); tries += 1) {
      if (tries === 5) throw new Error(`the XMPP server does not answer with ${wanted}`);
      answer = await this.post('');
    }
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }
}

async function pair(index: number, task: XmppTask): Promise<Pair> {
  const { sender, recipient } = roles(task, index);
  const from = await BoshSession.login(task, sender, resourceOf('a', index));
  const to = await BoshSession.login(task, recipient, resourceOf('b', index));
  const address = `${recipient.name}@${task.domain}/${resourceOf('b', index)}`;
  let count = 0;
  return {
    async turn() {
      count += 1;
      const arrival = to.post('');
      const [, heard] = await Promise.all([from.send(stanzaTo(address, count)), arrival]);
      if (!heard.includes(`#${count}#`)) throw new Error('another message arrived than was sent');
    },
    close() {
      from.close();
      to.close();
    },
  };
}

runPairs<XmppTask>((task) =>
  Promise.all(Array.from({ length: task.pairs }, (_, index) => pair(index, task))),
);
