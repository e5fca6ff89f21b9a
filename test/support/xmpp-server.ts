// A small XEP-0114 server on loopback that does what tests tell it, well or badly.

import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

export interface FakeServerOptions {
  readonly secret: string;
  /** Returns pings of the component to itself, as real servers do. */
  returnsPings?: boolean;
  /** What comes in one packet with the end of the handshake. */
  greeting?: string;
  /** Ends connections as soon as they are made, as a port does whose server is starting or ending. */
  hangsUp?: boolean;
}

export class FakeXmppServer {
  readonly #server: Server;
  readonly #options: FakeServerOptions;
  readonly sockets: Socket[] = [];
  /** Everything received, on all streams. */
  text = '';
  handshakes = 0;

  private constructor(options: FakeServerOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  static async start(options: FakeServerOptions): Promise<FakeXmppServer> {
    const server = new FakeXmppServer(options);
    await server.listen(0);
    return server;
  }

  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Sends to the component that connected last. */
  send(text: string): void {
    this.sockets.at(-1)?.write(text);
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(socket: Socket): void {
    this.sockets.push(socket);
    socket.on('error', () => undefined);
    if (this.#options.hangsUp === true) return void socket.end();
    socket.on('data', (data) => this.#read(socket, data.toString('utf8')));
  }

  #read(socket: Socket, text: string): void {
    this.text += text;
    if (text.includes('<stream:stream')) {
      socket.write(
        "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='s1'>",
      );
    }
    const digest = /<handshake>([0-9a-f]*)<\/handshake>/.exec(text)?.[1];
    if (digest !== undefined) this.#authenticate(socket, digest);
    if (this.#options.returnsPings !== false) {
      for (const ping of text.matchAll(/<iq [^>]*><ping xmlns="urn:xmpp:ping"\/><\/iq>/g))
        socket.write(ping[0]);
    }
    if (text.includes('</stream:stream>')) socket.end('</stream:stream>');
  }

  #authenticate(socket: Socket, digest: string): void {
    this.handshakes += 1;
    const wanted = createHash('sha1').update(`s1${this.#options.secret}`).digest('hex');
    if (digest === wanted) socket.write(`<handshake/>${this.#options.greeting ?? ''}`);
    else {
      socket.end(
        '<stream:error><not-authorized xmlns="urn:ietf:params:xml:ns:xmpp-streams"/></stream:error></stream:stream>',
      );
    }
  }
}
