// Questions to a server that show whether it answers: an XMPP stream header, an HTTP request.
import { connect } from 'node:net';
import { HOST } from './layout.ts';

const ANSWER_TIMEOUT_MS = 2_000;

/** @returns whether anything accepts connections on a loopback port */
export function isPortTaken(port: number): Promise<boolean> {
  return exchange(port, undefined).then((answer) => answer !== undefined);
}

/**
 * Opens an XMPP stream (RFC 6120, 4.2) on a loopback port.
 *
 * @param namespace `jabber:client` or, for a component port, `jabber:component:accept` (XEP-0114)
 * @returns whether a stream header came back and no error with it
 */
export async function opensStream(port: number, namespace: string, to: string): Promise<boolean> {
  const version = namespace === 'jabber:client' ? " version='1.0'" : '';
  const header =
    `<?xml version='1.0'?><stream:stream xmlns='${namespace}' ` +
    `xmlns:stream='http://etherx.jabber.org/streams' to='${to}'${version}>`;
  const answer = await exchange(port, header);
  return answer !== undefined && answer.includes('<stream:stream') && !answer.includes('stream:error');
}

/** Connects and, if there is something to say, says it. undefined: nobody there, or no answer. */
function exchange(port: number, text: string | undefined): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: HOST, port });
    const finish = (answer: string | undefined): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => finish(undefined));
    socket.on('error', () => finish(undefined));
    socket.on('close', () => finish(undefined));
    socket.on('connect', () => (text === undefined ? finish('') : socket.write(text)));
    let received = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      received += chunk;
      if (/<stream:stream[^>]*>/u.test(received)) finish(received);
    });
  });
}

/**
 * A JSON request with a deadline.
 *
 * @returns the HTTP status and the decoded body; status 0 when nobody answers
 */
export async function requestJson(
  url: string,
  options: { method?: string; body?: unknown; bearer?: string; timeoutMs?: number } = {},
): Promise<{ status: number; body: unknown }> {
  const { method = 'GET', body, bearer, timeoutMs = ANSWER_TIMEOUT_MS } = options;
  try {
    const response = await fetch(url, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await response.text();
    try {
      return { status: response.status, body: JSON.parse(text) };
    } catch {
      return { status: response.status, body: text };
    }
  } catch {
    return { status: 0, body: undefined };
  }
}
