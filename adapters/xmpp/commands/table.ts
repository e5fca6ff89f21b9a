// The commands that a user of XMPP can give this gateway.

import { userPartOf } from '../../../src/wv/address.ts';
import type { UserAddress } from '../../../src/wv/ids.ts';
import type { Asker, Command, Desk, Outcome } from './command.ts';
import { done, failed } from './command.ts';
import { invite } from './invite.ts';
import { PeopleFull, MAX_NAME } from './people.ts';
import type { Person } from './people.ts';
import { runSearch } from './search.ts';
import { typedUser } from '../typed-address.ts';

const MODES = ['everybody', 'allowed'] as const;
const FULL = failed('There is no room for more. Please try again later.');
const USER = { name: 'user', label: 'WV user, such as wv:ann', type: 'text-single' } as const;

export const COMMANDS: readonly Command[] = [
  {
    name: 'search',
    help: 'finds WV users',
    args: [{ name: 'query', label: 'Name or number', type: 'text-single' }],
    run: (desk, _asker, given) => runSearch(desk.bridge, given('query')),
  },
  {
    name: 'invite',
    help: 'asks a WV user to talk with you',
    args: [USER],
    run: (desk, asker, given) => withUser(desk, given('user'), (user) => invite(desk, asker, user)),
  },
  {
    name: 'block',
    help: 'lets a WV user neither see nor write to you',
    args: [USER],
    run: (desk, asker, given) =>
      withUser(desk, given('user'), async (user) => {
        const outcome = await listed(desk, asker, user, { blocked: true, allowed: false });
        if (outcome.done) await desk.endSubscriptions(asker, user);
        return outcome;
      }),
  },
  {
    name: 'unblock',
    help: 'takes a block back',
    args: [USER],
    run: (desk, asker, given) =>
      withUser(desk, given('user'), (user) => listed(desk, asker, user, { blocked: false })),
  },
  {
    name: 'allow',
    help: 'puts a WV user on the list of those who may see and write to you (see privacy)',
    args: [USER],
    run: (desk, asker, given) =>
      withUser(desk, given('user'), (user) => listed(desk, asker, user, { blocked: false, allowed: true })),
  },
  {
    name: 'privacy',
    help: 'says who of WV may see and write to you: everybody you did not block, or only those you allowed',
    args: [
      {
        name: 'mode',
        label: 'Who may see and write to you',
        type: 'list-single',
        options: MODES,
        optional: true,
        current: ({ people }, { jid }) => modeOf(people.get(jid)),
      },
    ],
    run: privacy,
  },
  {
    name: 'register',
    help: 'registers you, under the name that WV users are shown',
    offered: ({ bridge }) => bridge.settings.registration !== 'off',
    args: [
      {
        name: 'name',
        label: 'Your name',
        type: 'text-single',
        optional: true,
        current: ({ people }, { jid }) => people.get(jid).name,
      },
    ],
    run: (desk, asker, given) => register(desk, asker, given('name')),
  },
  {
    name: 'unregister',
    help: 'ends your contacts with WV users and forgets you',
    args: [],
    run: unregister,
  },
  {
    name: 'status',
    help: 'says how this gateway and your registration are doing',
    args: [],
    run: (desk, asker) => Promise.resolve(statusOf(desk, asker)),
  },
];

/** The commands that there are with these settings. */
export function offeredCommands(desk: Desk): readonly Command[] {
  return COMMANDS.filter(({ offered }) => offered?.(desk) ?? true);
}

/** Registers, or renames. An empty name is no name. */
export async function register({ people }: Desk, { jid }: Asker, name: string): Promise<Outcome> {
  if (Array.from(name).length > MAX_NAME) return failed(`A name has at most ${MAX_NAME} characters.`);
  return await remembered(
    people.change(jid, (person) => ({ ...person, registered: true, name })),
    () => (name === '' ? 'You are registered.' : `You are registered as ${name}.`),
  );
}

/** All that this gateway keeps of him ends; also of one who never registered. */
export async function unregister(desk: Desk, asker: Asker): Promise<Outcome> {
  await desk.endSubscriptions(asker, undefined);
  await desk.people.forget(asker.jid);
  return done('You are not registered any more.');
}

async function withUser(
  { bridge }: Desk,
  text: string,
  task: (user: UserAddress) => Promise<Outcome>,
): Promise<Outcome> {
  const user = typedUser(bridge, text);
  if (user === undefined) return failed(`That is no WV user of this server: ${text.slice(0, 100)}`);
  return await task(user);
}

/** Whether he is there is not said: an unknown user can be blocked too. */
async function listed(
  { people }: Desk,
  { jid }: Asker,
  user: UserAddress,
  wanted: { readonly blocked: boolean; readonly allowed?: boolean },
): Promise<Outcome> {
  const placed = (list: readonly UserAddress[], on: boolean): readonly UserAddress[] => {
    const others = list.filter((each) => each !== user);
    return on ? [...others, user] : others;
  };
  const change = (person: Person): Person => ({
    ...person,
    blocked: placed(person.blocked, wanted.blocked),
    allowed: wanted.allowed === undefined ? person.allowed : placed(person.allowed, wanted.allowed),
  });
  const name = userPartOf(user);
  return await remembered(people.change(jid, change), () => {
    if (wanted.blocked) return `${name} is blocked.`;
    return wanted.allowed === true ? `${name} is allowed.` : `${name} is not blocked.`;
  });
}

async function privacy(desk: Desk, asker: Asker, given: (name: string) => string): Promise<Outcome> {
  const mode = given('mode').toLowerCase();
  const { people } = desk;
  if (mode !== '' && !MODES.some((known) => known === mode))
    return failed('Say privacy everybody, or privacy allowed.');
  if (mode === '' || mode === modeOf(people.get(asker.jid))) return done(privacyOf(people.get(asker.jid)));
  const onlyAllowed = mode === 'allowed';
  return await remembered(
    people.change(asker.jid, (person) => ({ ...person, onlyAllowed })),
    () => privacyOf(people.get(asker.jid)),
  );
}

async function remembered(change: Promise<void>, text: () => string): Promise<Outcome> {
  try {
    await change;
    return done(text());
  } catch (error) {
    if (error instanceof PeopleFull) return FULL;
    throw error;
  }
}

function modeOf({ onlyAllowed }: Person): (typeof MODES)[number] {
  return onlyAllowed ? 'allowed' : 'everybody';
}

function privacyOf(person: Person): string {
  const names = (users: readonly UserAddress[]): string => (users.length === 0 ? 'nobody' : users.map(userPartOf).join(', ')); // prettier-ignore
  return [
    person.onlyAllowed ? 'Only WV users whom you allowed see and write to you.' : 'All WV users but those you blocked see and write to you.', // prettier-ignore
    `Allowed: ${names(person.allowed)}`,
    `Blocked: ${names(person.blocked)}`,
  ].join('\n');
}

function statusOf({ bridge, people, startedAt }: Desk, { jid }: Asker): Outcome {
  const { relay, settings } = bridge;
  const minutes = Math.floor((relay.clock.now() - startedAt) / 60_000);
  const { registered, name } = people.get(jid);
  const yours = registered
    ? `You are registered${name === '' ? '' : ` as ${name}`}.`
    : 'You are not registered.';
  const needed = settings.registration === 'required' && !registered ? ' Registration is needed here.' : '';
  return done(
    `This gateway leads to ${relay.homeDomain}. It is up for ${minutes} minutes.\n${yours}${needed}`,
  );
}
