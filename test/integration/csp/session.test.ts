// Session and service access over the wire: csp-transactions section 1, with each of its status codes.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { child, childText } from '../../../src/wv/element.ts';
import { trusted, type UserAddress } from '../../../src/wv/ids.ts';
import { elements, sendMessage, subscribe, updatePresence, VERSIONS } from '../../support/csp-variants.ts';
import { android, digestFor } from '../../support/phone-messages.ts';
import { HABITS, type Heard } from '../../support/phone.ts';
import { eventually } from '../../support/eventually.ts';
import {
  attribute,
  codeOf,
  drain,
  named,
  pollOnly,
  startScene,
  texts,
  type Scene,
} from '../../support/phone-scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await startScene({
    config: {
      login: { userBurst: 3, userSeconds: 30, sourceBurst: 1000 },
      session: { perUser: 2 },
      provider: { name: 'Example IM', description: 'Chat', url: 'http://im.example/' },
      listen: { csp: { port: 0 }, cir: { tcp: { port: 0 } }, ops: { port: 0 } },
    },
  });
});
afterEach(() => scene.closePhones());
afterAll(() => scene.stop());

const login = (user: string, ...more: string[]): string =>
  elements('Login-Request', elements('UserID', user) + more.join('') + elements('SessionCookie', 'c'));
const client = (id: string): string => elements('ClientID', elements('URL', id));

describe.each(VERSIONS)('login in CSP %s (%s)', (_version, _encoding, habits) => {
  it('409 wrong password, 531 unknown user, foreign domain or no address at all', async () => {
    const user = await scene.person();
    const phone = scene.phone(habits);
    const password = elements('Password', 'sesame');
    expect(codeOf(await phone.say(login(user, elements('Password', 'wrong'))))).toBe(409);
    for (const stranger of ['wv:ghost@wv.test', user.replace('wv.test', 'elsewhere.test'), 'wv:a@b@c'])
      expect(codeOf(await phone.say(login(stranger, password)))).toBe(531);
    expect(codeOf(await phone.say(login(user, password)))).toBe(200);
  });

  it('543 when no offered digest schema can be used', async () => {
    const user = await scene.person();
    const heard = await scene.phone(habits).say(login(user, elements('DigestSchema', 'MD6')));
    expect(heard.content?.name).toBe('Login-Response');
    expect(codeOf(heard)).toBe(543);
  });

  it('402 without password and schema, 400 without UserID', async () => {
    const user = await scene.person();
    const phone = scene.phone(habits);
    expect(codeOf(await phone.say(login(user)))).toBe(402);
    expect(codeOf(await phone.say('<Login-Request><Password>x</Password></Login-Request>'))).toBe(400);
  });

  it('403 for an account that is not active', async () => {
    const user = await scene.person();
    await scene.house.house.store.setProfile(trusted<UserAddress>(user), { active: false });
    expect(codeOf(await scene.phone(habits).say(login(user, elements('Password', 'sesame'))))).toBe(403);
  });

  it('503 after too many wrong passwords, until time has passed', async () => {
    const user = await scene.person();
    const phone = scene.phone(habits);
    for (let i = 0; i < 3; i++)
      expect(codeOf(await phone.say(login(user, elements('Password', 'wrong'))))).toBe(409);
    expect(codeOf(await phone.say(login(user, elements('Password', 'sesame'))))).toBe(503);
    scene.clock.advance(31_000);
    expect(codeOf(await phone.say(login(user, elements('Password', 'sesame'))))).toBe(200);
  });

  it('a nonce is good for one try and for two minutes', async () => {
    const user = await scene.person();
    const phone = scene.phone(habits);
    const challenge = async () => (await phone.say(login(user, elements('DigestSchema', 'MD5')))).content;
    const right = login(user, elements('DigestBytes', digestFor(await challenge(), 'sesame')));
    expect(codeOf(await phone.say(right))).toBe(200);
    expect(codeOf(await phone.say(right))).toBe(409);
    const late = login(user, elements('DigestBytes', digestFor(await challenge(), 'sesame')));
    scene.clock.advance(121_000);
    expect(codeOf(await phone.say(late))).toBe(409);
  });

  it('the same client replaces its session (604 for the old one); one too many ends the oldest (601)', async () => {
    const user = await scene.person();
    const first = await scene.online(user, habits, { clientId: client('one') });
    const again = await scene.online(user, habits, { clientId: client('one') });
    expect(codeOf(await first.say(android.keepAlive()))).toBe(604);
    await scene.online(user, habits, { clientId: client('two') });
    expect(codeOf(await again.say(android.keepAlive()))).toBe(200);
    await scene.online(user, habits, { clientId: client('three') });
    expect(codeOf(await again.say(android.keepAlive()))).toBe(601);
  });
});

describe.each(VERSIONS)('session in CSP %s (%s)', (version, _encoding, habits) => {
  it('604 for a session nobody knows, and for requests without one', async () => {
    const phone = scene.phone(habits);
    for (const sessionId of ['nobody', '']) {
      const heard = await phone.say(android.getList(), { sessionId });
      expect(heard.content?.name).toBe('Status');
      expect(codeOf(heard)).toBe(604);
      expect(codeOf(await phone.say('<Polling-Request/>', { sessionId }))).toBe(604);
    }
  });

  it('600 after KeepAliveTime without traffic; any traffic begins it anew', async () => {
    const phone = await scene.online(await scene.person(), habits);
    expect(codeOf(await phone.say(elements('KeepAlive-Request', elements('TimeToLive', '100'))))).toBe(200);
    for (let i = 0; i < 3; i++) {
      scene.clock.advance(90_000);
      expect((await pollOnly(phone)).body).toHaveLength(0);
    }
    scene.clock.advance(110_000);
    expect(codeOf(await phone.say(android.keepAlive()))).toBe(600);
    expect(codeOf(await pollOnly(phone))).toBe(600);
  });

  it('605 with the valid KeepAliveTime when another one is not granted', async () => {
    const phone = await scene.online(await scene.person(), habits);
    const ask = (seconds: string) =>
      phone.say(elements('KeepAlive-Request', elements('TimeToLive', seconds)));
    const granted = await ask('900');
    expect([codeOf(granted), childText(granted.content, 'KeepAliveTime')]).toEqual([200, '900']);
    const tooShort = await ask('1');
    expect([codeOf(tooShort), childText(tooShort.content, 'KeepAliveTime')]).toEqual([605, '60']);
    const tooLong = await ask('999999');
    expect([codeOf(tooLong), childText(tooLong.content, 'KeepAliveTime')]).toEqual([605, '86400']);
    expect(codeOf(await phone.say(android.keepAlive()))).toBe(200);
  });

  it('402 for a value that is none, 400 for a missing element, 501 and 405 for what is not served', async () => {
    const phone = await scene.online(await scene.person(), habits);
    const codes = async (request: string) => codeOf(await phone.say(request));
    expect(await codes(elements('SubscribePresence-Request', elements('AutoSubscribe', 'maybe')))).toBe(402);
    expect(await codes('<GetMessage-Request/>')).toBe(400);
    expect(await codes('<GetMap-Request/>')).toBe(501);
    if (habits.encoding === 'xml') expect(await codes('<Teleport-Request/>')).toBe(405);
  });

  it('506 for a function that was not agreed, until it is negotiated again', async () => {
    const phone = await scene.online(await scene.person(), habits);
    const negotiate = (features: string) =>
      phone.say(
        elements(
          'Service-Request',
          elements('Functions', elements('WVCSPFeat', features)) + elements('AllFunctionsRequest', 'F'),
        ),
      );
    const only = '<PresenceFeat><ContListFunc><GCLI/></ContListFunc></PresenceFeat>';
    const heard = await negotiate(only);
    // An empty tree would deny everything.
    expect(child(heard.content, 'Functions')).toBeUndefined();
    expect(child(heard.content, 'AllFunctions')).toBeUndefined();
    expect(codeOf(await phone.say(android.getBlockedList()))).toBe(506);
    expect((await phone.say(android.getList())).content?.name).toBe('GetList-Response');
    await negotiate('<FundamentalFeat/><PresenceFeat/><IMFeat/>');
    expect((await phone.say(android.getBlockedList())).content?.name).toBe('GetBlockedList-Response');
  });

  it('a Service-Request with nonsense in its ClientID is not answered with that nonsense', async () => {
    const phone = await scene.online(await scene.person(), habits);
    const odd = elements('ClientID', elements('URL', 'me') + '<Value>x</Value>');
    const { content } = await phone.say(elements('Service-Request', odd));
    const echo = child(content, 'ClientID');
    expect(echo?.children.map(({ name, text }) => [name, text])).toEqual(
      habits.version === '1.1' ? [['URL', 'me']] : undefined,
    );
  });

  it('Functions lists what was asked for and is not to be had', async () => {
    const someone = trusted<UserAddress>(await scene.person());
    await scene.house.house.store.setProfile(someone, { services: ['presence', 'im'] });
    const phone = await scene.online(someone, habits);
    const ask = '<FundamentalFeat><SearchFunc/></FundamentalFeat><IMFeat><IMSendFunc/></IMFeat>';
    const request = elements('Service-Request', elements('Functions', elements('WVCSPFeat', ask)));
    const denied = child(child((await phone.say(request)).content, 'Functions'), 'WVCSPFeat');
    expect(child(child(denied, 'FundamentalFeat'), 'SearchFunc')).toBeDefined();
    expect(child(child(child(denied, 'IMFeat'), 'IMSendFunc'), 'MDELIV')).toBeUndefined();
    expect(child(denied, 'PresenceFeat')).toBeUndefined();
  });

  it('GetSPInfo tells who provides the service, in a session and without', async () => {
    const request = elements('GetSPInfo-Request', client('me'));
    const inside = await (await scene.online(await scene.person(), habits)).say(request);
    const outside = await scene.phone(habits).say(request);
    for (const { content } of [inside, outside]) {
      expect(content?.name).toBe('GetSPInfo-Response');
      expect(content?.children.map(({ name }) => name)).toEqual(['ClientID', 'Name', 'Description', 'URL']);
      expect(childText(content, 'Name')).toBe('Example IM');
    }
  });

  it('Logout ends presence and answers in the way of its version', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const publisher = await scene.online(ann, habits);
    await publisher.say(android.authorize(bea, true));
    const watcher = await scene.online(bea, HABITS.android);
    await watcher.say(subscribe(ann));
    await drain(watcher);
    const heard = await publisher.say(android.logout());
    expect(heard.content?.name).toBe(version === '1.1' ? 'Disconnect' : 'Status');
    expect(codeOf(heard)).toBe(200);
    expect(attribute(named(await drain(watcher), 'PresenceNotification-Request'), ann, 'OnlineStatus')).toBe(
      'F',
    );
  });

  it('several transactions of one message are answered together, in order', async () => {
    const user = await scene.person();
    const phone = await scene.online(user, habits);
    const both = [android.getList(), android.getBlockedList()].map((primitive, at) => {
      const document = phone.document(primitive, { id: `m${at}` });
      return document.slice(document.indexOf('<Transaction>'), document.indexOf('</Session>'));
    });
    const document = phone.document(android.keepAlive());
    const cut = document.indexOf('<Transaction>');
    const heard = await phone.post(`${document.slice(0, cut)}${both.join('')}${document.slice(cut)}`);
    expect(heard.transactions.map(({ content }) => content?.name)).toEqual([
      'GetList-Response',
      'GetBlockedList-Response',
      'KeepAlive-Response',
    ]);
    expect(heard.transactions.slice(0, 2).map(({ id }) => id)).toEqual(['m0', 'm1']);
  });

  it('a Disconnect of the client ends the session', async () => {
    const phone = await scene.online(await scene.person(), habits);
    const request = elements('Disconnect', elements('Result', elements('Code', '200')));
    expect(codeOf(await phone.say(request))).toBe(200);
    expect(codeOf(await phone.say(android.keepAlive()))).toBe(604);
  });

  it('expiry shows the user offline to those who watch', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const publisher = await scene.online(ann, habits);
    await publisher.say(android.authorize(bea, true));
    await publisher.say(elements('KeepAlive-Request', elements('TimeToLive', '100')));
    const watcher = await scene.online(bea, HABITS.android);
    await watcher.say(subscribe(ann));
    await drain(watcher);
    scene.clock.advance(120_000);
    const told = await eventually('the watcher hears of it', async () =>
      named(await drain(watcher), 'PresenceNotification-Request'),
    );
    expect(attribute(told, ann, 'OnlineStatus')).toBe('F');
  });

  it('survives a restart: session, negotiation, subscriptions, published attributes', async () => {
    const own = await startScene();
    try {
      const [ann, bea] = await own.people('ann', 'bea');
      const publisher = await own.online(ann, habits, { capability: android.capability() });
      await publisher.say(android.authorize(bea, true));
      await publisher.say(
        updatePresence(version, { StatusText: 'still here', UserAvailability: 'DISCREET' }),
      );
      const watcher = await own.online(bea, habits);
      await watcher.say(subscribe(ann));
      await watcher.say(
        elements('Service-Request', elements('Functions', '<WVCSPFeat><IMFeat/></WVCSPFeat>')),
      );
      await drain(watcher);
      await own.restart();
      const [publisherAgain, watcherAgain] = [own.again(publisher), own.again(watcher)];
      const back = named(await drain(watcherAgain), 'PresenceNotification-Request');
      expect(attribute(back, ann, 'StatusText')).toBe('still here');
      expect(codeOf(await watcherAgain.say(android.getList()))).toBe(506);
      await publisherAgain.say(updatePresence(version, { StatusText: 'and talking' }));
      const news = named(await drain(watcherAgain), 'PresenceNotification-Request');
      expect(attribute(news, ann, 'StatusText')).toBe('and talking');
      expect(codeOf(await watcherAgain.say(sendMessage('hi', [ann])))).toBe(200);
      expect(await drain(publisherAgain)).toHaveLength(1);
    } finally {
      await own.stop();
    }
  });
});

describe('version discovery', () => {
  it.each(['WV-CSP-NSDiscovery-Request', 'WV-CSP-VersionDiscovery-Request'])(
    '%s at the root names the three versions',
    async (name) => {
      const phone = scene.phone(HABITS.android);
      const heard: Heard = await phone.post(`<${name}/>`);
      expect(heard.root?.name).toBe(name.replace('Request', 'Response'));
      expect(texts(heard.root, 'SessionNSName')).toHaveLength(3);
    },
  );

  it.each(VERSIONS)('stands in an envelope of CSP %s (%s) too', async (_version, encoding, habits) => {
    const names = ['WV-CSP-NSDiscovery-Request', 'WV-CSP-VersionDiscovery-Request'];
    // They are one token in WBXML.
    for (const name of encoding === 'xml' ? names : names.slice(0, 1)) {
      const heard = await scene.phone(habits).say(`<${name}/>`);
      expect(heard.content?.name).toBe(name.replace('Request', 'Response'));
      for (const kind of ['SessionNSName', 'TransactionNSName', 'PresenceAttributeNSName'])
        expect(texts(heard.content, kind)).toHaveLength(3);
    }
  });

  it('in WBXML stands at the root', async () => {
    const heard = await scene.phone(HABITS.androidWbxml).post('<WV-CSP-NSDiscovery-Request/>');
    expect(heard.root?.name).toBe('WV-CSP-NSDiscovery-Response');
    expect(texts(heard.root, 'TransactionNSName')).toHaveLength(3);
  });

  it('is answered in a session, and to a client of a version that is not served', async () => {
    const phone = await scene.online(await scene.person(), HABITS.android);
    const inside = await phone.say('<WV-CSP-NSDiscovery-Request><VersionList/></WV-CSP-NSDiscovery-Request>');
    expect(inside.content?.name).toBe('WV-CSP-NSDiscovery-Response');
    const future = 'http://www.openmobilealliance.org/DTD/IMPS-CSP2.0';
    const heard = await phone.post(`<WV-CSP-NSDiscovery-Request xmlns="${future}"/>`);
    expect(heard.root?.name).toBe('WV-CSP-NSDiscovery-Response');
  });
});
