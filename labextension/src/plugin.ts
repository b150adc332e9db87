// `first-jupyter:federation`: the catalog that all other plugins look at.

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';

import { ControlApi } from './api';
import { Federation, IFederation } from './federation';

export const federationPlugin: JupyterFrontEndPlugin<IFederation> = {
  id: 'first-jupyter:federation',
  description: 'Knows the models that this user can reach, and their states.',
  autoStart: true,
  provides: IFederation,
  activate: (app: JupyterFrontEnd): IFederation => {
    const { serverSettings, events } = app.serviceManager;
    const federation = new Federation(
      new ControlApi(serverSettings),
      events.stream
    );
    // The status bar, the commands and the notifications look at it all the time.
    federation.watch();
    return federation;
  }
};
