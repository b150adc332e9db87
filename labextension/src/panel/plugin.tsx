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
import { Clusters } from '../clusters';
import { CommandIDs } from '../commandIds';
import type { IFederation as IFederationType } from '../federation';
import { IFederation } from '../federation';
import { Usage } from '../usage';
import { AccountSection } from './account';
import { addCluster } from './addCluster';
import { ClustersSection } from './clusters';
import { ModelsSection } from './models';
import { FirstPanel } from './panel';
import { UsageSection } from './usage';
import { WarmNodesSection } from './warmNodes';

/** Of the ranks 501 to 899, which other people's extensions have. */
const RANK = 600;

export const panelPlugin: JupyterFrontEndPlugin<void> = {
  id: 'first-jupyter:panel',
  description:
    'The account, the models, the nodes, their use and the clusters, in a panel.',
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
    const { events, serverSettings } = app.serviceManager;
    const api = new ControlApi(serverSettings);
    const clusters = new Clusters(api, events.stream);
    const panel = new FirstPanel(federation, trans);
    panel.fill([
      [new AccountSection(account, commands, trans), 3],
      [new ModelsSection(federation, api, commands, trans), 6],
      [new WarmNodesSection(federation, api, trans), 5],
      [new UsageSection(new Usage(api, events.stream), trans), 0],
      [new ClustersSection(clusters, commands, trans), 0]
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
    commands.addCommand(CommandIDs.addCluster, {
      label: trans.__('Add a Cluster…'),
      caption: trans.__('Take up a Globus Compute endpoint, with its models'),
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => addCluster(clusters, account, commands, trans)
    });
    for (const command of [CommandIDs.openPanel, CommandIDs.addCluster]) {
      palette?.addItem({ command, category: trans.__('FIRST') });
    }
  }
};
