// pino, set up once: JSON lines, pretty only on a terminal, secrets cut out wherever they might slip in.

import { pino, type Logger } from 'pino';

const SECRETS = [
  'password',
  'secret',
  'token',
  'asToken',
  'hsToken',
  'as_token',
  'hs_token',
  'digest',
  'nonce',
  'body',
];

export function createLog(level: string): Logger {
  const redact = { paths: SECRETS.flatMap((name) => [name, `*.${name}`]), censor: '[hidden]' };
  if (!process.stdout.isTTY) return pino({ level, redact });
  return pino({ level, redact, transport: { target: 'pino-pretty', options: { ignore: 'pid,hostname' } } });
}
