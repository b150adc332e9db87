// The reminder, with an account on a real HTTP server, and a list in the place of JupyterLab's notifications.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Notification } from '@jupyterlab/apputils';

import { Account } from '../src/account';
import type { ILogin } from '../src/loginApi';
import { remind } from '../src/reminder';
import { login, trans } from './samples';
import { asJson, withServer } from './server';

const DEMAND = 'Globus wants to know again who you are: log in again.';
const SOON = 'Logged in as ada; the login ends in 2 days.';

interface IWarning {
  message: string;
  options: Notification.IOptions<null>;
}

/** Has the server tell of logins one after the other, and returns the warnings and how often Log In was called. */
async function warned(
  ...logins: Partial<ILogin>[]
): Promise<{ warnings: IWarning[]; loggedIn: () => number }> {
  const warnings: IWarning[] = [];
  let [now, count] = [login(), 0];
  await withServer(
    (request, response, line) => asJson(200, now)(request, response, line),
    async ({ api, stream }) => {
      const account = new Account(api, stream);
      const warn = (message: string, options: IWarning['options']): void =>
        void warnings.push({ message, options });
      remind(account, warn, () => (count += 1), trans);
      for (const changes of logins) {
        now = login(changes);
        await account.refresh();
      }
      account.dispose();
    }
  );
  return { warnings, loggedIn: () => count };
}

const demand = { state: 'demand', sentence: DEMAND } as const;
const soon = {
  state: 'logged_in',
  ends_soon: true,
  sentence: SOON
} as const;
const well = { state: 'logged_in', sentence: 'Logged in as ada.' } as const;

for (const [what, wanted] of [
  ['a demand of Globus', demand],
  ['a login that ends soon', soon]
] as const) {
  test(`${what} is told, stays, and has a button that logs in`, async () => {
    const { warnings, loggedIn } = await warned(wanted);
    const [{ message, options }] = warnings as [IWarning];
    assert.equal(message, wanted.sentence);
    assert.equal(options.autoClose, false);
    const [button] = options.actions as [Notification.IAction];
    assert.equal(button.label, 'Log In');
    button.callback({} as MouseEvent);
    assert.equal(loggedIn(), 1);
  });
}

for (const [what, logins, told] of [
  ['the same is told once', [demand, demand], [DEMAND]],
  ['another reason is told too', [soon, demand], [SOON, DEMAND]],
  ['what comes again is told again', [demand, well, demand], [DEMAND, DEMAND]],
  ['nothing is told where all is well', [{}, well], []],
  [
    'who is logging in already is not told',
    [{ ...demand, pending: { url: '', way: 'paste', until: 1 } }],
    []
  ]
] as [string, Partial<ILogin>[], string[]][]) {
  test(what, async () => {
    const { warnings } = await warned(...logins);
    assert.deepEqual(
      warnings.map(each => each.message),
      told
    );
  });
}
