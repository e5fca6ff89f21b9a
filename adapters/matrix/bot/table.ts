// The commands that a user of Matrix can give this gateway.

import type { GatewayHealth, RelayPort } from '../../../src/sap/port.ts';
import { domainOf, isAddressError, parseUser, userPartOf } from '../../../src/wv/address.ts';
import type { UserAddress } from '../../../src/wv/ids.ts';
import { done, failed } from '../../bridging/commands.ts';
import type { Command, Outcome } from '../../bridging/commands.ts';
import type { MatrixAddresses } from '../addresses.ts';
import { HomeserverError } from '../errors.ts';
import type { MatrixUserId } from '../ids.ts';
import type { LinkedSettings } from '../linked/settings.ts';
import type { Portals } from '../portals.ts';
import type { Blocks } from './blocks.ts';

/** What commands work with. */
export interface Desk {
  readonly relay: RelayPort;
  readonly addresses: MatrixAddresses;
  readonly portals: Pick<Portals, 'ensure'>;
  readonly blocks: Blocks;
  /** Undefined where no accounts can be linked. */
  readonly linked: LinkedSettings | undefined;
  /** The WV users who linked this account. */
  readonly linkedBy: (account: MatrixUserId) => readonly UserAddress[];
  readonly health: () => GatewayHealth;
  /** When the gateway started, milliseconds since the epoch. */
  readonly startedAt: number;
}

/** Users of one answer, characters of a question. */
const MOST = 20;
const MAX_QUERY = 100;
const USER = { name: 'user', label: 'WV user, such as wv:ann', type: 'text-single' } as const;

export const COMMANDS: readonly Command<Desk, MatrixUserId>[] = [
  {
    name: 'search',
    help: 'finds WV users',
    args: [{ name: 'query', label: 'Name or number', type: 'text-single' }],
    run: (desk, _asker, given) => search(desk, given('query')),
  },
  {
    name: 'chat',
    help: 'starts a chat with a WV user',
    args: [USER],
    run: (desk, asker, given) => withUser(desk, given('user'), (user) => chat(desk, asker, user)),
  },
  {
    name: 'link',
    help: 'says how a WV user makes this his own account',
    args: [],
    offered: ({ linked }) => linked !== undefined,
    run: (_desk, asker) => Promise.resolve(done(howToLink(asker))),
  },
  {
    name: 'unlink',
    help: 'ends the link of your account with WV',
    args: [],
    offered: ({ linked }) => linked !== undefined,
    run: unlink,
  },
  {
    name: 'block',
    help: 'refuses messages and invitations of a WV user',
    args: [USER],
    run: (desk, asker, given) => withUser(desk, given('user'), (user) => setBlock(desk, asker, user, true)),
  },
  {
    name: 'unblock',
    help: 'takes a block back',
    args: [USER],
    run: (desk, asker, given) => withUser(desk, given('user'), (user) => setBlock(desk, asker, user, false)),
  },
  {
    name: 'privacy',
    help: 'says who of WV may write to you, and what they see',
    args: [],
    run: (desk, asker) => Promise.resolve(privacy(desk, asker)),
  },
  {
    name: 'status',
    help: 'says how this gateway and your link are doing',
    args: [],
    run: (desk, asker) => Promise.resolve(statusOf(desk, asker)),
  },
];

/** The commands that there are with these settings. */
export function offeredCommands(desk: Desk): readonly Command<Desk, MatrixUserId>[] {
  return COMMANDS.filter(({ offered }) => offered?.(desk) ?? true);
}

async function search({ relay, addresses }: Desk, query: string): Promise<Outcome> {
  const found = await relay.findUsers(query.slice(0, MAX_QUERY), MOST);
  const lines = found.flatMap(({ user, name }) => {
    const ghost = addresses.ghostOf(user);
    return ghost === undefined ? [] : [`${name} – ${user} – ${ghost}`];
  });
  return lines.length === 0 ? failed('Nobody was found.') : done(lines.join('\n'));
}

async function chat({ relay, portals }: Desk, asker: MatrixUserId, user: UserAddress): Promise<Outcome> {
  const name = userPartOf(user);
  if (!(await relay.userExists(user))) return failed(`There is no WV user ${name}.`);
  try {
    await portals.ensure(user, asker);
    return done(`${name} invites you to a chat, or is in one with you.`);
  } catch (error) {
    if (!(error instanceof HomeserverError) || error.transient) throw error;
    return failed(`A chat with ${name} is not possible: you put him out of the last one.`);
  }
}

function howToLink(asker: MatrixUserId): string {
  return [
    'A WV user who links this account speaks as you: his direct chats are yours, and what he writes is yours.',
    'Never tell me, or anybody in a chat, your password.',
    `Link ${asker} where your WV provider lets you change your profile (PUT /api/profile/accounts/matrix), with its password or an access token.`,
  ].join('\n');
}

async function unlink({ relay, linkedBy }: Desk, asker: MatrixUserId): Promise<Outcome> {
  const users = linkedBy(asker);
  for (const user of users) await relay.linkedAccounts.unlink(user);
  return users.length === 0
    ? failed('Your account is not linked.')
    : done('Your account is not linked any more.');
}

async function setBlock(
  { blocks }: Desk,
  asker: MatrixUserId,
  user: UserAddress,
  isBlocked: boolean,
): Promise<Outcome> {
  const name = userPartOf(user);
  if (!(await blocks.set(asker, user, isBlocked))) return failed('There is no room for more.');
  return done(isBlocked ? `${name} is blocked.` : `${name} is not blocked.`);
}

function privacy({ blocks }: Desk, asker: MatrixUserId): Outcome {
  const blocked = blocks.of(asker);
  return done(
    [
      'All WV users but those you blocked can write to you.',
      `Blocked: ${blocked.length === 0 ? 'nobody' : blocked.map(userPartOf).join(', ')}`,
      'Your presence is seen by WV users with whom you share a chat; leave it to end that.',
    ].join('\n'),
  );
}

function statusOf({ relay, linked, linkedBy, health, startedAt }: Desk, asker: MatrixUserId): Outcome {
  const minutes = Math.floor((relay.clock.now() - startedAt) / 60_000);
  const lines = [`This gateway leads to ${relay.homeDomain}. It is ${health()}, for ${minutes} minutes.`];
  if (linked !== undefined) {
    const users = linkedBy(asker).map(userPartOf);
    lines.push(
      users.length === 0 ? 'Your account is not linked.' : `Your account is linked with ${users.join(', ')}.`,
    );
  }
  return done(lines.join('\n'));
}

async function withUser(
  { relay, addresses }: Desk,
  text: string,
  task: (user: UserAddress) => Promise<Outcome>,
): Promise<Outcome> {
  const typed = addresses.userOf(text.trim()) ?? parseUser(text.trim(), relay.homeDomain);
  if (isAddressError(typed) || domainOf(typed) !== relay.homeDomain)
    return failed(`That is no WV user of this server: ${text.slice(0, 100)}`);
  return await task(typed);
}
