// VerifyID over the wire: csp-transactions 2.4, with each of its status codes.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { status } from '../../../src/wv/primitives.ts';
import { OK, result } from '../../../src/wv/status.ts';
import { elements, screenName, VERSIONS } from '../../support/csp-variants.ts';
import { FakeGateway } from '../../support/fake-gateway.ts';
import { codeOf, detailsOf, startScene, texts, type Scene } from '../../support/phone-scene.ts';

const GHOST = 'wv:ghost@wv.test';
const CLUB = 'wv:zoe/club@far.test';

const far = new FakeGateway('far.test', ['GetGroupPropsRequest', 'GetJoinedUsersRequest']);

let scene: Scene;
beforeAll(async () => {
  scene = await startScene({ gateways: [far], config: { contacts: { maxContacts: 10 } } });
});
beforeEach(() => {
  far.reply = () => status(OK);
});
afterEach(() => scene.closePhones());
afterAll(() => scene.stop());

const verify = (...ids: readonly string[]): string =>
  elements('VerifyID-Request', elements('IDList', ids.join('')));
const user = (...ids: readonly string[]): string => elements('UserID', ...ids);

describe.each(VERSIONS.slice(1))('VerifyID in CSP %s (%s)', (_version, _encoding, habits) => {
  it('200 when all exist, here and behind a gateway', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const phone = await scene.online(ann, habits);
    const list = ann.replace('@', '/friends@');
    await phone.say(elements('CreateList-Request', elements('ContactList', list)));
    const heard = await phone.say(
      verify(
        user(bea, 'wv:zoe@far.test'),
        elements('ContactList', list),
        elements('GroupID', CLUB),
        elements('Domain', 'wv.test', 'FAR.test'),
      ),
    );
    expect([heard.content?.name, codeOf(heard)]).toEqual(['Status', 200]);
  });

  it('the one code when one thing fails: 531, 516, 700, 800, 901, 404', async () => {
    const ann = await scene.person('ann');
    const phone = await scene.online(ann, habits);
    for (const [id, code] of [
      [user(GHOST), 531],
      [user('wv:zoe@elsewhere.test'), 516],
      [user('wv:a@b@c'), 901],
      [elements('ContactList', ann.replace('@', '/none@')), 700],
      [elements('GroupID', 'wv:ann/none@wv.test'), 800],
      [elements('GroupID', 'wv:ann/none@elsewhere.test'), 516],
      [elements('GroupID', 'nonsense'), 901],
      [screenName('Ghost', 'wv:ann/none@wv.test'), 901],
      [elements('Domain', 'elsewhere.test'), 516],
      [elements('Domain', 'no domain'), 404],
    ] as const)
      expect(codeOf(await phone.say(verify(id)))).toBe(code);
  });

  it('201 and 900 with details per code', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const phone = await scene.online(ann, habits);
    const some = await phone.say(verify(user(bea, GHOST), elements('Domain', 'elsewhere.test')));
    expect(codeOf(some)).toBe(201);
    expect(detailsOf(some).toSorted()).toEqual(['516 elsewhere.test', `531 ${GHOST}`]);
    const none = await phone.say(verify(user(GHOST), elements('Domain', 'elsewhere.test')));
    expect(codeOf(none)).toBe(900);
  });

  it('looks for groups and screen names at their home', async () => {
    const phone = await scene.online(await scene.person('ann'), habits);
    far.reply = () => ({
      primitive: 'GetJoinedUsersResponse',
      result: OK,
      joined: [{ screenName: 'Zoe' }],
    });
    expect(codeOf(await phone.say(verify(screenName('zoe', CLUB))))).toBe(200);
    const unknown = await phone.say(verify(screenName('Yan', CLUB)));
    expect([codeOf(unknown), texts(unknown.content, 'SName')]).toEqual([901, ['Yan']]);
    far.reply = () => status(result(800));
    expect(codeOf(await phone.say(verify(elements('GroupID', CLUB))))).toBe(800);
  });

  it('400 without a list, 402 for an empty one and for too many ids', async () => {
    const phone = await scene.online(await scene.person('ann'), habits);
    expect(codeOf(await phone.say('<VerifyID-Request/>'))).toBe(400);
    expect(codeOf(await phone.say(verify()))).toBe(402);
    const many = Array.from({ length: 11 }, (_, index) => `wv:u${index}@wv.test`);
    expect(codeOf(await phone.say(verify(user(...many))))).toBe(402);
  });

  it('506 for who did not agree to it', async () => {
    const phone = await scene.online(await scene.person('ann'), habits);
    const only = elements('Functions', '<WVCSPFeat><IMFeat/></WVCSPFeat>');
    await phone.say(elements('Service-Request', only));
    expect(codeOf(await phone.say(verify(user(GHOST))))).toBe(506);
  });
});

describe('VerifyID', () => {
  it('is not known in 1.1 (405)', async () => {
    const phone = await scene.online(await scene.person('ann'), VERSIONS[0][2]);
    expect(codeOf(await phone.say(verify(user(GHOST))))).toBe(405);
  });
});
