// The account against a real HTTP server that counts what it is asked.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Account } from '../src/account';
import { login } from './samples';
import { asJson, withServer } from './server';
import type { Answer, IServed } from './server';

const PAGE = 'https://auth.globus.org/v2/oauth2/authorize?state=s';

const LOGIN = 'GET login?no_track_activity=1';

/** Runs a body with an account whose server answers as told, or else that nobody is logged in. */
const withAccount = (
  answers: Record<string, Answer>,
  body: (account: Account, served: IServed) => Promise<void>
): Promise<void> =>
  withServer(
    (request, response, line) =>
      (answers[line] ?? asJson(200, login()))(request, response, line),
    async served => {
      const account = new Account(served.api, served.stream);
      await body(account, served).finally(() => account.dispose());
    }
  );

test('who watches has the login fetched, and again at its own event alone', () =>
  withAccount({}, async (account, { stream, asked }) => {
    const change = (): Promise<unknown> =>
      new Promise(resolve => account.changed.connect(resolve));
    const known = change();
    account.watch();
    await known;
    assert.equal(account.login?.state, 'logged_out');
    const changed = change();
    stream.emit({
      schema_id: 'https://first-jupyter.org/events/current-model/v1'
    });
    stream.emit({ schema_id: 'https://first-jupyter.org/events/login/v1' });
    await changed;
    assert.deepEqual(asked, [LOGIN, LOGIN]);
  }));

test('a login is begun, finished with the code, and logged out', () => {
  const ada = login({ state: 'logged_in', username: 'ada' });
  const begun = { url: PAGE, way: 'paste', until: 1 };
  const answers = {
    'POST login {"force":true}': asJson(200, begun),
    'POST login/code {"code":"c"}': asJson(200, ada)
  };
  return withAccount(answers, async (account, { asked }) => {
    assert.deepEqual(await account.begin(true), begun);
    await account.finish('c');
    assert.equal(account.login?.username, 'ada');
    await account.logout();
    assert.equal(account.login?.username, null);
    await account.cancel();
    assert.deepEqual(asked, [
      'POST login {"force":true}',
      'POST login/code {"code":"c"}',
      'POST logout {}',
      'DELETE login'
    ]);
  });
});

test('a refusal is told in the words of the server, and changes nothing', () => {
  const refusal = { error: { message: 'Globus did not take the code.' } };
  const answers = { 'POST login/code {"code":"c"}': asJson(400, refusal) };
  return withAccount(answers, async account => {
    await assert.rejects(account.finish('c'), /did not take the code/);
    assert.equal(account.login, null);
  });
});
