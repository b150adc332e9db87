// `first-jupyter:progress`: says in a notification how far each start is.

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Notification, showErrorMessage } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { CommandIDs } from './commandIds';
import type { IFederation as IFederationType } from './federation';
import { IFederation } from './federation';
import type { ISettings as ISettingsType } from './settings';
import { ISettings } from './settings';
import type { IBoard, IDoors } from './startNotices';
import { StartNotices } from './startNotices';

const PANEL = 'first-jupyter:panel';

const board: IBoard = {
  notify: (message, type, options) => Notification.emit(message, type, options),
  update: update => Notification.update(update),
  // JupyterLab gives a toast the id of its notification.
  isOnScreen: id => document.getElementById(id) !== null
};

export const progressPlugin: JupyterFrontEndPlugin<void> = {
  id: 'first-jupyter:progress',
  description: 'Says in a notification how far a model is that starts.',
  autoStart: true,
  requires: [IFederation, ISettings],
  optional: [ITranslator],
  activate: (
    app: JupyterFrontEnd,
    federation: IFederationType,
    settings: ISettingsType,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('first_jupyter');
    const openPanel = (): void => app.shell.activateById(PANEL);
    const doors: IDoors = {
      openPanel,
      stop: ({ model, offer }) => {
        federation.stop(model, offer.cluster).catch(error => {
          void showErrorMessage(trans.__('Not cancelled'), error as Error);
        });
      },
      showLog: ({ model, offer }) => {
        const args = { model, cluster: offer.cluster };
        void app.commands.execute(CommandIDs.showLog, args).catch(openPanel);
      }
    };
    const isWanted = (): boolean => settings.startNotifications;
    // Before, JupyterLab shows no notification.
    void app.restored.then(
      () => new StartNotices(federation, board, doors, trans, isWanted)
    );
  }
};
