// `first-jupyter:panel`: the left panel.

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ILabShell, ILayoutRestorer } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import type { IAccount as IAccountType } from '../account';
import { IAccount } from '../account';
import { ControlApi } from '../api';
import { CommandIDs } from '../commandIds';
import type { IFederation as IFederationType } from '../federation';
import { IFederation } from '../federation';
import { AccountSection } from './account';
import { ModelsSection } from './models';
import { FirstPanel } from './panel';
import { WarmNodesSection } from './warmNodes';

/** Of the ranks 501 to 899, which other people's extensions have. */
const RANK = 600;

export const panelPlugin: JupyterFrontEndPlugin<void> = {
  id: 'first-jupyter:panel',
  description: 'The account, the models and the warm nodes, in a panel.',
  autoStart: true,
  requires: [IFederation, IAccount],
  // Notebook 7 has another shell, and restores nothing.
  optional: [ILabShell, ILayoutRestorer, ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    federation: IFederationType,
    account: IAccountType,
    labShell: ILabShell | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ): void => {
    const { commands, shell } = app;
    const trans = (translator ?? nullTranslator).load('first_jupyter');
    const api = new ControlApi(app.serviceManager.serverSettings);
    const panel = new FirstPanel(federation, trans);
    panel.fill([
      [new AccountSection(account, commands, trans), 2],
      [new ModelsSection(federation, api, trans), 6],
      [new WarmNodesSection(federation, api, trans), 5]
    ]);
    shell.add(panel, 'left', { rank: RANK, type: 'FIRST' });
    restorer?.add(panel, panel.id);

    commands.addCommand(CommandIDs.openPanel, {
      label: trans.__('Show FIRST'),
      caption: trans.__(
        'Models, warm nodes and what they cost, in the sidebar'
      ),
      describedBy: { args: { type: 'object', properties: {} } },
      isToggled: () => panel.isVisible,
      execute: () => {
        if (panel.isVisible && labShell) {
          labShell.collapseLeft();
        } else {
          shell.activateById(panel.id);
        }
      }
    });
    palette?.addItem({
      command: CommandIDs.openPanel,
      category: trans.__('FIRST')
    });
  }
};
