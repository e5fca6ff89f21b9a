import { describe, expect, it } from 'vitest';
import { HomeserverError, notDelivered, resultOf } from '../../../adapters/matrix/errors.ts';
import { cleanName } from '../../../adapters/matrix/ghosts.ts';
import { editOf, matrixContent, stickerText, textOf } from '../../../adapters/matrix/text.ts';
import { result } from '../../../src/wv/status.ts';

describe('Matrix content as text', () => {
  it.each<[string, object, string | undefined]>([
    ['text', { msgtype: 'm.text', body: 'hello' }, 'hello'],
    ['a notice', { msgtype: 'm.notice', body: 'beep' }, 'beep'],
    ['an emote', { msgtype: 'm.emote', body: 'waves' }, '* Dave waves'],
    ['HTML, by its body', { msgtype: 'm.text', body: 'bold', formatted_body: '<b>bold</b>' }, 'bold'],
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
    ['a file with a caption', { msgtype: 'm.file', body: 'see this', filename: 'a.pdf' }, '[file: a.pdf]'],
    [
      'a location',
      { msgtype: 'm.location', body: 'here', geo_uri: 'geo:51.5,-0.1' },
      'location: geo:51.5,-0.1',
    ],
    [
      'a reply, without the quotation',
      {
        msgtype: 'm.text',
        body: '> <@a:b> one\n> two\n\nmine',
        'm.relates_to': { 'm.in_reply_to': { event_id: '$a' } },
      },
      'mine',
    ],
    ['a quotation that is none', { msgtype: 'm.text', body: '> mine' }, '> mine'],
    ['nothing', { msgtype: 'm.text', body: ' ' }, undefined],
    ['no body', { msgtype: 'm.text' }, undefined],
    ['a key verification', { msgtype: 'm.key.verification.request', body: 'x' }, undefined],
    ['characters that XML cannot carry', { msgtype: 'm.text', body: 'a\u0000b\ud800c\ufffe' }, 'ab\ufffdc'],
  ])('reads %s', (_what, content, text) => {
    expect(textOf(content as Record<string, unknown>, 'Dave')).toBe(text);
  });

  it('names a sticker', () => {
    expect(stickerText({ body: 'wave', info: { mimetype: 'image/webp' } })).toBe(
      '[sticker: wave, image/webp]',
    );
  });

  it('tells edits from messages', () => {
    expect(editOf({ body: 'x' })).toBeUndefined();
    expect(
      editOf({ 'm.relates_to': { rel_type: 'm.replace', event_id: '$a' }, 'm.new_content': { body: 'y' } }),
    ).toEqual({
      replaces: '$a',
      content: { body: 'y' },
    });
  });
});

describe('WV content as Matrix text', () => {
  it.each([
    [{ contentType: 'text/plain', encoding: 'none', data: 'hello' }, 'hello'],
    [{ contentType: '', encoding: 'none', data: 'hello' }, 'hello'],
    [{ contentType: 'Text/Plain; charset=utf-8', encoding: 'base64', data: 'w6k=' }, 'é'],
    [{ contentType: 'image/jpeg', encoding: 'base64', data: 'AAAA' }, '[content: image/jpeg, 3 bytes]'],
    [
      { contentType: 'text/x-vCard; charset=utf-8', encoding: 'none', data: 'x'.repeat(2048) },
      '[content: text/x-vCard, 2 KiB]',
    ],
  ] as const)('writes %j', (content, body) => {
    expect(matrixContent(content)).toEqual({ msgtype: 'm.text', body });
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
