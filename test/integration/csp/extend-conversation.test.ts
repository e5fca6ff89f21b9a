// ExtendConversation (1.3): a talk between two becomes a group of its own (csp-transactions section 11).

import { afterEach, describe, expect, it } from 'vitest';
import { childText } from '../../../src/wv/element.ts';
import { elements } from '../../support/csp-variants.ts';
import { FakeGateway } from '../../support/fake-gateway.ts';
import { GROUP_VERSIONS, getProps, joinGroup, namesIn, propsIn } from '../../support/group-variants.ts';
import { codeOf, detailsOf, startScene, type Scene } from '../../support/phone-scene.ts';
import { HABITS } from '../../support/phone.ts';

let scene: Scene;
afterEach(() => scene.stop());

const extend = (id: string, users: readonly string[], more = ''): string =>
  elements(
    'ExtendConversation-Request',
    elements('ExtendConversationID', id) + elements('UserIDList', elements('UserID', ...users)) + more,
  );
const HABITS_13 = { ...HABITS.s60, version: '1.3', encoding: 'xml' } as const;
const NAME = elements('ScreenName', elements('SName', 'Annie'));

describe('ExtendConversation', () => {
  it('makes a group that only the invited know of, with the user in it, and invites them', async () => {
    const network = new FakeGateway('far.test', ['InviteRequest']);
    scene = await startScene({ gateways: [network] });
    const [ann, bea] = await scene.people('ann', 'bea');
    const phone = await scene.online(ann, HABITS_13);
    const other = await scene.online(bea, HABITS_13);
    const answer = await phone.say(extend('talk-1', ['wv:dan@far.test', ann], NAME));
    expect(codeOf(answer)).toBe(200);
    expect(childText(answer.content, 'ExtendConversationID')).toBe('talk-1');
    const group = childText(answer.content, 'GroupID') ?? '';
    expect(group).toMatch(/^wv:ann\d+\/talk-[\w-]{20}@wv\.test$/);
    expect(network.requests).toMatchObject([
      {
        primitive: 'InviteRequest',
        inviteType: 'EC',
        inviteId: 'talk-1',
        group,
        invited: { user: 'wv:dan@far.test' },
      },
    ]);
    const props = propsIn((await phone.say(getProps(group))).content);
    expect(props).toMatchObject({ Searchable: 'F', AutoDelete: 'T', PrivilegeLevel: 'Admin' });
    expect(namesIn((await other.say(joinGroup(group, { name: 'Bea' }))).content).toSorted()).toEqual([
      'Annie',
      'Bea',
    ]);
  });

  it('details for who could not be invited', async () => {
    const network = new FakeGateway('far.test', ['InviteRequest']);
    scene = await startScene({ gateways: [network] });
    const ann = await scene.person('ann');
    const phone = await scene.online(ann, HABITS_13);
    const answer = await phone.say(extend('talk-1', ['wv:dan@far.test', 'wv:eve@nowhere.test']));
    expect(codeOf(answer)).toBe(201);
    expect(detailsOf(answer)).toEqual(['516 wv:eve@nowhere.test']);
  });

  it('400 without its id, 402 without anybody else, 901 for what is no address; no group is made', async () => {
    scene = await startScene({ config: { groups: { perUser: 1 } } });
    const ann = await scene.person('ann');
    const phone = await scene.online(ann, HABITS_13);
    expect(codeOf(await phone.say('<ExtendConversation-Request></ExtendConversation-Request>'))).toBe(400);
    expect(codeOf(await phone.say(extend('t', [ann])))).toBe(402);
    expect(codeOf(await phone.say(extend('t', ['wv:a@b@c'])))).toBe(901);
    const note = elements('WelcomeNote', elements('ContentType', 'image/png') + elements('ContentData', 'x'));
    expect(codeOf(await phone.say(extend('t', ['wv:bea@wv.test'], note)))).toBe(415);
    expect(childText((await phone.say(extend('t', ['wv:bea@wv.test']))).content, 'GroupID')).toBeDefined();
    expect(codeOf(await phone.say(extend('t', ['wv:bea@wv.test'])))).toBe(814);
  });

  it.each(GROUP_VERSIONS)('belongs to 1.3: %s (%s)', async (version, _encoding, habits) => {
    scene = await startScene();
    const phone = await scene.online(await scene.person('ann'), habits);
    const code = codeOf(await phone.say(extend('t', [])));
    expect(code).toBe(version === '1.3' ? 402 : 405);
  });
});
