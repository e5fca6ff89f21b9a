// A raw XMPP client connection (RFC 6120) without TLS: enough to log in and to move stanzas as text.

import { connect, type Socket } from 'node:net';

export interface XmppLogin {
  readonly host: string;
  readonly port: number;
  readonly domain: string;
  readonly name: string;
  readonly password: string;
  readonly resource: string;
}

export class XmppStream {
  readonly #socket: Socket;
  #received = '';
  #wanted = '';
  #resolve: ((text: string) => void) | undefined;
  #reject: ((error: Error) => void) | undefined;
  #failure: Error | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text) => {
      this.#received += String(text);
      this.#look();
    });
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the XMPP server closed the stream')));
  }

  static async login(login: XmppLogin): Promise<XmppStream> {
    const { host, port, domain, name, password, resource } = login;
    const stream = new XmppStream(connect({ host, port, noDelay: true }));
    const open =
      `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='${domain}' ` +
      "version='1.0'>";
    stream.write(open);
    await stream.until('</stream:features>');
    stream.write(
      `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${plain(name, password)}</auth>`,
    );
    await stream.until('<success');
    stream.write(open);
    await stream.until('</stream:features>');
    stream.write(bindRequest(resource));
    await stream.until('</iq>');
    return stream;
  }

  write(text: string): void {
    this.#socket.write(text, 'latin1');
  }

  /** All received up to and with this text; what follows waits for the next call. One call at a time. */
  until(text: string): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure);
        return;
      }
      this.#wanted = text;
      this.#resolve = resolve;
      this.#reject = reject;
      this.#look();
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #look(): void {
    if (this.#resolve === undefined) return;
    const at = this.#received.indexOf(this.#wanted);
    if (at < 0) return;
    const end = at + this.#wanted.length;
    const found = this.#received.slice(0, end);
    this.#received = this.#received.slice(end);
    const resolve = this.#resolve;
    this.#resolve = undefined;
    resolve(found);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    if (this.#resolve !== undefined) this.#reject?.(error);
    this.#resolve = undefined;
  }
}

/** SASL PLAIN (RFC 4616). */
export function plain(name: string, password: string): string {
  return Buffer.from(`\0${name}\0${password}`).toString('base64');
}

export function bindRequest(resource: string): string {
  return (
    "<iq xmlns='jabber:client' type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>" +
    `<resource>${resource}</resource></bind></iq>`
  );
}
