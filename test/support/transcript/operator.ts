// The operator's part in a play: what `wvgate user`, `group` and `message` do to a running server.

import { z } from 'zod';
import { Homes } from '../../../src/services/home.ts';
import { createForProvider } from '../../../src/services/groups/creating.ts';
import { GroupHomes } from '../../../src/services/groups/group-home.ts';
import { isAddressError, parseGroup, userPartOf } from '../../../src/wv/address.ts';
import { trusted, type Domain, type UserAddress } from '../../../src/wv/ids.ts';
import type { Scene } from '../phone-scene.ts';
import type { Step } from './play.ts';
import { filled, type Names } from './tree.ts';

type OperatorStep = Step & { readonly kind: 'operator' };

const systemMessage = z.strictObject({
  text: z.string(),
  options: z.array(z.string()).optional(),
  verification: z.strictObject({ question: z.string(), key: z.string() }).optional(),
});
const group = z.strictObject({
  GroupID: z.string(),
  admin: z.string(),
  properties: z.record(z.string(), z.string()).default({}),
});

/** Fails when the server refuses it. */
export async function operate(
  scene: Scene,
  { act, actor, value }: OperatorStep,
  names: Names,
): Promise<void> {
  const user = trusted<UserAddress>(names.get(actor) ?? '');
  const { house } = scene.house;
  switch (act) {
    case 'logs out':
      await house.forceLogout(userPartOf(user));
      return;
    case 'deactivates':
      await house.store.setProfile(user, { active: false });
      return;
    case 'writes to': {
      const { text, options, verification } = systemMessage.parse(value);
      const optional = { ...(options && { options }), ...(verification && { verification }) };
      const outcome = await house.sendSystemMessage(user, { text, ...optional, validity: 3600 });
      if (outcome.code !== 200) throw new Error(`the operator's message: ${outcome.code}`);
      return;
    }
    case 'makes a group':
      return makeGroup(scene, value, names);
  }
}

/** Beside the running server, as the command line does it. */
async function makeGroup(scene: Scene, value: unknown, names: Names): Promise<void> {
  const { GroupID, admin, properties } = group.parse(value);
  const { store } = scene.house.house;
  const homes = new Homes(store, trusted<Domain>(scene.house.domain), 1);
  const address = parseGroup(filled(GroupID, names), homes.domain);
  if (isAddressError(address)) throw new Error(address.reason);
  const limits = {
    perUser: 1,
    perServer: 100_000,
    joined: 10,
    members: 10,
    rejected: 10,
    history: 10,
    cached: 1,
  };
  const outcome = await createForProvider(
    { store, homes, groups: new GroupHomes(store, 1), clock: scene.clock, limits },
    {
      group: address,
      properties: Object.entries(properties).map(([name, text]) => ({ name, value: text })),
      admins: [trusted<UserAddress>(filled(admin, names))],
    },
  );
  if (outcome.code !== 200) throw new Error(`the operator's group: ${outcome.code}`);
}
