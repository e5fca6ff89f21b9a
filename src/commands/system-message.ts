// `wvgate system-message`: the operator tells one user or all of them something.

import type { Config } from '../config.ts';
import { databaseFile } from '../data-folder.ts';
import { systemClock, systemIds } from '../ops/clock.ts';
import { refusedDraft, systemMessageEntry, type SystemMessageDraft } from '../services/system-messages.ts';
import { openSqliteStore } from '../store/sqlite/open.ts';
import type { Store } from '../store/store.ts';
import { isAddressError, parseDomain, parseUser } from '../wv/address.ts';
import { trusted, type MessageId, type UserAddress } from '../wv/ids.ts';
import { CONFIG_OPTION, loadConfig, parseCommandLine, UsageError, type Command } from './command.ts';

const OPTIONS = {
  ...CONFIG_OPTION,
  all: { type: 'boolean' },
  option: { type: 'string', multiple: true },
  days: { type: 'string' },
} as const;

export const systemMessageCommand: Command = {
  usage: 'system-message NAME|--all TEXT',
  summary: 'tell a user, or all, something',
  details: `
  system-message NAME TEXT            to one user
  system-message --all TEXT           to everybody
    --option TEXT                     an answer to choose from; may be repeated
    --days N                          how long it waits for the user (default 7)

Phones of IMPS 1.3 show it as a system message and may answer; older ones as an instant message of the
service. It waits on disk: a running server hands it out when the user's client logs in the next time.
Answers stand in the server's log ("system message answered").
`,
  async run(args, projectRoot) {
    const { values, positionals } = parseCommandLine(args, OPTIONS);
    const [name, text] = values.all === true ? [undefined, positionals[0]] : positionals;
    const days = Number(values.days ?? 7);
    if (text === undefined) throw new UsageError('system-message NAME TEXT, or system-message --all TEXT');
    if (!(days > 0 && days <= 365)) throw new UsageError('--days: 1 to 365');
    const draft: SystemMessageDraft = {
      text,
      validity: Math.round(days * 86_400),
      ...(values.option === undefined ? {} : { options: values.option }),
    };
    const refusal = refusedDraft(draft);
    if (refusal !== undefined) throw new UsageError(refusal);
    const { config } = loadConfig(values.config, projectRoot);
    const store = await openSqliteStore({ file: databaseFile(config), clock: systemClock, exclusive: false });
    try {
      return await send(store, config, name, draft);
    } finally {
      await store.close();
    }
  },
};

async function send(
  store: Store,
  config: Config,
  name: string | undefined,
  draft: SystemMessageDraft,
): Promise<number> {
  let queued = 0;
  let full = 0;
  for await (const recipient of name === undefined ? everybody(store) : one(store, config, name)) {
    const id = trusted<MessageId>(systemIds.random(15));
    const entry = systemMessageEntry(recipient, draft, id, systemClock.now());
    const [outcome] = await store.enqueue([entry], { remember: false, limit: config.messages.maxQueue });
    if (outcome === 'full') full += 1;
    else queued += 1;
  }
  process.stdout.write(`queued for ${queued} user(s)${full > 0 ? `, ${full} queue(s) full` : ''}\n`);
  return queued > 0 && full === 0 ? 0 : 1;
}

async function* one(store: Store, config: Config, name: string): AsyncIterable<UserAddress> {
  const domain = parseDomain(config.domain);
  const user = domain === undefined ? undefined : parseUser(name, domain);
  if (user === undefined || isAddressError(user)) throw new UsageError(`${name} is no user name`);
  if ((await store.getUser(user)) === undefined) process.stderr.write(`wvgate: no account ${name}\n`);
  else yield user;
}

async function* everybody(store: Store): AsyncIterable<UserAddress> {
  let after: UserAddress | undefined;
  for (;;) {
    const users = await store.listUsers(after, 500);
    for (const { address } of users) yield (after = address);
    if (users.length < 500) return;
  }
}
