// What real phones need at log-in and session start: client-quirks section 3, row by row.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { child, childText } from '../../../src/wv/element.ts';
import { ANDROIDS } from '../../support/csp-variants.ts';
import { android, digestFor, movistar, s60 } from '../../support/phone-messages.ts';
import { HABITS } from '../../support/phone.ts';
import {
  all,
  attribute,
  codeOf,
  drain,
  pollOnly,
  startScene,
  texts,
  type Scene,
} from '../../support/phone-scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await startScene();
});
afterEach(() => scene.closePhones());
afterAll(() => scene.stop());

const names = (parent: { readonly children: readonly { readonly name: string }[] } | undefined): string[] =>
  (parent?.children ?? []).map(({ name }) => name);

function loginRequest(parts: Readonly<Record<string, string | readonly string[]>>): string {
  const inner = Object.entries(parts)
    .flatMap(([name, value]) => [value].flat().map((text) => `<${name}>${text}</${name}>`))
    .join('');
  return `<Login-Request>${inner}</Login-Request>`;
}

describe.each(ANDROIDS)('login in CSP %s in %s', (version, _encoding, habits) => {
  it('[A,S] follows the order of all clients: login, capability, service, own presence, lists', async () => {
    const user = await scene.person();
    const phone = await scene.online(user, habits);
    const steps: [string, string][] = [
      [android.capability(), 'ClientCapability-Response'],
      [android.service(), 'Service-Response'],
      [android.ownPresence(user), 'GetPresence-Response'],
      [android.updateClientInfo(version), 'Status'],
      [android.getBlockedList(), 'GetBlockedList-Response'],
      [android.getList(), 'GetList-Response'],
    ];
    for (const [request, answer] of steps) {
      const heard = await phone.say(request);
      expect(heard.content?.name).toBe(answer);
      expect([0, 200]).toContain(codeOf(heard));
    }
  });

  it('MUST [A] has SessionID, KeepAliveTime and CapabilityRequest inside Login-Response, ClientID first', async () => {
    const phone = await scene.online(await scene.person(), habits);
    const [heard] = phone.heard;
    expect(heard?.content?.name).toBe('Login-Response');
    expect(names(heard?.content)).toEqual([
      'ClientID',
      'Result',
      'SessionID',
      'KeepAliveTime',
      'CapabilityRequest',
    ]);
    expect(childText(heard?.content, 'CapabilityRequest')).toBe('T');
    expect(childText(heard?.content, 'KeepAliveTime')).toBe('7205');
  });

  it('[J,M] has the literal <SessionID> once, in Login-Response', async () => {
    const phone = await scene.online(await scene.person(), habits);
    expect(phone.heard[0]?.xml.match(/<SessionID>/g)).toHaveLength(1);
  });

  it.each(['MD5', 'SHA'])(
    'MUST [A,S] 4-way login with %s: 401, Nonce and one DigestSchema',
    async (schema) => {
      const user = await scene.person();
      const phone = scene.phone(habits);
      const about = { UserID: user, SessionCookie: 'c', TimeToLive: '7205' };
      const challenge = await phone.say(loginRequest({ ...about, DigestSchema: schema }), { id: '1' });
      expect(codeOf(challenge)).toBe(401);
      expect(texts(challenge.content, 'DigestSchema')).toEqual([schema]);
      expect(all(challenge.content, 'SessionID')).toEqual([]);
      const digest = digestFor(challenge.content, 'sesame');
      const second = await phone.say(loginRequest({ ...about, DigestBytes: digest }), { id: '1' });
      expect(codeOf(second)).toBe(200);
      expect(second.transactions[0]?.id).toBe('1');
      expect(second.xml).toContain('<SessionType>Outband</SessionType>');
      expect(codeOf(await phone.say(android.keepAlive()))).toBe(200);
    },
  );

  it('MUST [A] offered MD5 and SHA: the challenge names exactly one of them', async () => {
    const phone = scene.phone(habits);
    const user = await scene.person();
    const challenge = await phone.say(android.loginChallenge(user, habits.clientId));
    expect(texts(challenge.content, 'DigestSchema')).toHaveLength(1);
    expect(['MD5', 'SHA']).toContain(childText(challenge.content, 'DigestSchema'));
  });

  it('[A,C] tells a wrong password 409 and an unknown user 531, never 401', async () => {
    const user = await scene.person();
    const phone = scene.phone(habits);
    expect(codeOf(await phone.say(android.login(user, 'wrong', habits.clientId)))).toBe(409);
    expect(codeOf(await phone.say(android.login('wv:ghost@wv.test', 'sesame', habits.clientId)))).toBe(531);
    const challenge = await phone.say(android.loginChallenge(user, habits.clientId));
    const bad = digestFor(challenge.content, 'wrong');
    expect(codeOf(await phone.say(android.loginDigest(user, habits.clientId, bad)))).toBe(409);
  });

  it('[A] takes a UserID without wv:, without domain and in any case', async () => {
    const user = await scene.person('Ann');
    const bare = user.slice(3);
    for (const typed of [
      bare,
      bare.replace(/@.*/, ''),
      bare.toUpperCase(),
      ` ${user} `,
      user.toUpperCase(),
    ]) {
      const phone = scene.phone(habits);
      expect(codeOf(await phone.say(android.login(typed, 'sesame', habits.clientId)))).toBe(200);
      const heard = await phone.say(android.ownPresence(typed.trim()));
      expect(texts(heard.content, 'UserID')).toEqual([user]);
    }
  });

  it('[A] keeps the KeepAliveTime that was asked for, and never one of 5 s or less', async () => {
    const user = await scene.person();
    const granted = async (TimeToLive: string) => {
      const request = loginRequest({ UserID: user, Password: 'sesame', TimeToLive, SessionCookie: 'c' });
      return childText((await scene.phone(habits).say(request)).content, 'KeepAliveTime');
    };
    expect(await granted('7205')).toBe('7205');
    expect(await granted('3600')).toBe('3600');
    expect(Number(await granted('1'))).toBeGreaterThan(5);
  });

  it('[A] lets a second client of the same user in beside the first', async () => {
    const user = await scene.person();
    const first = await scene.online(user, habits);
    const second = await scene.online(user, habits, { clientId: '<ClientID><URL>another</URL></ClientID>' });
    for (const phone of [first, second]) expect(codeOf(await phone.say(android.keepAlive()))).toBe(200);
  });

  it('[A] a later poll on the dead session gets 604', async () => {
    const phone = await scene.online(await scene.person(), habits);
    const logout = await phone.say(android.logout());
    expect(logout.content?.name).toBe(version === '1.1' ? 'Disconnect' : 'Status');
    expect(codeOf(logout)).toBe(200);
    const late = await pollOnly(phone);
    expect(late.content?.name).toBe('Status');
    expect(codeOf(late)).toBe(604);
  });

  it('MUST [A] the first child of ClientCapability-Response is the list, if the request had no ClientID', async () => {
    const phone = await scene.online(await scene.person(), habits);
    const { content } = await phone.say(android.capability());
    const list = version === '1.1' ? 'CapabilityList' : 'AgreedCapabilityList';
    expect(content?.children[0]?.name).toBe(list);
    expect(names(content)).not.toContain('ClientID');
    expect(texts(content, 'SupportedCIRMethod')).toEqual(['STCP']);
    const stcp = scene.house.house.addresses.stcp;
    expect(texts(content, 'TCPAddress')).toEqual([stcp?.host]);
    expect(texts(content, 'TCPPort')).toEqual([String(stcp?.port)]);
  });

  it('[S] echoes ClientID in the capability answer of 1.1 when it was sent, never later', async () => {
    const phone = await scene.online(await scene.person(), habits);
    const { content } = await phone.say(s60.capability(habits.clientId));
    expect(names(content).includes('ClientID')).toBe(version === '1.1');
    expect(content?.children.at(-1)?.name).toBe(
      version === '1.1' ? 'CapabilityList' : 'AgreedCapabilityList',
    );
  });

  it('MUST [A] offers no CIR method that it has not, so that the client falls back to polling', async () => {
    const phone = await scene.online(await scene.person(), habits);
    const { content } = await phone.say(android.capability('SHTTP'));
    for (const name of ['SupportedCIRMethod', 'TCPAddress', 'TCPPort', 'CIRURL', 'CIRHTTPAddress'])
      expect(texts(content, name)).toEqual([]);
    expect(Number(texts(content, 'ServerPollMin')[0])).toBeLessThanOrEqual(30);
  });

  it('MUST [A] Service-Response has AllFunctions with WVCSPFeat when asked', async () => {
    const phone = await scene.online(await scene.person(), habits);
    const { content } = await phone.say(android.service());
    const everything = child(child(content, 'AllFunctions'), 'WVCSPFeat');
    expect(names(everything)).toEqual(['FundamentalFeat', 'PresenceFeat', 'IMFeat', 'GroupFeat']);
    // Functions lists what is not to be had; an empty tree would say that nothing is.
    const denied = child(content, 'Functions');
    if (version === '1.3') expect(names(child(denied, 'WVCSPFeat'))).toContain('FundamentalFeat');
    else expect(denied).toBeUndefined();
  });

  it('MUST [A,C] own presence has a PresenceSubList, and an Alias even before any was set', async () => {
    const user = await scene.person('Carmen');
    const phone = await scene.online(user, habits);
    const { content } = await phone.say(android.ownPresence(user));
    expect(codeOf(phone.heard.at(-1) ?? (await pollOnly(phone)))).toBe(200);
    expect(all(content, 'PresenceSubList')).toHaveLength(1);
    expect(attribute(content, user, 'Alias')).toBe(user.slice(3, user.indexOf('@')));
  });
});

describe('login', () => {
  it('[S] takes the DigestSchema of 1.1 with commas in one element', async () => {
    const user = await scene.person();
    const phone = scene.phone(HABITS.s60);
    const challenge = await phone.say(
      loginRequest({ UserID: user, SessionCookie: 'c', DigestSchema: 'PWD,SHA,MD4,MD5,MD6' }),
    );
    expect(codeOf(challenge)).toBe(401);
    expect(['SHA', 'MD5']).toContain(childText(challenge.content, 'DigestSchema'));
  });

  it('[S] S60 logs in by its own order of elements', async () => {
    const user = await scene.person();
    const phone = scene.phone(HABITS.s60);
    const heard = await phone.say(s60.login(user, 'sesame', HABITS.s60.clientId));
    expect(codeOf(heard)).toBe(200);
    expect(childText(heard.content, 'KeepAliveTime')).toBe('3600');
    expect((await phone.say(s60.service(HABITS.s60.clientId))).content?.name).toBe('Service-Response');
  });

  it('[I] keeps a RAZR that asks for a short idle time, at the shortest one granted', async () => {
    const phone = await scene.online(await scene.person(), HABITS.razr);
    const heard = await phone.say('<KeepAlive-Request><TimeToLive>10</TimeToLive></KeepAlive-Request>');
    expect(heard.content?.name).toBe('KeepAlive-Response');
    expect(Number(childText(heard.content, 'KeepAliveTime'))).toBeGreaterThan(5);
  });

  it('MUST [A] an unoffered STCP is not offered either where the server has none', async () => {
    const deaf = await startScene({ config: { listen: { csp: { port: 0 }, ops: { port: 0 } } } });
    try {
      const phone = await deaf.online(await deaf.person(), HABITS.android);
      const { content } = await phone.say(android.capability());
      for (const name of ['SupportedCIRMethod', 'TCPAddress', 'TCPPort'])
        expect(texts(content, name)).toEqual([]);
    } finally {
      await deaf.stop();
    }
  });

  it('MUST [C,M] the first PresenceValue that a Movistar client hears about itself is its Alias', async () => {
    const user = await scene.person('Maria');
    const phone = await scene.online(user, HABITS.movistarCsharp);
    const { content } = await phone.say(movistar.ownPresence(user));
    expect(texts(content, 'PresenceValue')[0]).toBe(user.slice(3, user.indexOf('@')));
    expect(attribute(content, user, 'OnlineStatus')).toBe('T');
  });

  it('[C] logs out with a 2xx', async () => {
    const phone = await scene.online(await scene.person(), HABITS.movistarCsharp);
    expect(codeOf(await phone.say(movistar.logout()))).toBe(200);
  });

  it('TOLERATE [P,H,C,J] an empty TransactionID in polls', async () => {
    const phone = await scene.online(await scene.person(), HABITS.movistarPython);
    expect(await drain(phone)).toEqual([]);
    expect((await pollOnly(phone)).status).toBe(200);
  });
});
