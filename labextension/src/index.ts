// The plugins, each of which can be disabled alone.

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { commandsPlugin } from './commands';
import { loginPlugin } from './login';
import { notebookPlugin } from './notebook';
import { panelPlugin } from './panel/plugin';
import { federationPlugin } from './plugin';
import { progressPlugin } from './progress';
import { quickstartPlugin } from './quickstart';
import { settingsPlugin } from './settings';
import { statusPlugin } from './status';

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  settingsPlugin,
  federationPlugin,
  commandsPlugin,
  loginPlugin,
  statusPlugin,
  panelPlugin,
  progressPlugin,
  notebookPlugin,
  quickstartPlugin
];

export default plugins;
