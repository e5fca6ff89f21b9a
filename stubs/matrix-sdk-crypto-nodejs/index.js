// matrix-bot-sdk requires this package eagerly, although wvgate never uses bridge encryption.
// Every name resolves to a class that refuses to be constructed, so a use is a clear error, not a silent one.
'use strict';

function refusal(name) {
  return class {
    constructor() {
      throw new Error(`${name}: end-to-end encryption is not available in wvgate (see docs/dependencies.md)`);
    }
  };
}

const exported = {};
module.exports = new Proxy(exported, {
  get(target, name) {
    if (typeof name !== 'string' || name === '__esModule' || name === 'then') return undefined;
    target[name] ??= refusal(name);
    return target[name];
  },
});
