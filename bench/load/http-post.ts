// One keep-alive connection that posts, as light as it gets: the generator shares the machine with the server.

import { connect, type Socket } from 'node:net';

const HEAD_END = Buffer.from('\r\n\r\n');

interface Waiting {
  readonly resolve: (body: Buffer) => void;
  readonly reject: (error: Error) => void;
}

export class HttpPost {
  readonly #socket: Socket;
  readonly #head: string;
  #received: Buffer = Buffer.alloc(0);
  #waiting: Waiting | undefined;

  private constructor(socket: Socket, path: string, contentType: string, headers: string) {
    this.#socket = socket;
    this.#head =
      `POST ${path} HTTP/1.1\r\nHost: im.example\r\nContent-Type: ${contentType}\r\n${headers}` +
      'Content-Length: ';
    socket.on('data', (data) => this.#arrived(data));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the server closed the connection')));
  }

  /** `headers`: more of them, each with its line end. */
  static open(
    host: string,
    port: number,
    path: string,
    contentType: string,
    headers = '',
  ): Promise<HttpPost> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => resolve(new HttpPost(socket, path, contentType, headers)));
    });
  }

  /** The body of the answer. One request at a time. @throws when the status is not 200 */
  post(body: Uint8Array): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      const head = Buffer.from(`${this.#head}${body.length}\r\n\r\n`, 'latin1');
      this.#socket.write(Buffer.concat([head, body]));
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #arrived(data: Buffer): void {
    this.#received = this.#received.length === 0 ? data : Buffer.concat([this.#received, data]);
    const end = this.#received.indexOf(HEAD_END);
    if (end < 0) return;
    const head = this.#received.toString('latin1', 0, end);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
    const bodyStart = end + HEAD_END.length;
    if (this.#received.length < bodyStart + length) return;
    const body = this.#received.subarray(bodyStart, bodyStart + length);
    this.#received = this.#received.subarray(bodyStart + length);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (head.startsWith('HTTP/1.1 200 ')) waiting?.resolve(body);
    else waiting?.reject(new Error(`the server answered ${head.split('\r\n', 1)[0] ?? ''}`));
  }

  #fail(error: Error): void {
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }
}
