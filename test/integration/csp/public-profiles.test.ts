// Public profiles over the wire: csp-transactions section 11.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { childText } from '../../../src/wv/element.ts';
import { elements, property } from '../../support/csp-variants.ts';
import { all, codeOf, detailsOf, startScene, type Scene } from '../../support/phone-scene.ts';
import { HABITS, type Habits, type Heard } from '../../support/phone.ts';

/** They came with 1.3, whose tokens both encodings have. */
const VARIANTS = [
  ['xml', { ...HABITS.android, version: '1.3' }],
  ['wbxml', { ...HABITS.androidWbxml, version: '1.3' }],
] as const satisfies readonly (readonly [string, Habits])[];

let scene: Scene;
beforeAll(async () => {
  scene = await startScene();
});
afterEach(() => scene.closePhones());
afterAll(() => scene.stop());

const get = (...users: readonly string[]): string =>
  elements('GetPublicProfile-Request', elements('UserID', ...users));
const update = (
  values: Readonly<Record<string, string>>,
  more: { clear?: boolean; user?: string } = {},
): string =>
  elements(
    'UpdatePublicProfile-Request',
    (more.clear === undefined ? '' : elements('ClearPublicProfile', more.clear ? 'T' : 'F')) +
      elements(
        'PublicProfile',
        (more.user === undefined ? '' : elements('UserID', more.user)) +
          Object.entries(values)
            .map(([name, value]) => property(name, value))
            .join(''),
      ),
  );
const told = ({ content }: Heard): Record<string, Record<string, string>> =>
  Object.fromEntries(
    all(content, 'PublicProfile').map((profile) => [
      childText(profile, 'UserID'),
      Object.fromEntries(
        all(profile, 'Property').map((each) => [childText(each, 'Name'), childText(each, 'Value')]),
      ),
    ]),
  );

describe.each(VARIANTS)('public profiles in CSP 1.3 (%s)', (_encoding, habits) => {
  it('are updated by their owner and seen by others; an empty value removes, Clear removes all', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const owner = await scene.online(ann, habits);
    const other = await scene.online(bea, habits);
    expect(codeOf(await owner.say(update({ PP_AGE: '30', PP_CITY: 'Malmö', PP_GENDER: 'F' })))).toBe(200);
    const heard = await other.say(get(ann, bea));
    expect(codeOf(heard)).toBe(200);
    expect(told(heard)).toEqual({ [ann]: { PP_AGE: '30', PP_CITY: 'Malmö', PP_GENDER: 'F' }, [bea]: {} });
    expect(codeOf(await owner.say(update({ PP_AGE: '', PP_CITY: 'Oslo' }, { user: ann })))).toBe(200);
    expect(told(await other.say(get(ann)))).toEqual({ [ann]: { PP_CITY: 'Oslo', PP_GENDER: 'F' } });
    expect(codeOf(await owner.say(update({ PP_INTENTION: 'chat' }, { clear: true })))).toBe(200);
    expect(told(await other.say(get(ann)))).toEqual({ [ann]: { PP_INTENTION: 'chat' } });
    expect(
      codeOf(
        await owner.say(
          '<UpdatePublicProfile-Request><ClearPublicProfile>T</ClearPublicProfile></UpdatePublicProfile-Request>',
        ),
      ),
    ).toBe(200);
    expect(told(await other.say(get(ann)))).toEqual({ [ann]: {} });
  });

  it('702 for a property or value that cannot be; nothing changes then', async () => {
    const ann = await scene.person('ann');
    const owner = await scene.online(ann, habits);
    await owner.say(update({ PP_CITY: 'Oslo' }));
    for (const wrong of [
      { PP_SHOE: '42' },
      { PP_AGE: 'old' },
      { PP_AGE: '151' },
      { PP_MARITAL_STATUS: 'happy' },
      { PP_FREE_TEXT: 'x'.repeat(201) },
      { constructor: 'x' },
    ]) {
      const values = { PP_CITY: 'Rome', ...wrong } as Record<string, string>;
      expect([values, codeOf(await owner.say(update(values, { clear: true })))]).toEqual([values, 702]);
    }
    expect(told(await owner.say(get(ann)))).toEqual({ [ann]: { PP_CITY: 'Oslo' } });
  });

  it('403 for the profile of another, 901 for no address, 402 for no profile', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const owner = await scene.online(ann, habits);
    expect(codeOf(await owner.say(update({ PP_CITY: 'Oslo' }, { user: bea })))).toBe(403);
    expect(codeOf(await owner.say(update({ PP_CITY: 'Oslo' }, { user: 'wv:a@b@c' })))).toBe(901);
    expect(codeOf(await owner.say('<UpdatePublicProfile-Request/>'))).toBe(402);
  });

  it('531 for unknown users, 516 for other domains, 901 for no address; 201 beside found ones; 402 for nobody', async () => {
    const ann = await scene.person('ann');
    const phone = await scene.online(ann, habits);
    expect(codeOf(await phone.say(get('wv:nobody@wv.test')))).toBe(531);
    expect(codeOf(await phone.say(get('wv:bob@far.test')))).toBe(516);
    expect(codeOf(await phone.say(get('wv:a@b@c')))).toBe(901);
    expect(codeOf(await phone.say(get('wv:nobody@wv.test', 'wv:bob@far.test')))).toBe(900);
    const mixed = await phone.say(get(ann, 'wv:nobody@wv.test', 'wv:bob@far.test'));
    expect(codeOf(mixed)).toBe(201);
    expect(detailsOf(mixed)).toEqual(['531 wv:nobody@wv.test', '516 far.test']);
    expect(told(mixed)).toEqual({ [ann]: {} });
    expect(codeOf(await phone.say('<GetPublicProfile-Request/>'))).toBe(402);
    const many = Array.from({ length: 1001 }, (_, n) => `wv:user${n}@wv.test`);
    expect(codeOf(await phone.say(get(...many)))).toBe(402);
  });
});
