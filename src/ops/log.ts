// pino, set up once: JSON lines, pretty only on a terminal, secrets cut out wherever they might slip in.

import { pino, type Logger, type LoggerOptions } from 'pino';

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

/** What every log of the server has in common, whatever it is written to. `about` adds fields to each line. */
export function logOptions(level: string, about: () => object = () => ({})): LoggerOptions {
  const redact = { paths: SECRETS.flatMap((name) => [name, `*.${name}`]), censor: '[hidden]' };
  return { level, redact, mixin: about };
}

export function createLog(level: string, about?: () => object): Logger {
  const options = logOptions(level, about);
  if (!process.stdout.isTTY) return pino(options);
  return pino({ ...options, transport: { target: 'pino-pretty', options: { ignore: 'pid,hostname' } } });
}
