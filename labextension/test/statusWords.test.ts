// What the status item says, for a catalog and a login.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { ICatalog } from '../src/api';
import { currentChoice } from '../src/catalog';
import type { IFederation } from '../src/federation';
import type { LoginState } from '../src/loginApi';
import { statusOf } from '../src/statusWords';
import { catalog, login, trans } from './samples';

const showing = (shown: ICatalog): IFederation =>
  ({
    availability: 'ready',
    catalog: shown,
    current: currentChoice(shown),
    age: 0
  }) as IFederation;
const HOT = 'SmolLM2-135M-Instruct · hot';

for (const [state, text, icon] of [
  ['unneeded', HOT, 'hot'],
  ['logged_in', HOT, 'hot'],
  ['logged_out', `${HOT} · not logged in`, 'hot'],
  ['pending', `${HOT} · logging in`, 'hot'],
  ['demand', `log in again · ${HOT}`, null]
] as [LoginState, string, string | null][]) {
  test(`a hot model and a login that is ${state} read “${text}”`, () => {
    const sentence = 'How the login is.';
    const given = login({ state, sentence });
    const said = statusOf(showing(catalog()), given, trans);
    assert.equal(said.text, text);
    assert.equal(said.state, icon);
    assert.equal(said.title.includes(sentence), state !== 'unneeded');
  });
}

test('without a login that is known the model is told alone', () => {
  assert.equal(statusOf(showing(catalog()), null, trans).text, HOT);
});

test('without a choice the item asks for one', () => {
  const none = showing({ ...catalog(), current: null });
  assert.equal(statusOf(none, null, trans).text, 'FIRST: choose a model');
});
