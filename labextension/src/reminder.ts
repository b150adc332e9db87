// Says once what Globus wants of the person, or that the login ends soon, with a button that mends it.

import type { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { IAccount } from './account';

/** Shows a warning, as JupyterLab's notifications do. */
export type Warn = (
  message: string,
  options: Notification.IOptions<null>
) => unknown;

/** Warns at the account's changes; the button calls `logIn`. */
export function remind(
  account: IAccount,
  warn: Warn,
  logIn: () => void,
  trans: TranslationBundle
): void {
  let said = '';
  account.changed.connect(() => {
    const login = account.login;
    if (!login || (login.state !== 'demand' && !login.ends_soon)) {
      said = '';
      return;
    }
    if (login.sentence !== said && !login.pending) {
      said = login.sentence;
      warn(login.sentence, {
        autoClose: false,
        actions: [{ label: trans.__('Log In'), callback: logIn }]
      });
    }
  });
}
