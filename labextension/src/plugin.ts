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
    // Events of a time when the page was hidden, or the laptop asleep, may not have come.
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) {
        void federation.refresh();
      }
    });
    void federation.refresh();
    return federation;
  }
};
