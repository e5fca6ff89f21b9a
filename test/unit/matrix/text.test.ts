import { describe, expect, it } from 'vitest';
import { textContent } from '../../../adapters/matrix/content-out.ts';
import { HomeserverError, notDelivered, resultOf } from '../../../adapters/matrix/errors.ts';
import { cleanName } from '../../../adapters/matrix/ghosts.ts';
import { sanitized } from '../../../adapters/matrix/html.ts';
import { fileOf, quotedIn, textOf, wordsOf } from '../../../adapters/matrix/text.ts';
import { result } from '../../../src/wv/status.ts';

type Fields = Readonly<Record<string, unknown>>;
const MESSAGE = 'm.room.message';
const HTML = 'org.matrix.custom.html';
const reply = { 'm.relates_to': { 'm.in_reply_to': { event_id: '$a' } } };

describe('Matrix content as text', () => {
  it.each<[string, object, string]>([
    ['text', { msgtype: 'm.text', body: 'hello' }, 'hello'],
    ['a notice', { msgtype: 'm.notice', body: 'beep' }, 'beep'],
    ['an emote', { msgtype: 'm.emote', body: 'waves' }, '* Dave waves'],
    [
      'HTML, by its body',
      { msgtype: 'm.text', body: '*b*', format: HTML, formatted_body: '<b>b</b>' },
      '*b*',
    ],
    [
      'HTML without a body, by its words',
      {
        msgtype: 'm.text',
        body: ' ',
        format: HTML,
        formatted_body: '<script>alert(1)</script><p>Tea &amp; <b>cake</b></p><p>at four</p>',
      },
      'Tea & cake\nat four',
    ],
    [
      'HTML of another format as nothing',
      { msgtype: 'm.text', body: '', format: 'x', formatted_body: '<b>x</b>' },
      '',
    ],
    [
      'an image',
      {
        msgtype: 'm.image',
        body: 'cat.png',
        url: 'mxc://a/b',
        info: { mimetype: 'image/png', size: 12_345 },
      },
      '[image: cat.png, image/png, 12 KiB]',
    ],
    [
      'a file with a caption',
      { msgtype: 'm.file', body: 'see this', filename: 'a.pdf' },
      '[file: a.pdf] see this',
    ],
    ['a file whose name is a path', { msgtype: 'm.file', body: '../../etc/"pass;wd"\n' }, '[file: passwd]'],
    [
      'a file with nonsense of information',
      { msgtype: 'm.audio', body: 7, info: { size: -1, mimetype: {} } },
      '[audio]',
    ],
    [
      'a location, with a map',
      { msgtype: 'm.location', body: 'here', geo_uri: 'geo:51.5,-0.1;u=35' },
      'location: geo:51.5,-0.1;u=35 https://www.openstreetmap.org/?mlat=51.5&mlon=-0.1',
    ],
    [
      'a location that is none',
      { msgtype: 'm.location', body: 'here', geo_uri: 'geo:a,b' },
      'location: geo:a,b',
    ],
    ['a location in words', { msgtype: 'm.location', body: 'at home' }, 'location: at home'],
    [
      'a reply, without the quotation',
      { msgtype: 'm.text', body: '> <@a:b> one\n> two\n\nmine', ...reply },
      'mine',
    ],
    [
      'a reply in HTML alone, without the quotation',
      {
        msgtype: 'm.text',
        body: '',
        format: HTML,
        formatted_body: '<mx-reply><blockquote>one</blockquote></mx-reply>mine',
        ...reply,
      },
      'mine',
    ],
    ['a quotation that is none', { msgtype: 'm.text', body: '> mine' }, '> mine'],
    ['an unknown kind, by its body', { msgtype: 'org.example.dice', body: 'rolled 6' }, 'rolled 6'],
    ['nothing', { msgtype: 'm.text', body: ' ' }, ''],
    ['no body', { msgtype: 'm.text' }, ''],
    ['a key verification', { msgtype: 'm.key.verification.request', body: 'x' }, ''],
    [
      'characters that XML cannot carry',
      { msgtype: 'm.text', body: 'a\u0000b\ud800c\ufffe\r\nd' },
      'ab\ufffdc\nd',
    ],
  ])('reads %s', (_what, content, text) => {
    expect(textOf(MESSAGE, content as Fields, 'Dave')).toBe(text);
  });

  it('names a sticker', () => {
    const sticker = { body: 'wave', info: { mimetype: 'image/webp' }, url: 'mxc://a/b' };
    expect(textOf('m.sticker', sticker, 'Dave')).toBe('[sticker: wave, image/webp]');
    expect(fileOf('m.sticker', sticker)).toMatchObject({ uri: 'mxc://a/b', caption: '' });
  });

  it('lists the answers of a poll, in the stable and the older form', () => {
    const stable = {
      'm.text': [{ body: 'Tea? 1. yes 2. no' }],
      'm.poll': {
        question: { 'm.text': [{ body: 'Tea?' }] },
        answers: [
          { 'm.id': 'a', 'm.text': [{ body: 'yes' }] },
          { 'm.id': 'b', 'm.text': [{ body: 'no' }] },
        ],
      },
    };
    const older = {
      'org.matrix.msc3381.poll.start': {
        question: { 'org.matrix.msc1767.text': 'Tea?' },
        answers: [
          { id: 'a', 'org.matrix.msc1767.text': 'yes' },
          { id: 'b', 'org.matrix.msc1767.text': 'no' },
        ],
      },
    };
    expect(wordsOf('m.poll.start', stable, '')).toBe('poll: Tea? (1) yes (2) no');
    expect(wordsOf('org.matrix.msc3381.poll.start', older, '')).toBe('poll: Tea? (1) yes (2) no');
    expect(wordsOf('m.poll.start', { 'm.poll': 7, 'm.text': [{ body: 'Tea?' }] }, '')).toBe('Tea?');
    expect(wordsOf('m.poll.end', { 'm.text': [{ body: 'yes won' }] }, '')).toBe('poll ended: yes won');
  });

  it.each([
    'mxc://a/../b',
    'mxc://a/b/c',
    'mxc:///b',
    'mxc://a',
    'https://a/b',
    'mxc://a b/c',
    'mxc://a/b?x',
    { url: 1 },
    null,
  ])('takes no file from %j', (url) => {
    expect(fileOf(MESSAGE, { msgtype: 'm.image', body: 'a.png', url })?.uri).toBeUndefined();
  });

  it('knows an encrypted file as one that cannot be had', () => {
    const file = { url: 'mxc://a/b', key: {}, iv: '', hashes: {} };
    expect(fileOf(MESSAGE, { msgtype: 'm.image', body: 'a.png', file })?.uri).toBeUndefined();
  });

  it('finds what a reply quotes itself', () => {
    expect(quotedIn({ body: '> <@a:b.c> one\n> two\n\nmine', ...reply })).toBe('one\ntwo');
    expect(quotedIn({ body: '> one\n\nmine' })).toBe('');
  });
});

describe('WV content as Matrix text', () => {
  it.each([
    [{ contentType: 'text/plain', encoding: 'none', data: 'hello' }, 'hello'],
    [{ contentType: '', encoding: 'none', data: 'hello' }, 'hello'],
    [{ contentType: 'Text/Plain; charset=utf-8', encoding: 'base64', data: 'w6k=' }, 'é'],
  ] as const)('writes %j', (content, body) => {
    expect(textContent(content)).toEqual({ msgtype: 'm.text', body });
  });

  it('keeps what is harmless in HTML', () => {
    const data = '<p onclick="x()">Tea <b>now</b> <a href="https://tea.example/?a=1&b=2">here</a></p>';
    expect(textContent({ contentType: 'text/html', encoding: 'none', data })).toEqual({
      msgtype: 'm.text',
      body: 'Tea now here',
      format: HTML,
      formatted_body: '<p>Tea <b>now</b> <a href="https://tea.example/?a=1&amp;b=2">here</a></p>',
    });
  });

  it.each([
    ['<script>alert(1)</script>x', 'x'],
    ['<style>b{}</style>x', 'x'],
    ['<img src=x onerror=alert(1)>x', 'x'],
    ['<a href="javascript:alert(1)">x</a>', '<a>x</a>'],
    ['<a href="JavaScript&#58;alert(1)">x</a>', '<a>x</a>'],
    ["<a href='https://a.example/\"onload=x'>x</a>", '<a>x</a>'],
    ['<b><i>x</b>y', '<b><i>x</i></b>y'],
    ['x</b></div>', 'x'],
    ['<b>x', '<b>x</b>'],
    ['a < b > c & d &lt;', 'a &lt; b &gt; c &amp; d &lt;'],
    ['<scr<script>ipt>alert(1)</script>', '&lt;scr'],
    ['<!-- x --><br/>y<!-- z', '<br>y'],
  ])('makes %j harmless', (html, harmless) => {
    expect(sanitized(html)).toBe(harmless);
  });

  it('takes time for hostile HTML as for any other', () => {
    const started = performance.now();
    for (const piece of ['<', '<a ', '<!--', '<b>', '<script', '&', '<a href="'])
      sanitized(piece.repeat(20_000));
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe('failures', () => {
  it.each([
    [0, 'ECONNREFUSED', 503],
    [401, 'M_UNKNOWN_TOKEN', 503],
    [403, 'M_FORBIDDEN', 410],
    [403, 'M_RESOURCE_LIMIT_EXCEEDED', 507],
    [404, 'M_NOT_FOUND', 531],
    [413, 'M_TOO_LARGE', 432],
    [429, 'M_LIMIT_EXCEEDED', 503],
    [500, 'M_UNKNOWN', 503],
    [502, 'M_UNKNOWN', 503],
    [507, 'M_UNKNOWN', 507],
    [418, 'M_UNKNOWN', 410],
  ])('calls %i %s %i', (status, errcode, code) => {
    expect(resultOf(new HomeserverError({ status, errcode })).code).toBe(code);
  });

  it('does not let a sender tell a block from absence', () => {
    const words = new Set(
      ([410, 532, 533, 534, 538] as const).map((code) => notDelivered(result(code, 'blocked'))),
    );
    expect([...words]).toEqual(['Not delivered: the recipient cannot be reached.']);
  });
});

describe('display names', () => {
  it('lose controls and direction overrides, and are cut by characters', () => {
    expect(cleanName(' Al\u202eice\u0007 ')).toBe('Alice');
    expect(cleanName('🙂'.repeat(200))).toBe('🙂'.repeat(100));
  });
});
