// Asks the server that runs with the same configuration, over its operators' endpoint.

import { ConfigError, type Config } from '../config.ts';
import { operatorToken } from '../data-folder.ts';

/** The server did not do what was asked; the message says what the operator can do about it. */
export class RunningServerError extends Error {
  override readonly name = 'RunningServerError';
}

export interface Question {
  readonly method: 'GET' | 'POST';
  /** `/api/peers`, … */
  readonly path: string;
}

const PATIENCE_MS = 10_000;
/** The server listens on every interface: this is the one it is reached by from here. */
const LOCAL: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/**
 * The JSON that the server answers. `source`: the configuration file, named in errors.
 * @throws ConfigError where the configuration does not let us ask, RunningServerError for everything else
 */
export async function askRunningServer(config: Config, source: string, question: Question): Promise<unknown> {
  const token = operatorToken(config);
  if (token === undefined) {
    throw new ConfigError(
      `${source}: operator.tokenFile: needed for this command: name a file with a secret there, restart the server`,
    );
  }
  if (config.listen.ops.port === 0) {
    throw new ConfigError(`${source}: listen.ops.port: 0 is any free port: this command needs a fixed one`);
  }
  const base = operatorsUrl(config);
  const response = await ask(base, token, question);
  return answerOf(response, base);
}

function operatorsUrl({ listen: { ops } }: Config): string {
  const host = LOCAL[ops.host] ?? ops.host;
  return `http://${host.includes(':') ? `[${host}]` : host}:${ops.port}`;
}

async function ask(base: string, token: string, { method, path }: Question): Promise<Response> {
  try {
    return await fetch(new URL(path, base), {
      method,
      headers: { Authorization: `Bearer ${token}` },
      // The token goes to the server and nowhere else.
      redirect: 'error',
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch (error) {
    throw new RunningServerError(`no server answers at ${base} (listen.ops): ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `nothing within ${PATIENCE_MS / 1_000} s`;
  const { code, message } = (error.cause ?? error) as NodeJS.ErrnoException;
  return code === 'ECONNREFUSED' ? 'is it running? `wvgate serve` starts it' : (code ?? message);
}

async function answerOf(response: Response, base: string): Promise<unknown> {
  const body = await jsonOf(response);
  if (response.ok && body !== undefined) return body;
  if (response.status === 401) {
    throw new RunningServerError(
      'the server does not know the token of operator.tokenFile: it reads the file when it starts, so restart it',
    );
  }
  throw new RunningServerError(messageOf(body) ?? unexpected(response, base));
}

function unexpected({ status }: Response, base: string): string {
  return status === 404
    ? `the server at ${base} does not serve this: is the part configured, and was it restarted since?`
    : `the server at ${base} answers HTTP ${status}: is listen.ops an address of wvgate?`;
}

async function jsonOf(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    // Not ours, or cut off: what it is good for is told by the status.
    return undefined;
  }
}

/** The words of a WebError. */
function messageOf(body: unknown): string | undefined {
  const error: unknown =
    typeof body === 'object' && body !== null && 'error' in body ? body.error : undefined;
  const isWords = typeof error === 'object' && error !== null && 'message' in error;
  return isWords && typeof error.message === 'string' ? error.message : undefined;
}
