// `wvgate group create|delete|list`: the operator's groups, also while the server runs.

import type { Config } from '../config.ts';
import { databaseFile } from '../data-folder.ts';
import { systemClock } from '../ops/clock.ts';
import { groupLimits } from '../service-elements.ts';
import { createForProvider } from '../services/groups/creating.ts';
import { GroupHomes } from '../services/groups/group-home.ts';
import { Homes } from '../services/home.ts';
import { openSqliteStore } from '../store/sqlite/open.ts';
import type { Store } from '../store/store.ts';
import { isAddressError, parseGroup, parseUser } from '../wv/address.ts';
import type { Domain, GroupAddress, UserAddress } from '../wv/ids.ts';
import { isSuccess, STATUS } from '../wv/status.ts';
import { CONFIG_OPTION, loadConfig, parseCommandLine, UsageError, type Command } from './command.ts';

const OPTIONS = {
  ...CONFIG_OPTION,
  name: { type: 'string' },
  topic: { type: 'string' },
  welcome: { type: 'string' },
  admin: { type: 'string', multiple: true },
  property: { type: 'string', multiple: true },
} as const;

export const groupCommand: Command = {
  usage: 'group create|delete|list [NAME]',
  summary: 'manage groups',
  details: `
  group create NAME [--name "Shown name"] [--topic T] [--welcome "Note"] [--admin USER]... [--property P=V]...
                                      create wv:/NAME@<domain>, a group that belongs to no user
  group delete NAME|USER/NAME         end a group of the operator or of a user
  group list                          all groups

Properties are those of the protocol: Accesstype=Restricted, Searchable=T, MaxActiveUsers=50, History=T, …
A running server knows a new group at once. It ends a deleted one within 10 seconds and tells those in it; if
none is running, the next one does.
`,
  async run(args, projectRoot) {
    const { values, positionals } = parseCommandLine(args, OPTIONS);
    const [action, name] = positionals;
    const { config } = loadConfig(values.config, projectRoot);
    const domain = config.domain.toLowerCase() as Domain;
    if (action === 'list') return withStore(config, list);
    if (name === undefined || (action !== 'create' && action !== 'delete')) {
      throw new UsageError('group create|delete NAME, or group list; see wvgate group --help');
    }
    const group = addressOf(name, domain);
    if (action === 'delete') {
      return withStore(config, async (store) =>
        said(await store.expireGroup(group), `${group} ends`, `no group ${group}`),
      );
    }
    const admins = (values.admin ?? []).map((user) => userOf(user, domain));
    const properties = propertiesOf(values);
    const { welcome: welcomeNote } = values;
    const draft = { group, properties, admins, ...(welcomeNote === undefined ? {} : { welcomeNote }) };
    return withStore(config, (store) => create(config, store, draft));
  },
};

async function create(
  config: Config,
  store: Store,
  draft: Parameters<typeof createForProvider>[1],
): Promise<number> {
  const limits = groupLimits(config);
  const homes = new Homes(store, config.domain, 1);
  const groups = new GroupHomes(store, 1);
  const outcome = await createForProvider({ store, homes, groups, clock: systemClock, limits }, draft);
  const reason = outcome.description ?? STATUS[outcome.code];
  return said(isSuccess(outcome), `created ${draft.group}`, `${draft.group}: ${reason}`);
}

/** `lobby` is the operator's group wv:/lobby@domain, `ann/rocket` a user's. */
function addressOf(name: string, domain: Domain): GroupAddress {
  const address = parseGroup(name.includes('/') ? name : `/${name}`, domain);
  if (isAddressError(address)) throw new UsageError(`${name}: ${address.reason}`);
  return address;
}

function userOf(name: string, domain: Domain): UserAddress {
  const address = parseUser(name, domain);
  if (isAddressError(address)) throw new UsageError(`${name}: ${address.reason}`);
  return address;
}

function propertiesOf(values: {
  readonly name?: string | undefined;
  readonly topic?: string | undefined;
  readonly property?: readonly string[] | undefined;
}) {
  const named = [
    { name: 'Name', value: values.name ?? '' },
    { name: 'Topic', value: values.topic ?? '' },
  ];
  const others = (values.property ?? []).map((pair) => {
    const [, name, value] = /^(\w+)=(.*)$/su.exec(pair) ?? [];
    if (name === undefined || value === undefined) throw new UsageError(`--property ${pair}: not NAME=VALUE`);
    return { name, value };
  });
  return [...named, ...others];
}

function said(done: boolean, good: string, bad: string): number {
  if (done) process.stdout.write(`${good}\n`);
  else process.stderr.write(`wvgate: ${bad}\n`);
  return done ? 0 : 1;
}

async function list(store: Store): Promise<number> {
  let after: GroupAddress | undefined;
  for (;;) {
    const groups = await store.listGroups(after, 500);
    for (const { address, profile } of groups) {
      const access = profile.properties['Accesstype'] ?? 'Open';
      process.stdout.write(`${address}\t${access}\t${profile.properties['Name'] ?? ''}\n`);
      after = address;
    }
    if (groups.length < 500) return 0;
  }
}

async function withStore(config: Config, work: (store: Store) => Promise<number>): Promise<number> {
  const store = await openSqliteStore({ file: databaseFile(config), clock: systemClock, exclusive: false });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}
