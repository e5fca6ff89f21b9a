// `wvgate user add|passwd|unlock|list|remove|show|set|activate|deactivate|link|unlink|links`: accounts, also while the server runs.

import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { Accounts } from '../accounts.ts';
import type { Config } from '../config.ts';
import { databaseFile, passwordKey } from '../data-folder.ts';
import { systemClock } from '../ops/clock.ts';
import { Passwords } from '../sap/passwords.ts';
import { openSqliteStore } from '../store/sqlite/open.ts';
import type { Store } from '../store/store.ts';
import type { Domain, UserAddress } from '../wv/ids.ts';
import { linkAccount, listAccounts } from './user-link.ts';
import { changeUser, setUser, showUser } from './user-profile.ts';
import { CONFIG_OPTION, loadConfig, parseCommandLine, UsageError, type Command } from './command.ts';

const OPTIONS = {
  ...CONFIG_OPTION,
  password: { type: 'string' },
  name: { type: 'string' },
} as const;

export const userCommand: Command = {
  usage: 'user add|passwd|unlock|list|remove|show|set|activate|deactivate|link|unlink|links [NAME]',
  summary: 'manage accounts',
  details: `
  user add NAME [--name "Shown name"] [--password P]   create wv:NAME@<domain>
  user passwd NAME [--password P]                      change the password
  user unlock NAME                                     end a lock after too many wrong passwords
  user list                                            all accounts
  user remove NAME                                     delete the account and everything of it
  user show NAME                                       the whole profile, as JSON
  user set NAME KEY=VALUE…                             change the profile; an empty value removes
  user activate NAME, user deactivate NAME             an inactive account cannot log in
  user link NETWORK NAME ACCOUNT [--password P]         let the user speak as an account of his own: xmpp, a JID
  user unlink NETWORK NAME                             end that; password, contacts and connection are gone
  user links NAME                                      his linked accounts

Keys of set: displayName, firstName, lastName, email, mobileNumber, services (presence,im,group,content,invite,search
or all), networkPresence (yes or no), PP_CITY and the other properties of the public profile,
findable.id, .name, .alias, .email, .mobileNumber, .publicProfile (everybody or nobody), preferences.ANY.

Without --password it is asked for on a terminal, else read as one line from standard input, so that it
need not stand in the shell's history. A running server sees new accounts and passwords at once, and ends the
sessions of a deactivated or removed one within 10 seconds, with the groups of a removed one (do not give the name
away before); services and names count from the next log-in.
`,
  async run(args, projectRoot) {
    const { values, positionals } = parseCommandLine(args, OPTIONS);
    const [action, name, ...rest] = positionals;
    const { config } = loadConfig(values.config, projectRoot);
    if (action === 'list') return withAccounts(config, (_accounts, store) => list(store));
    if (action === 'link' || action === 'unlink' || action === 'links')
      return runLink(config, action, positionals.slice(1), values.password);
    if (action !== undefined && name !== undefined && Object.hasOwn(PROFILE_ACTIONS, action)) {
      const change = PROFILE_ACTIONS[action as keyof typeof PROFILE_ACTIONS];
      return withAccounts(config, async (accounts, store) =>
        said(await change(store, accounts.address(name), rest), '', `no account ${name}`),
      );
    }
    if (action === undefined || name === undefined || !Object.hasOwn(ACTIONS, action)) {
      throw new UsageError(
        'user add|passwd|unlock|remove|show|set|activate|deactivate NAME, or user list; see wvgate user --help',
      );
    }
    const needsPassword = action === 'add' || action === 'passwd';
    const password = needsPassword ? (values.password ?? (await askPassword(name))) : '';
    if (needsPassword && password === '') throw new UsageError('the password is empty');
    // CSP messages are read without the blanks around a value: such a password would never match.
    if (password !== password.trim()) throw new UsageError('the password begins or ends with a blank');
    return withAccounts(config, (accounts) =>
      ACTIONS[action as keyof typeof ACTIONS](accounts, { name, password, displayName: values.name }),
    );
  },
};

interface Wanted {
  readonly name: string;
  readonly password: string;
  readonly displayName: string | undefined;
}

const ACTIONS = {
  async add(accounts: Accounts, wanted: Wanted) {
    return said(
      await accounts.create(wanted),
      `created ${accounts.address(wanted.name)}`,
      `${wanted.name} exists already`,
    );
  },
  async passwd(accounts: Accounts, { name, password }: Wanted) {
    return said(
      await accounts.setPassword(name, password),
      `password of ${name} changed`,
      `no account ${name}`,
    );
  },
  async unlock(accounts: Accounts, { name }: Wanted) {
    return said(await accounts.unlock(name), `unlocked ${name}`, `${name} is not locked`);
  },
  async remove(accounts: Accounts, { name }: Wanted) {
    return said(await accounts.remove(name), `removed ${name}`, `no account ${name}`);
  },
};

/** What needs no password. False = no such account. */
const PROFILE_ACTIONS = {
  show: showUser,
  set: setUser,
  activate: (store: Store, user: UserAddress) => changeUser(store, user, { active: true }),
  deactivate: (store: Store, user: UserAddress) => changeUser(store, user, { active: false }),
} satisfies Record<string, (store: Store, user: UserAddress, rest: readonly string[]) => Promise<boolean>>;

const LINK_USAGE = 'user link NETWORK NAME ACCOUNT, user unlink NETWORK NAME, or user links NAME';

async function runLink(
  config: Config,
  action: 'link' | 'unlink' | 'links',
  words: readonly string[],
  given: string | undefined,
): Promise<number> {
  const [network = '', name = '', account = ''] = action === 'links' ? ['', ...words] : words;
  if (name === '' || (action === 'link') !== (account !== '')) throw new UsageError(LINK_USAGE);
  const password = action === 'link' ? (given ?? (await askPassword(account))) : '';
  if (action === 'link' && password === '') throw new UsageError('the password is empty');
  return withAccounts(config, async (accounts, store) => {
    const user = accounts.address(name);
    if (action === 'links') await listAccounts(store, user);
    if (action === 'unlink')
      return said(
        await store.unlinkAccount(user, network),
        `unlinked ${name}`,
        `${name} has no account there`,
      );
    if (action === 'link') {
      await linkAccount(config, store, user, { network, account, password });
      process.stdout.write(`linked ${account} with ${user}\n`);
    }
    return 0;
  });
}

function said(done: boolean, good: string, bad: string): number {
  if (done) process.stdout.write(good === '' ? '' : `${good}\n`);
  else process.stderr.write(`wvgate: ${bad}\n`);
  return done ? 0 : 1;
}

async function list(store: Store): Promise<number> {
  let after: UserAddress | undefined;
  for (;;) {
    const users = await store.listUsers(after, 500);
    for (const { address, displayName = '', active } of users) {
      process.stdout.write(`${address}\t${active ? 'active' : 'inactive'}\t${displayName}\n`);
      after = address;
    }
    if (users.length < 500) return 0;
  }
}

async function withAccounts(
  config: Config,
  work: (accounts: Accounts, store: Store) => Promise<number>,
): Promise<number> {
  const passwords = new Passwords(passwordKey(config));
  const store = await openSqliteStore({ file: databaseFile(config), clock: systemClock, exclusive: false });
  try {
    const domain = config.domain.toLowerCase() as Domain;
    const accounts = new Accounts({
      store,
      passwords,
      clock: systemClock,
      domain,
      digestLogin: config.digestLogin,
    });
    return await work(accounts, store);
  } finally {
    await store.close();
  }
}

/** On a terminal the typed password is not shown. */
async function askPassword(name: string): Promise<string> {
  const terminal = process.stdin.isTTY === true;
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  if (terminal) process.stderr.write(`Password for ${name}: `);
  const lines = createInterface({ input: process.stdin, output: silent, terminal });
  try {
    const [line] = await Array.fromAsync(firstLine(lines));
    return line ?? '';
  } finally {
    lines.close();
    if (terminal) process.stderr.write('\n');
  }
}

async function* firstLine(lines: AsyncIterable<string>): AsyncIterable<string> {
  for await (const line of lines) {
    yield line;
    return;
  }
}
