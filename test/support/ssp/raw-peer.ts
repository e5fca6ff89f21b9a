// A peer that answers octet by octet, as no HTTP library would let it.

import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';

/** Called for every POST that arrived in full; both numbers count from 1. */
export type Answering = (
  socket: Socket,
  at: { readonly connection: number; readonly request: number },
) => void;

export interface RawPeer {
  readonly url: URL;
  /** Every POST as it came. */
  readonly requests: string[];
  readonly connections: Socket[];
  close(): Promise<void>;
}

export async function startRawPeer(
  answer: Answering,
  tls?: { readonly cert: Buffer; readonly key: Buffer },
): Promise<RawPeer> {
  const requests: string[] = [];
  const connections: Socket[] = [];
  const accept = (socket: Socket) => {
    connections.push(socket);
    const connection = connections.length;
    let received = '';
    let request = 0;
    socket.on('error', () => {});
    socket.on('data', (data) => {
      received += data.toString('latin1');
      for (let length = requestLength(received); length !== undefined; length = requestLength(received)) {
        requests.push(received.slice(0, length));
        received = received.slice(length);
        request += 1;
        answer(socket, { connection, request });
      }
    });
  };
  const server = tls === undefined ? createServer(accept) : createTlsServer(tls, accept);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: new URL(`${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}/`),
    requests,
    connections,
    close: () =>
      new Promise((resolve) => {
        for (const socket of connections) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** Of the first POST in `received`; undefined = not all of it is there. */
function requestLength(received: string): number | undefined {
  const head = received.indexOf('\r\n\r\n');
  if (head < 0) return undefined;
  const length = head + 4 + Number(/^content-length: (\d+)/im.exec(received)?.[1] ?? 0);
  return received.length < length ? undefined : length;
}
