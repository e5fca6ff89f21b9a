// Where the test stack keeps its files, which loopback ports it uses and which accounts it creates.
import { chmodSync, mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** The servers of the stack, in the order in which they are shown. */
export const SERVER_NAMES = ['prosody', 'ejabberd', 'synapse'] as const;
export type ServerName = (typeof SERVER_NAMES)[number];

/** @returns whether a word given on the command line names a server of the stack */
export function isServerName(word: string): word is ServerName {
  return SERVER_NAMES.some((name) => name === word);
}

const repositoryRoot = resolve(import.meta.dirname, '../..');

/** Everything the stack writes is below this folder (apart from Debian packages). */
export const STACK_DIR = join(repositoryRoot, 'data', 'stack');
export const DESCRIPTION_FILE = join(STACK_DIR, 'stack.json');
export const SECRETS_FILE = join(STACK_DIR, 'secrets.json');
export const LOCK_FILE = join(STACK_DIR, 'lock');

export const HOST = '127.0.0.1';

export const PROSODY = {
  domain: 'prosody.test',
  c2sPort: 15222,
  componentPort: 15347,
  httpPort: 15280,
} as const;

export const EJABBERD = {
  domain: 'ejabberd.test',
  c2sPort: 25222,
  componentPort: 25347,
  httpPort: 25280,
} as const;

export const SYNAPSE = { serverName: 'hs.test', port: 18008 } as const;

/** The two roles a gateway attaches in: `main` for start and demo, `test` for the test suite. */
export const ROLES = ['main', 'test'] as const;
export type Role = (typeof ROLES)[number];

/** @returns the XEP-0114 component domain of a role below an XMPP server's domain */
export function componentDomain(role: Role, domain: string): string {
  return role === 'main' ? `imps.${domain}` : `imps-test.${domain}`;
}

/** @returns the second component of a role, whose rooms are groups; it has the secret of the first */
export function groupsDomain(role: Role, domain: string): string {
  return role === 'main' ? `groups.${domain}` : `groups-test.${domain}`;
}

/** @returns the domain of the chat rooms (XEP-0045) below an XMPP server's domain */
export function mucDomain(domain: string): string {
  return `muc.${domain}`;
}

/** @returns the domain of the upload service (XEP-0363) below an XMPP server's domain */
export function uploadDomain(domain: string): string {
  return `upload.${domain}`;
}

const LOAD_ACCOUNTS = ['load1', 'load2', 'load3', 'load4'] as const;
export const XMPP_ACCOUNTS = ['romeo', 'juliet', 'mercutio', 'nurse', ...LOAD_ACCOUNTS] as const;
export const MATRIX_ACCOUNTS = ['dave', 'erin', 'frank', ...LOAD_ACCOUNTS] as const;

/** The password of a test account; guessable on purpose, the servers listen on loopback only. */
export function accountPassword(account: string): string {
  return `${account}-secret`;
}

/** The folders of one server. */
export interface ServerFolders {
  readonly home: string;
  readonly config: string;
  readonly data: string;
  readonly log: string;
  readonly logFile: string;
  readonly processFile: string;
}

/** @returns the folders of one server; none of them is created */
export function serverFolders(name: ServerName): ServerFolders {
  const home = join(STACK_DIR, name);
  const log = join(home, 'log');
  return {
    home,
    config: join(home, 'config'),
    data: join(home, 'data'),
    log,
    logFile: join(log, 'server.log'),
    processFile: join(home, 'process.json'),
  };
}

/** Creates a server's folders, each passable for the user that the server runs as. */
export function createFolders(folders: ServerFolders): void {
  const paths = [folders.home, folders.config, folders.data, folders.log];
  for (const path of [dirname(STACK_DIR), STACK_DIR, ...paths]) {
    const created = mkdirSync(path, { recursive: true });
    if (created !== undefined) chmodSync(path, 0o755);
  }
}
