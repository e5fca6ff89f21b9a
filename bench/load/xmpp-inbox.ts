// An available XMPP account that many WV users write to: messages are handed to whoever waits for that sender.

import { resourceOf } from './xmpp-roles.ts';
import { userName, type XmppAccount, type XmppTask } from './tasks.ts';
import { XmppStream } from './xmpp-stream.ts';

const END = '</message>';

export class Inbox {
  readonly name: string;
  readonly #stream: XmppStream;
  readonly #component: string;
  readonly #waiting = new Map<string, { resolve: (text: string) => void; reject: (error: Error) => void }>();
  #failure: Error | undefined;

  private constructor(name: string, stream: XmppStream, component: string) {
    this.name = name;
    this.#stream = stream;
    this.#component = component;
  }

  static async open(task: XmppTask, account: XmppAccount, index: number, component: string): Promise<Inbox> {
    const { host, port, domain } = task;
    const resource = resourceOf('inbox', index);
    const stream = await XmppStream.login({ host, port, domain, ...account, resource });
    const inbox = new Inbox(account.name, stream, component);
    stream.write("<presence/><iq type='get' id='there'><ping xmlns='urn:xmpp:ping'/></iq>");
    // What an earlier load left for the account comes before the answer.
    await stream.until("id='there'");
    inbox.#read().catch((error: Error) => inbox.#fail(error));
    return inbox;
  }

  /** The next message of WV user `index`. */
  next(index: number): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.#failure === undefined) this.#waiting.set(userName(index), { resolve, reject });
      else reject(this.#failure);
    });
  }

  close(): void {
    this.#stream.close();
  }

  async #read(): Promise<void> {
    const sender = new RegExp(`from=['"]([^'"@]+)@${this.#component.replaceAll('.', '\\.')}`);
    for (;;) {
      const text = await this.#stream.until(END);
      const name = sender.exec(text.slice(text.lastIndexOf('<message')))?.[1] ?? '';
      const waiting = this.#waiting.get(name);
      this.#waiting.delete(name);
      waiting?.resolve(text);
    }
  }

  #fail(error: Error): void {
    this.#failure = error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

export function openInboxes(task: XmppTask, component: string): Promise<readonly Inbox[]> {
  return Promise.all(task.accounts.map((account, index) => Inbox.open(task, account, index, component)));
}
