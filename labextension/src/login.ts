// `first-jupyter:login`: log in with Globus and out again, and be told before a login ends.

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  ICommandPalette,
  Notification,
  showErrorMessage
} from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import type { IAccount as IAccountType } from './account';
import { Account, IAccount } from './account';
import { ControlApi } from './api';
import { CommandIDs } from './commandIds';
import { showLogin } from './loginDialog';
import type { Warn } from './reminder';
import { remind } from './reminder';
import type { ISettings as ISettingsType } from './settings';
import { ISettings } from './settings';

const noArguments = { args: { type: 'object' as const, properties: {} } };

async function logIn(
  account: IAccountType,
  trans: TranslationBundle
): Promise<void> {
  await account.refresh();
  const login = account.login;
  if (login?.service_account) {
    await showErrorMessage(trans.__('No login is needed'), login.sentence);
    return;
  }
  const again = login?.state === 'logged_in';
  const why = again || login?.state === 'demand' ? login.sentence : '';
  try {
    const begun = await account.begin(again);
    if (!(await showLogin(account, begun, why, trans))) {
      await account.cancel();
      return;
    }
    Notification.success(account.login?.sentence ?? '', { autoClose: 4000 });
  } catch (error) {
    await showErrorMessage(trans.__('Not logged in'), error as Error);
  }
}

async function logOut(
  account: IAccountType,
  trans: TranslationBundle
): Promise<void> {
  try {
    await account.logout();
    Notification.info(account.login?.sentence ?? '', { autoClose: 4000 });
  } catch (error) {
    await showErrorMessage(trans.__('Not logged out'), error as Error);
  }
}

export const loginPlugin: JupyterFrontEndPlugin<IAccountType> = {
  id: 'first-jupyter:login',
  description: 'Logs in with Globus and out again.',
  autoStart: true,
  provides: IAccount,
  requires: [ISettings],
  optional: [ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    settings: ISettingsType,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ): IAccountType => {
    const { serverSettings, events } = app.serviceManager;
    const { commands } = app;
    const trans = (translator ?? nullTranslator).load('first_jupyter');
    const account = new Account(new ControlApi(serverSettings), events.stream);
    const isPerson = (): boolean =>
      account.login !== null &&
      account.login.state !== 'unneeded' &&
      !account.login.service_account;

    commands.addCommand(CommandIDs.login, {
      label: trans.__('Log In with Globus…'),
      caption: trans.__('Log in, so that models on clusters can be used'),
      describedBy: noArguments,
      isVisible: isPerson,
      execute: () => logIn(account, trans)
    });
    commands.addCommand(CommandIDs.logout, {
      label: () =>
        account.login?.username
          ? trans.__('Log Out of Globus (%1)', account.login.username)
          : trans.__('Log Out of Globus'),
      caption: trans.__('Revoke the tokens and remove them'),
      describedBy: noArguments,
      isVisible: isPerson,
      isEnabled: () => Boolean(account.login?.username),
      execute: () => logOut(account, trans)
    });
    for (const command of [CommandIDs.login, CommandIDs.logout]) {
      palette?.addItem({ command, category: trans.__('FIRST') });
      account.changed.connect(() => commands.notifyCommandChanged(command));
    }
    const warn: Warn = async (message, options) => {
      await settings.known;
      if (settings.loginReminder) {
        Notification.warning(message, options);
      }
    };
    const again = (): void => void commands.execute(CommandIDs.login);
    remind(account, warn, again, trans);
    // A demand of Globus is told at once, whatever is on the screen.
    account.watch();
    return account;
  }
};
