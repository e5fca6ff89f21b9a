// The limit of all sessions (session.max): who is told 503, and who is not.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { VERSIONS } from '../../support/csp-variants.ts';
import { android } from '../../support/phone-messages.ts';
import { codeOf, startScene, type Scene } from '../../support/phone-scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await startScene({ config: { session: { max: 1 } } });
});
afterEach(() => scene.closePhones());
afterAll(() => scene.stop());

describe.each(VERSIONS)('a full server in CSP %s (%s)', (_version, _encoding, habits) => {
  it('tells 503 only to who proved who he is, and lets a client replace its own session', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const inside = await scene.online(ann, habits);
    const { clientId } = habits;
    const other = scene.phone(habits);
    expect(codeOf(await other.say(android.login(bea, 'wrong', clientId)))).toBe(409);
    expect(codeOf(await other.say(android.login('wv:ghost@wv.test', 'x', clientId)))).toBe(531);
    expect(codeOf(await other.say(android.login(bea, 'sesame', clientId)))).toBe(503);
    const second = '<ClientID><URL>second</URL></ClientID>';
    expect(codeOf(await other.say(android.login(ann, 'sesame', second)))).toBe(503);
    const again = await scene.online(ann, habits);
    expect(codeOf(await inside.say(android.keepAlive()))).toBe(604);
    expect(codeOf(await again.say(android.logout()))).toBe(200);
    expect(codeOf(await other.say(android.login(bea, 'sesame', clientId)))).toBe(200);
    await other.say(android.logout());
  });
});
