// `first-jupyter:quickstart`: a card in the launcher that opens a copy of the quickstart notebook.

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, showErrorMessage } from '@jupyterlab/apputils';
import { PageConfig, PathExt, URLExt } from '@jupyterlab/coreutils';
import { ILauncher } from '@jupyterlab/launcher';
import type { Contents } from '@jupyterlab/services';
import { ServerConnection } from '@jupyterlab/services';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { CommandIDs } from './commandIds';
import { firstIcon } from './icons';

const NAME = 'first-quickstart.ipynb';
/** Where the wheel puts the notebook, beside our code. */
const SHIPPED = 'first-jupyter/static/quickstart.ipynb';

/** Beside kernels the launcher shows pictures alone, which know nothing of themes. */
const CARD = `data:image/svg+xml,${encodeURIComponent(firstIcon.svgstr.replace('#616161', '#f37726'))}`;

const argsSchema = {
  type: 'object',
  properties: {
    cwd: { type: 'string', description: 'The folder that the copy goes into' }
  }
};

/** Returns the path of the person's copy, and makes it where there is none: what they wrote into it stays. */
async function copyInto(
  cwd: string,
  contents: Contents.IManager,
  settings: ServerConnection.ISettings
): Promise<string> {
  const path = PathExt.join(cwd, NAME);
  const { content: files } = (await contents.get(cwd)) as {
    content: Contents.IModel[];
  };
  if (!files.some(file => file.name === NAME)) {
    const folder = PageConfig.getOption('fullLabextensionsUrl');
    const url = new URL(URLExt.join(folder, SHIPPED), settings.baseUrl).href;
    const answer = await ServerConnection.makeRequest(url, {}, settings);
    if (!answer.ok) {
      throw new Error(`${url} answered ${answer.status}`);
    }
    const content = await answer.json();
    await contents.save(path, { type: 'notebook', format: 'json', content });
  }
  return path;
}

export const quickstartPlugin: JupyterFrontEndPlugin<void> = {
  id: 'first-jupyter:quickstart',
  description: 'Opens a copy of the quickstart notebook.',
  autoStart: true,
  optional: [ILauncher, ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    launcher: ILauncher | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('first_jupyter');
    const { contents, serverSettings } = app.serviceManager;
    const command = CommandIDs.quickstart;
    app.commands.addCommand(command, {
      label: args =>
        args['isPalette']
          ? trans.__('Open the Quickstart')
          : trans.__('FIRST Quickstart'),
      caption: trans.__('A notebook that shows by doing how to ask a model'),
      icon: firstIcon,
      describedBy: { args: argsSchema },
      execute: async args => {
        try {
          const cwd = typeof args['cwd'] === 'string' ? args['cwd'] : '';
          const path = await copyInto(cwd, contents, serverSettings);
          return await app.commands.execute('docmanager:open', { path });
        } catch (error) {
          await showErrorMessage(
            trans.__('The quickstart could not be opened'),
            error as Error
          );
        }
      }
    });
    // The launcher's own category, under whatever name it goes.
    const lab = (translator ?? nullTranslator).load('jupyterlab');
    const category = lab.gettext('Notebook');
    launcher?.add({ command, category, rank: 900, kernelIconUrl: CARD });
    palette?.addItem({
      command,
      category: trans.__('FIRST'),
      args: { isPalette: true }
    });
  }
};
