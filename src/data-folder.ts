// What lies in the data folder: the database, and the key that protects passwords.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { ConfigError, type Config } from './config.ts';

/** The key that encrypts passwords for digest login: configured, or made once in the data folder. */
export function passwordKey(config: Config): Buffer {
  const file = config.passwordKeyFile ?? join(config.data, 'password.key');
  if (!existsSync(file)) {
    if (config.passwordKeyFile !== undefined)
      throw new ConfigError(`passwordKeyFile: ${file} does not exist`);
    mkdirSync(config.data, { recursive: true, mode: 0o700 });
    writeFileSync(file, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600, flag: 'wx' });
  }
  const key = Buffer.from(readFileSync(file, 'utf8').trim(), 'base64');
  if (key.length !== 32) throw new ConfigError(`${file}: not 32 bytes in base64`);
  return key;
}

/** Where shared content and the attachments of messages lie. */
export function contentFolder(config: Config): string {
  return join(config.data, 'content');
}

export function databaseFile(config: Config): string {
  return join(config.data, 'wvgate.sqlite');
}

/** Fewer characters can be guessed. */
const SHORTEST_TOKEN = 16;

/** The secret that opens the operator's user API; undefined = none is configured. */
export function operatorToken({ operator }: Config): string | undefined {
  const { tokenFile } = operator;
  if (tokenFile === undefined) return undefined;
  let token: string;
  try {
    token = readFileSync(tokenFile, 'utf8').trim();
  } catch (error) {
    throw new ConfigError(`operator.tokenFile: ${tokenFile} cannot be read`, { cause: error });
  }
  if (/\s/.test(token) || token.length < SHORTEST_TOKEN) {
    throw new ConfigError(
      `operator.tokenFile: ${tokenFile}: not one word of ${SHORTEST_TOKEN} characters at least`,
    );
  }
  return token;
}
